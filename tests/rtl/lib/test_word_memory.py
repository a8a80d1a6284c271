# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_rtl.lib.ram import Collisions
from prunus_rtl.lib.total import total
from prunus_rtl.lib.word_memory import WordMemory, joined
from prunus_sim.simulator.amaranth import simulate

BITS = 5


@pytest.mark.parametrize(("each", "depth"), [(2, 6), (4, 3), (16, 1)])
def test_unit_sees_words_and_memory_port_their_values(each: int, depth: int) -> None:
    rng = np.random.default_rng(each)
    values = rng.integers(0, 1 << BITS, depth * each).tolist()
    first = joined(values, bits=BITS, each=each)
    assert len(first) == depth
    dut = WordMemory(shape=BITS, each=each, depth=depth, init=first)
    access = dut.access

    async def bench(ctx: Any) -> None:
        for _ in range(300):
            at, value = int(rng.integers(depth * each)), int(rng.integers(1 << BITS))
            word = at // each
            kind = int(rng.integers(4))
            ctx.set(access.address, at)
            ctx.set(access.data, value)
            ctx.set(access.write, kind % 2)
            ctx.set(access.strobe, kind < 2)
            ctx.set(dut.read, kind == 2)
            # Whatever the lines of the one that does not act hold.
            idle = int(rng.integers(depth))
            ctx.set(dut.read_address, word if kind == 2 else idle)
            ctx.set(dut.write, kind == 3)
            ctx.set(dut.write_address, word if kind == 3 else idle)
            if kind == 3:
                mine = rng.integers(0, 1 << BITS, each).tolist()
                values[word * each : (word + 1) * each] = mine
                ctx.set(dut.write_data, joined(mine, bits=BITS, each=each)[0])
            await ctx.tick()
            assert ctx.get(access.done) == (kind < 2)
            if kind == 0:
                assert ctx.get(access.value) == values[at]
            if kind == 1:
                values[at] = value
            if kind == 2:
                mine = values[word * each : (word + 1) * each]
                assert ctx.get(dut.read_data) == joined(mine, bits=BITS, each=each)[0]
            for name in ("read", "write"):
                ctx.set(getattr(dut, name), 0)
            ctx.set(access.strobe, 0)
            await ctx.tick()
            assert ctx.get(access.done) == 0

    simulate(dut, bench, platform=Collisions())


@pytest.mark.parametrize("count", range(1, 10))
def test_total_adds_every_number_once(count: int) -> None:
    assert total([1 << k for k in range(count)]) == (1 << count) - 1
