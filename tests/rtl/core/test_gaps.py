# amaranth: UnusedElaboratable=no

"""What the mutation test (`make mutants`) found that no other test looks at."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.state import NO_STEP, State
from prunus_rtl.core.core import Core
from prunus_rtl.core.counters import Counters, counters_layout
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import CoreDriver, simulate

SMALL = replace(NetworkConfig.named("tiny"), inputs=10, neurons=5)


@pytest.mark.parametrize("lanes", [1, 4])
def test_counters_start_at_0_and_clear_wins_over_an_event(lanes: int) -> None:
    shapes = Shapes(network=SMALL, hardware=HardwareConfig(lanes=lanes))
    dut = Counters(layout=counters_layout(shapes), lanes=lanes)
    names = list(counters_layout(shapes).members)

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(2)
        assert {name: ctx.get(dut.counts[name]) for name in names} == dict.fromkeys(names, 0)
        ctx.set(dut.synapses, (1 << lanes) - 1)
        ctx.set(dut.step, 1)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        for name in ("synapses", "step", "clear"):
            ctx.set(getattr(dut, name), 0)
        await ctx.tick().repeat(2)
        assert {name: ctx.get(dut.counts[name]) for name in names} == dict.fromkeys(names, 0)

    simulate(dut, bench)


def test_core_starts_with_the_state_that_it_is_given() -> None:
    rng = np.random.default_rng(1)
    state = State.initial(SMALL)
    state.last_step[:] = [0, NO_STEP, 1, 5, 0, 255, NO_STEP, 2, 254, 0]
    state.alive[:] = rng.random(state.alive.shape) < 0.6
    state.weights[:] = np.where(state.alive, rng.integers(0, 256, state.alive.shape), 0)
    for name, limit in (
        ("v", 1 << 20),
        ("v_fire", 1 << 20),
        ("theta", 1 << 20),
        ("strength", 1 << 10),
        ("post_count", 1 << 10),
    ):
        getattr(state, name)[:] = rng.integers(1, limit, SMALL.neurons)
    state.presentation = 77
    core = Core(network=SMALL, hardware=HardwareConfig(lanes=2), state=state.copy())

    async def bench(ctx: Any) -> None:
        assert state.differences(await CoreDriver(ctx, core).read_state()) == []

    simulate(core, bench, platform=Collisions())


@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
def test_largest_product_just_above_a_power_of_2_fits(multiplier: Any) -> None:
    """A strength of 2 bits times 43691 is at most 2**17 + 1."""
    policy = AdaptivePruning(ramp_gain=65535, ramp_shift=0, strength_gain=43691)
    dut = Pruning(policy=policy, weight_bits=2, strength_bits=2, multiplier=multiplier)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.post_count, 9)
        for strength, threshold in ((3, 2), (2, 1), (1, 0)):
            ctx.set(dut.strength, strength)
            await ctx.tick()
            assert ctx.get(dut.w_prune) == threshold == strength * 43691 >> 16

    simulate(dut, bench)
