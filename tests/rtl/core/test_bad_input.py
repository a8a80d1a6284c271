# amaranth: UnusedElaboratable=no

"""What a core does with what its sender should not do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_core import Show
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.amaranth import CoreDriver, Outcome, send, simulate

NETWORK = replace(
    NetworkConfig.named("tiny"),
    inputs=10,
    neurons=5,
    encoder=EncoderParams(steps=8),
    homeostasis=HomeostasisParams(v_th=9000, theta_plus=300, theta_decay_shift=5),
)


def same(outcome: Outcome, shown: Any) -> bool:
    fired = list(zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True))
    return outcome.spikes == fired


@pytest.mark.parametrize("learn", [False, True], ids=["inference", "learning"])
def test_start_that_is_offered_while_a_presentation_runs_waits_for_its_end(learn: bool) -> None:
    """The next image is there, and the start is offered all the time: it is taken once for each."""
    network = Network(NETWORK)
    core = Core(network=NETWORK, hardware=HardwareConfig(lanes=2), state=network.state.copy())
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (3, NETWORK.inputs)).astype(np.uint8)
    over = False

    async def load(ctx: Any) -> None:
        for levels in images:
            await CoreDriver(ctx, core).send_levels(levels)

    async def start(ctx: Any) -> None:
        """Offer a start for ever, and check when it is taken."""
        ctx.set(core.control.payload, {"stop_after": 0, "learn": learn})
        ctx.set(core.control.valid, 1)
        starts = ends = 0
        while not over:
            ports = (core.control.ready, core.result.valid, core.result.ready)
            *_, taken, valid, ready = await ctx.tick().sample(*ports)
            if taken:
                assert starts == ends
            starts, ends = starts + taken, ends + (valid & ready)
        assert (starts, ends) == (3, 3)

    async def collect(ctx: Any) -> None:
        nonlocal over
        driver = CoreDriver(ctx, core)
        for levels in images:
            assert same(await driver.finish(), network.present(levels, learn=learn))
        # There is no fourth image: the start waits, and the state can be read.
        assert network.state.differences(await driver.read_state()) == []
        over = True

    simulate(core, load, start, collect, platform=Collisions())


def test_core_waits_for_the_end_of_a_step_and_goes_on_when_it_comes() -> None:
    network = Network(NETWORK)
    hardware = HardwareConfig(lanes=2, source="events")
    core = Core(network=NETWORK, hardware=hardware, state=network.state.copy())
    steps = NETWORK.encoder.steps
    rng = np.random.default_rng(1)
    events = [rng.permutation(10)[: step + 2].tolist() for step in range(steps)]

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        await driver.start(Show(learn=True).request)
        ctx.set(core.spikes.ready, 1)
        for step, pres in enumerate(events):
            for pre in pres:
                await send(ctx, core.events, {"pre": pre, "end": 0})
            if step < steps - 1:
                await send(ctx, core.events, {"pre": 0, "end": 1})
        for _ in range(2000):
            assert ctx.get(core.result.valid) == ctx.get(core.control.ready) == 0
            assert ctx.get(core.events.ready) == 1
            await ctx.tick()
        await send(ctx, core.events, {"pre": 0, "end": 1})
        outcome = await driver.finish()
        shown = network.present_events(events, learn=True)
        assert outcome.counts["input_spikes"] == sum(map(len, events))
        assert outcome.counts["steps"] == steps
        assert outcome.counts["output_spikes"] == len(shown.spike_posts)
        assert network.state.differences(await driver.read_state()) == []

    simulate(core, bench, platform=Collisions())
