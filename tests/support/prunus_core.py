"""A core beside the model: images are shown to both, and everything is compared."""

# amaranth: UnusedElaboratable=no

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.presentation import Request
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import NO_STEP, State
from prunus_model.spec.units import HomeostasisParams, StdpParams
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.core import Core
from prunus_rtl.core.result import expanded
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.hardware import Space
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.step_work import work
from prunus_rtl.timing import Cycles, presentation
from prunus_sim.simulator.amaranth import CoreDriver, Outcome, simulate

#: Fires often, learns fast, prunes at once.
LIVELY = NetworkConfig(
    inputs=10,
    neurons=5,
    seed=7,
    encoder=EncoderParams(steps=8),
    homeostasis=HomeostasisParams(v_th=9000, theta_plus=300, theta_decay_shift=5),
    stdp=StdpParams(potentiation_shift=3, depression_shift=3, trace_window=2),
    pruning=AdaptivePruning(ramp_shift=0, ramp_gain=9, strength_gain=6000),
)


@dataclass(frozen=True, kw_only=True)
class Show:
    """One presentation of a bench."""

    learn: bool = True
    stop_after: int = 0
    margin: int = 0
    keep: bool = False

    @property
    def request(self) -> Request:
        """How the images are presented."""
        return Request(
            learn=self.learn, stop_after=self.stop_after, margin=self.margin, keep=self.keep
        )


SHOWS = (
    Show(),
    Show(stop_after=2),
    Show(learn=False),
    Show(learn=False, stop_after=1),
    Show(margin=20),
    Show(learn=False, margin=9, keep=True),
    Show(learn=False, margin=1, stop_after=2),
    Show(keep=True),
)


def image(rng: np.random.Generator, inputs: int) -> Any:
    levels = rng.integers(0, 256, inputs)
    levels[rng.random(inputs) < 0.4] = 0
    levels[rng.random(inputs) < 0.1] = 255
    return levels.astype(np.uint8)


def events_of(rng: np.random.Generator, network: NetworkConfig) -> list[list[int]]:
    """Spikes of each step, in any order; the last steps may be missing."""
    steps = int(rng.integers(network.encoder.steps + 1))
    return [
        rng.permutation(np.flatnonzero(rng.random(network.inputs) < 0.5)).tolist()
        for _ in range(steps)
    ]


def run(core: Any, bench: Any, *benches: Any, cycles: int = 50_000) -> None:
    """Simulate a core in which every use of a colliding read would show."""
    simulate(core, bench, *benches, platform=Collisions(), cycles=cycles)


def cycles_of(
    core: Core,
    network: Network,
    levels: Any,
    events: Any,
    show: Show,
    votes: Any = None,
    stale: StaleThresholds | None = None,
) -> Cycles:
    """Return the cycles by the formula, for a model's copy; by default right after reset."""
    stale = stale or StaleThresholds(core.shapes)
    copy = Network(core.network, network.state, votes)
    copy.scores = network.scores
    left = 0
    if events is None:
        steps = copy.steps(levels, **show.request)
    else:
        steps = copy.steps_events(events, **show.request)
        left = sum(len(pres) + 1 for pres in events)
    given = list(work(core.shapes, copy, steps))
    recomputed = stale.show(
        learn=show.learn, number=network.state.presentation, views=given[-1].view + 1
    )
    return presentation(
        core.shapes,
        given,
        learn=show.learn,
        stop_after=show.stop_after,
        margin=show.margin,
        left=left,
        recomputed=recomputed,
    )


def compare(
    core: Core,
    network: Network,
    shows: Sequence[Show] = SHOWS,
    *,
    seed: int = 0,
    stalls: bool = False,
    check_state: bool = True,
    votes: Any = None,
) -> list[Outcome]:
    """Show images to core and model, and compare everything after each."""
    config, hardware = core.network, core.hardware
    rng, *rngs = np.random.default_rng(seed).spawn(3)
    images = [image(rng, config.image_levels) for _ in shows]
    event_lists = [events_of(rng, config) for _ in shows]
    outcomes = []
    stale = StaleThresholds(core.shapes)

    async def feed(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=rngs[0] if stalls else None)
        for levels, events in zip(images, event_lists, strict=True):
            if hardware.source == "levels":
                await driver.send_levels(levels)
            else:
                await driver.send_events(events)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core, rng=rngs[1] if stalls else None)
        for k, show in enumerate(shows):
            await driver.start(show.request)
            outcome = await driver.finish()
            levels, events = images[k], None
            if hardware.source == "events":
                events = event_lists[k]
            formula = cycles_of(core, network, levels, events, show, votes, stale)
            if events is None:
                shown = network.present(levels, **show.request)
            else:
                shown = network.present_events(events, **show.request)
            fired = list(zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True))
            assert outcome.spikes == fired, k
            got = expanded(outcome.counts, config, hardware, learn=show.learn)
            assert got == shown.counters, k
            elected = UNDECIDED if outcome.undecided else outcome.prediction
            assert (elected, outcome.lead) == (shown.prediction, shown.lead), k
            if not stalls:
                cycles = outcome.counts["cycles"]
                assert formula.fewest <= cycles, (k, formula)
                # Events may come later than they are wanted.
                assert events is not None or cycles <= formula.most, (k, cycles, formula)
            if check_state:
                state = await driver.read_state()
                assert comparable(network.state, core).differences(state) == [], k
            outcomes.append(outcome)

    run(core, bench, feed)
    return outcomes


def comparable(state: State, core: Core) -> State:
    """Return a state without what the core does not have."""
    state = state.copy()
    has = spaces(core.shapes)
    first = State.initial(core.network)
    if Space.THETA not in has:
        state.theta[:] = state.strength[:] = state.post_count[:] = 0
        state.last_step[:] = NO_STEP
    if Space.SYNAPSES not in has:
        state.weights[:], state.alive[:] = first.weights, first.alive
    return state


def trained(config: NetworkConfig, presentations: int = 6) -> State:
    """Return a state after some learning, with thresholds in force."""
    network = Network(config)
    rng = np.random.default_rng(9)
    for _ in range(presentations):
        network.present(image(rng, config.image_levels), learn=True)
    network.present(image(rng, config.image_levels), learn=False)
    return network.state
