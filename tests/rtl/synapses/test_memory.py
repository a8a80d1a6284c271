# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from prunus_rtl.memory_image.memory import banks
from prunus_rtl.synapses.memory import StoreMemory


@pytest.mark.parametrize("depth", [1, 2, 5, 2048, 2049, 3000, 4096, 6500, 8192 + 103])
def test_banks_are_aligned_powers_of_two_and_a_rest(depth: int) -> None:
    found = banks(depth)
    assert sum(found) == depth
    assert 0 < found[-1] <= 2048 or len(found) == 1
    start = 0
    for size in found:
        assert start % (1 << (size - 1).bit_length()) == 0
        start += size
    assert all(size & (size - 1) == 0 and size >= 2048 for size in found[:-1])


@pytest.mark.parametrize("spram", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 7, 3000, 6500])
def test_every_word_is_kept_under_its_address(depth: int, spram: bool) -> None:
    rng = np.random.default_rng(depth)
    words = rng.integers(0, 1 << 12, depth).tolist()
    dut = StoreMemory(width=12, words=words, spram=spram)
    assert dut.banks == ((depth,) if spram else banks(depth))
    edges = {0, depth - 1, depth // 2, *np.cumsum(banks(depth))[:-1].tolist()}
    edges |= {n - 1 for n in edges if n} | set(rng.integers(0, depth, 40).tolist())

    async def bench(ctx: Any) -> None:
        now = dict(enumerate(words))
        shown = None
        for _ in range(600):
            at = int(rng.choice(sorted(edges)))
            kind = rng.choice(["enable", "read", "write", "wait"])
            for name in ("enable", "read", "write"):
                ctx.set(getattr(dut, name), kind == name)
            ctx.set(dut.address, at if kind == "enable" else int(rng.integers(0, depth)))
            ctx.set(dut.place, at if kind in ("read", "write") else int(rng.integers(0, depth)))
            data = int(rng.integers(0, 1 << 12))
            ctx.set(dut.write_data, data)
            await ctx.tick()
            if kind == "write":
                now[at] = data
                # In SPRAM a write may show anything; nobody looks before the next read.
                shown = None if spram else shown
                if shown is not None and at == shown[0]:
                    shown = None
            elif kind != "wait":
                shown = (at, now[at])
            if shown is not None:
                assert ctx.get(dut.data) == shown[1], (kind, at)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
