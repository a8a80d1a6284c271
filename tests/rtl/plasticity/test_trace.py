from typing import Any

import numpy as np
import pytest

from prunus_model.reference import stdp
from prunus_model.spec.units import StdpParams
from prunus_rtl.plasticity.trace import LastStep
from prunus_sim.simulator.amaranth import simulate


@pytest.mark.parametrize("window", [0, 1, 3, 255])
@pytest.mark.parametrize("inputs", [1, 5])
def test_recent_matches_model_and_clear_forgets(window: int, inputs: int) -> None:
    params = StdpParams(trace_window=window)
    dut = LastStep(inputs=inputs, window=window, init=[1 << 8 | 3] * inputs)
    rng = np.random.default_rng(window)
    last = np.full(inputs, -1, dtype=np.int64)

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            for _ in range(inputs):
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
                for pre, want in enumerate(stdp.recent(last, step, params).tolist()):
                    ctx.set(dut.read, 1)
                    ctx.set(dut.read_pre, pre)
                    await ctx.tick()
                    ctx.set(dut.read, 0)
                    await ctx.tick()
                    assert ctx.get(dut.recent) == want, (step, pre)

    simulate(dut, bench)
