from typing import Any

import numpy as np
import pytest

from prunus_model.reference import stdp
from prunus_model.spec.units import StdpParams
from prunus_rtl.plasticity.trace import LastStep
from prunus_sim.simulator.amaranth import simulate


@pytest.mark.parametrize("window", [0, 1, 3, 255])
@pytest.mark.parametrize(
    ("inputs", "each"), [(1, 1), (5, 1), (5, 2), (11, 4), (8, 4), (19, 8), (3, 16)]
)
def test_recent_matches_model_and_clear_forgets(window: int, inputs: int, each: int) -> None:
    params = StdpParams(trace_window=window)
    dut = LastStep(inputs=inputs, window=window, each=each, init=[1 << 8 | 3] * inputs)
    words = -(-inputs // each)
    rng = np.random.default_rng(window)
    last = np.full(inputs, -1, dtype=np.int64)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            for _ in range(words):
                assert ctx.get(dut.busy) == 1
                await ctx.tick()
            assert ctx.get(dut.busy) == 0
            last[:] = -1
            for step in [0, 1, 2, 3, 4, 250, 254]:
                ctx.set(dut.step, step)
                ctx.set(dut.spike_step, step)
                for pre in np.flatnonzero(rng.random(inputs) < 0.4).tolist():
                    ctx.set(dut.spike, 1)
                    ctx.set(dut.pre, pre)
                    last[pre] = step
                    await ctx.tick()
                ctx.set(dut.spike, 0)
                wanted = stdp.recent(last, step, params).tolist()
                for word in range(words):
                    ctx.set(dut.read, 1)
                    ctx.set(dut.read_pre, word)
                    await ctx.tick()
                    ctx.set(dut.read, 0)
                    await ctx.tick()
                    mine = wanted[word * each : (word + 1) * each]
                    want = sum(int(bit) << k for k, bit in enumerate(mine))
                    assert ctx.get(dut.recent) == want, (step, word)

    simulate(dut, bench)


@pytest.mark.parametrize(("inputs", "each"), [(5, 1), (5, 2), (11, 4)])
def test_memory_port_reaches_each_input_by_its_number(inputs: int, each: int) -> None:
    first = list(range(100, 100 + inputs))
    dut = LastStep(inputs=inputs, window=3, each=each, init=first)
    access = dut.access

    async def ask(ctx: Any, pre: int, word: int | None = None) -> int:
        ctx.set(access.strobe, 1)
        ctx.set(access.address, pre)
        ctx.set(access.write, word is not None)
        ctx.set(access.data, word or 0)
        await ctx.tick()
        ctx.set(access.strobe, 0)
        assert ctx.get(access.done) == 1
        value = int(ctx.get(access.value))
        await ctx.tick()
        assert ctx.get(access.done) == 0
        return value

    async def bench(ctx: Any) -> None:
        assert [await ask(ctx, pre) for pre in range(inputs)] == first
        for pre in range(inputs):
            await ask(ctx, pre, 300 + pre)
            want = [*range(300, 301 + pre), *first[pre + 1 :]]
            assert [await ask(ctx, pre) for pre in range(inputs)] == want

    simulate(dut, bench)
