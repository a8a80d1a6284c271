# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_rtl.lib.ram import Collisions
from prunus_rtl.lib.state_memory import StateMemory
from prunus_sim.simulator.amaranth import simulate

DEPTH = 6


@pytest.mark.parametrize("seed", [0, 1])
def test_unit_and_memory_port_see_the_same_words(seed: int) -> None:
    """Random operations of either; what nobody reads is undefined and not looked at."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 9, DEPTH).tolist()
    dut = StateMemory(shape=9, depth=DEPTH, init=list(words))
    access = dut.access

    async def bench(ctx: Any) -> None:
        shown: int | None = None
        for _ in range(600):
            strobe, write, read = (bool(rng.random() < p) for p in (0.4, 0.5, 0.5))
            at, other, word = (int(n) for n in rng.integers(0, [DEPTH, DEPTH, 1 << 9]))
            ctx.set(access.strobe, strobe)
            # Whatever the lines of the one that does not act hold.
            ctx.set(access.write, write)
            ctx.set(access.address, at if strobe else other)
            ctx.set(access.data, word if strobe else ~word & 0x1FF)
            acts = not strobe
            ctx.set(dut.write, acts and write)
            ctx.set(dut.write_address, at if acts else other)
            ctx.set(dut.write_data, word if acts else ~word & 0x1FF)
            ctx.set(dut.read, acts and read)
            ctx.set(dut.read_address, other)
            expected = shown
            if strobe and not write:
                expected = words[at]
            elif acts and read:
                # A collision returns anything.
                expected = None if write and at == other else words[other]
            if write:
                words[at] = word
            await ctx.tick()
            assert ctx.get(access.done) == strobe
            if expected is not None:
                assert ctx.get(dut.read_data) == ctx.get(access.value) == expected
            shown = expected

    simulate(dut, bench, platform=Collisions())
    assert dut.depth == DEPTH


def test_words_are_0_at_first_and_access_is_not_done_unasked() -> None:
    dut = StateMemory(shape=9, depth=DEPTH)

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.access.done) == 0
        for address in range(DEPTH):
            ctx.set(dut.access.strobe, 1)
            ctx.set(dut.access.address, address)
            await ctx.tick()
            ctx.set(dut.access.strobe, 0)
            assert (ctx.get(dut.access.done), ctx.get(dut.access.value)) == (1, 0)
            await ctx.tick()
            assert ctx.get(dut.access.done) == 0

    simulate(dut, bench, platform=Collisions())
