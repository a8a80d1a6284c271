# amaranth: UnusedElaboratable=no

"""Whatever a host does between presentations, thresholds are those of the model, in its time."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal

from prunus_core import LIVELY, Show, cycles_of, image, trained
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.units import MembraneParams
from prunus_rtl.core.core import Core
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.timing import init_cycles
from prunus_sim.simulator.amaranth import CoreDriver, simulate

#: Three groups; without learning each is shown twice, unless a margin ends that.
GROUPS = replace(
    LIVELY,
    inputs=4,
    neurons=3,
    groups=GroupsParams(
        image_width=4,
        image_height=2,
        window_width=2,
        window_height=2,
        stride=1,
        looks=((0, 0), (1, 0)),
    ),
)
#: What a host writes, and the space and the largest value of it.
WORDS = {
    "theta": (Space.THETA, 1 << 15),
    "strength": (Space.STRENGTH, 1 << 10),
    "v_fire": (Space.V_FIRE, 1 << 12),
    "post_count": (Space.POST_COUNT, 100),
}
SPOILS = ("theta", "strength", "v_fire")


def decaying(config: NetworkConfig, shift: int) -> NetworkConfig:
    return replace(config, homeostasis=replace(config.homeostasis, theta_decay_shift=shift))


class Host:
    """A core and the model, side by side, and what a host does to both."""

    def __init__(self, ctx: Any, core: Core, network: Network, reset: Signal) -> None:
        self.ctx, self.core, self.network, self.reset = ctx, core, network, reset
        self.driver = CoreDriver(ctx, core)
        self.stale = StaleThresholds(core.shapes)

    async def write(self, name: str, neuron: int, value: int) -> None:
        """Write one word of a state variable."""
        space = WORDS[name][0]
        address = neuron
        if name == "v_fire":
            group, post = divmod(neuron, self.core.network.neurons)
            address = group << self.core.shapes.post.width | post
        _, error = await self.driver.access(space, address, value)
        assert not error
        getattr(self.network.state, name)[neuron] = value
        if name in SPOILS:
            self.stale.spoil()

    async def number(self, number: int) -> None:
        """Set the number of the next presentation."""
        await self.driver.access(Space.PRESENTATION, 0, number)
        self.network.state.presentation = number

    async def restart(self) -> None:
        """Reset the core, which forgets scores and the number of the presentation."""
        self.ctx.set(self.reset, 1)
        await self.ctx.tick()
        self.ctx.set(self.reset, 0)
        self.stale.spoil()
        self.network.scores = np.zeros_like(self.network.scores)
        await self.number(self.network.state.presentation)

    async def interrupt(self, levels: Any, cycles: int) -> None:
        """Reset the core so many cycles into a presentation that does not learn."""
        await self.driver.send_levels(levels)
        await self.driver.start(Show(learn=False).request)
        await self.ctx.tick().repeat(cycles)
        await self.restart()

    async def compare(self) -> None:
        """Compare every state variable."""
        assert self.network.state.differences(await self.driver.read_state()) == []

    async def show(self, levels: Any, show: Show) -> tuple[int, int]:
        """Show an image to both, compare spikes, and return cycles and those of the formula."""
        formula = cycles_of(self.core, self.network, levels, None, show, stale=self.stale)
        await self.driver.send_levels(levels)
        await self.driver.start(show.request)
        outcome = await self.driver.finish()
        shown = self.network.present(levels, **show.request)
        fired = list(zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True))
        assert outcome.spikes == fired
        cycles = outcome.counts["cycles"]
        assert formula.fewest <= cycles <= formula.most
        return cycles, formula.fewest


def host_of(config: NetworkConfig, bench: Any, **hardware: Any) -> None:
    """Run a bench with a host whose core starts with thresholds that are not in force."""
    network = Network(config, trained(config))
    network.state.v_fire[:] = 77
    options = HardwareConfig(**({"lanes": 2} | hardware))
    core = Core(network=config, hardware=options, state=network.state.copy())
    reset = Signal()

    async def run(ctx: Any) -> None:
        await bench(Host(ctx, core, network, reset))

    simulate(ResetInserter(reset)(core), run, platform=Collisions(), cycles=500_000)


@pytest.mark.parametrize(("seed", "multiplier"), [(0, "sequential"), (1, "dsp"), (2, "dsp")])
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(LIVELY, id="plain"),
        pytest.param(decaying(LIVELY, 24), id="no decay"),
        pytest.param(GROUPS, id="groups"),
        pytest.param(decaying(GROUPS, 24), id="groups, no decay"),
    ],
)
def test_any_sequence_of_presentations_writes_and_resets(
    config: NetworkConfig, multiplier: Any, seed: int
) -> None:
    rng = np.random.default_rng([seed, config.all_neurons])

    async def bench(host: Host) -> None:
        for _ in range(14):
            match rng.choice(["show", "show", "show", "word", "word", "number", "reset", "stop"]):
                case "show":
                    margin = int(rng.choice([0, 0, 1]))
                    stop_after = int(rng.choice([0, 0, 1]))
                    show = Show(learn=bool(rng.integers(2)), margin=margin, stop_after=stop_after)
                    await host.show(image(rng, config.image_levels), show)
                    await host.compare()
                case "word":
                    name = str(rng.choice(list(WORDS)))
                    neuron = int(rng.integers(config.all_neurons))
                    await host.write(name, neuron, int(rng.integers(WORDS[name][1])))
                case "number":
                    await host.number(int(rng.choice([0, 5])))
                case "reset":
                    await host.restart()
                case "stop":
                    levels = image(rng, config.image_levels)
                    await host.interrupt(levels, int(rng.integers(1, 60)))
        await host.show(image(rng, config.image_levels), Show(learn=False))
        await host.compare()

    host_of(config, bench, multiplier=multiplier)


@pytest.mark.parametrize("multiplier", ["sequential", "dsp"])
@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("shift", [5, 24])
def test_thresholds_are_computed_when_they_may_be_stale_and_at_no_other_time(
    shift: int, groups: bool, multiplier: Any
) -> None:
    """Dark images, of which no neuron fires: only the cycles of `init` may differ."""
    config = replace(
        decaying(GROUPS if groups else LIVELY, shift),
        # So many that it takes longer than to seed the encoder.
        neurons=32 if multiplier == "dsp" else 8,
        encoder=EncoderParams(steps=2),
        membrane=MembraneParams(inhibition_steps=0),
        pruning=NoPruning(),
    )
    dark = np.zeros(config.image_levels, dtype=np.uint8)
    found: dict[tuple[int, int], set[int]] = {}

    async def bench(host: Host) -> None:
        short, long = (init_cycles(host.core.shapes, recomputed=anew) for anew in (False, True))
        assert long > short

        async def show(anew: int, *, learn: bool = False) -> None:
            """Show the image; thresholds are computed in so many of the views."""
            views = config.group_count if learn else config.view_count
            cycles, fewest = await host.show(dark, Show(learn=learn))
            found.setdefault((views, anew), set()).add(cycles)
            assert 0 <= cycles - fewest <= views * 20

        every, decays = config.group_count, config.group_count if shift < 24 else 0
        # Power-up, then nothing new.
        await show(every)
        await show(0)
        await show(decays, learn=True)
        await show(0)
        await host.number(0)
        await show(0, learn=True)
        await show(decays, learn=True)
        await show(0)
        await host.restart()
        await show(every, learn=True)
        await show(0)
        for name in SPOILS:
            await host.write(name, config.all_neurons - 1, 1000)
            await show(every)
            await show(0)
            await host.write(name, 0, 999)
            await show(every, learn=True)
            await show(0)
        await host.write("post_count", 0, 3)
        await host.driver.access(Space.VOTES, 0, 5)
        await host.driver.access(Space.VOTES, 0, 0)
        await host.driver.access(Space.THETA, 0)
        await host.driver.access(Space.V_FIRE, 0)
        _, error = await host.driver.access(Space.THETA, config.all_neurons, 5)
        assert error
        await show(0)
        # Reset while they are computed.
        await host.write("theta", 0, 1001)
        await host.interrupt(dark, long // 2)
        await show(every)
        await show(0)
        await host.compare()

    host_of(config, bench, multiplier=multiplier)
    assert all(len(cycles) == 1 for cycles in found.values())
    # More views that compute thresholds take longer.
    for views in {views for views, _ in found}:
        in_order = [cycles.pop() for (of, _), cycles in sorted(found.items()) if of == views]
        assert in_order == sorted(set(in_order))


def test_groups_that_were_not_shown_stay_stale() -> None:
    config = replace(GROUPS, homeostasis=replace(GROUPS.homeostasis, v_th=1, fire_shift=18))
    rng = np.random.default_rng(2)

    async def bench(host: Host) -> None:
        host.network.state.presentation = 0
        await host.number(3)
        stale = StaleThresholds(host.core.shapes)
        counts = []
        for stop in (True, True, False, False):
            levels = image(rng, config.image_levels)
            margin = 1 if stop else 0
            copy = Network(config, host.network.state)
            steps = list(copy.steps(levels, learn=False, margin=margin))
            views = steps[-1].view + 1
            counts.append(
                sum(stale.show(learn=False, number=host.network.presentation, views=views))
            )
            await host.show(levels, Show(learn=False, margin=margin))
        assert sum(counts) == config.group_count

    host_of(config, bench)
