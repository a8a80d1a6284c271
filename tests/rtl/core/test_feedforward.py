"""A core that carries a feed-forward layer, beside the model."""

# amaranth: UnusedElaboratable=no

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_core import Show, compare, cycles_of, run
from prunus_feedforward import feedforward_state, random_votes
from prunus_model.common.errors import ConfigError
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import MembraneParams
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.image import pack
from prunus_rtl.timing import PIPELINE, compare_cycles, init_cycles, spike_cycles, vote_cycles
from prunus_rtl.widths import Widths
from prunus_sim.simulator.amaranth import CoreDriver

LAYER = NetworkConfig(
    inputs=10,
    neurons=7,
    seed=7,
    encoder=EncoderParams(steps=8),
    pruning=NoPruning(),
    readout=ReadoutParams(classes=3),
    feedforward=FeedforwardParams(),
)
SHOWS = (
    Show(learn=False),
    Show(learn=False, stop_after=1),
    Show(learn=False, stop_after=9),
    Show(learn=False, margin=20),
    Show(learn=False, margin=9, keep=True),
    Show(learn=False, margin=1, stop_after=2),
    Show(learn=False, keep=True),
)


def lively(config: NetworkConfig, seed: int = 0) -> State:
    """A layer whose neurons fire often, and sometimes all at once."""
    rng = np.random.default_rng([config.inputs, seed])
    state = feedforward_state(config, seed)
    state.v_fire[:] = rng.integers(1, 2 * config.formats.w_max, config.neurons)
    state.v_fire[0] = 1 << 22
    state.bias[:] = rng.integers(-20, 21, config.neurons)
    state.v[:] = 0
    state.last_step[:] = -1
    state.presentation = 3
    return state


def core_of(config: NetworkConfig, state: State, votes: Any, fmt: str = "", **options: Any) -> Core:
    images = None
    hardware = HardwareConfig(learn=False, store="packed" if fmt else "learning", **options)
    if fmt:
        images = pack(
            state.weights,
            state.alive,
            format=fmt,
            lanes=hardware.lanes,
            weight_bits=config.weight_bits,
        ).lanes
    return Core(network=config, hardware=hardware, state=state.copy(), votes=votes, images=images)


@pytest.mark.parametrize(
    ("source", "lanes", "reset"),
    [
        ("levels", 1, "zero"),
        ("levels", 4, "subtract"),
        ("events", 1, "subtract"),
        ("events", 2, "zero"),
    ],
)
def test_core_equals_the_model(source: Any, lanes: int, reset: Any) -> None:
    config = replace(LAYER, feedforward=FeedforwardParams(reset=reset))
    state, votes = lively(config, lanes), random_votes(config, 3)
    core = core_of(config, state, votes, lanes=lanes, source=source)
    outcomes = compare(core, Network(config, state, votes), SHOWS, votes=votes)
    spikes = [len({step for step, _ in outcome.spikes}) for outcome in outcomes]
    # Some steps have several output spikes.
    assert sum(spikes) < sum(len(outcome.spikes) for outcome in outcomes)


@pytest.mark.parametrize(("fmt", "lanes"), [("csr", 4), ("bitmask", 2), ("dense", 4)])
def test_packed_core_equals_the_model(fmt: str, lanes: int) -> None:
    encoder = replace(LAYER.encoder, spikes="low-discrepancy", refractory_steps=1)
    config = replace(LAYER, encoder=encoder, membrane=MembraneParams(leak_shift=0))
    state, votes = lively(config), random_votes(config, 3)
    core = core_of(config, state, votes, fmt, lanes=lanes)
    compare(core, Network(config, state, votes), SHOWS[1:6], votes=votes, stalls=lanes == 4)


@pytest.mark.parametrize("margin", [1, 40])
def test_kept_lead_ends_a_presentation_only_after_an_output_spike(margin: int) -> None:
    config = replace(LAYER, membrane=MembraneParams(leak_shift=0))
    state = State.initial(config)
    state.weights[:], state.alive[:], state.v_fire[:] = 1, True, 3
    votes = np.zeros((config.neurons, 3), np.uint8)
    votes[:, 1] = 2
    core = core_of(config, state, votes, lanes=2, source="events")
    # The second begins with a lead of the margin or more. Its input spikes are too few at first.
    events = [[[0, 1, 2, 3]] * config.encoder.steps, [[], [4], [], [5, 6, 7]]]
    shows = (Show(learn=False), Show(learn=False, margin=margin, keep=True))
    outcomes = []

    async def feed(ctx: Any) -> None:
        for presentation in events:
            await CoreDriver(ctx, core).send_events(presentation)

    async def bench(ctx: Any) -> None:
        driver, network = CoreDriver(ctx, core), Network(config, state, votes)
        for show, presentation in zip(shows, events, strict=True):
            formula = cycles_of(core, network, None, presentation, show, votes)
            shown = network.present_events(presentation, **show.request)
            await driver.start(show.request)
            outcome = await driver.finish()
            fired = zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
            assert outcome.spikes == list(fired)
            assert (outcome.prediction, outcome.lead) == (shown.prediction, shown.lead)
            assert formula.fewest <= outcome.counts["cycles"]
            outcomes.append(outcome)

    run(core, bench, feed)
    assert outcomes[0].lead > margin
    assert outcomes[1].spikes == [(3, post) for post in range(config.neurons)]


@pytest.mark.parametrize("seed", range(1, 7))
def test_random_layers_equal_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    lanes = pick(1, 2, 4, 8)
    config = NetworkConfig(
        inputs=int(rng.integers(1, 24)),
        neurons=lanes + int(rng.integers(0, 12)),
        weight_bits=int(rng.integers(2, 9)),
        encoder=EncoderParams(steps=int(rng.integers(1, 12))),
        membrane=MembraneParams(leak_shift=pick(0, 1, 3, 6, 23)),
        pruning=NoPruning(),
        readout=ReadoutParams(classes=pick(1, 2, 5), vote_bits=pick(1, 8)),
        feedforward=FeedforwardParams(reset=pick("zero", "subtract")),
    )
    # Any state: potentials saturate, and some neurons fire in every step.
    state, votes = feedforward_state(config, seed), random_votes(config, seed)
    core = core_of(
        config,
        state,
        votes,
        pick("csr", "bitmask", "dense", ""),
        lanes=lanes,
        source=pick("levels", "events"),
        queue_depth=pick(2, 16),
        event_depth=pick(2, 256),
    )
    compare(core, Network(config, state, votes), SHOWS[:4], votes=votes, stalls=seed % 3 == 2)


@pytest.mark.parametrize("margin", [0, 30000])
@pytest.mark.parametrize("stop_after", [0, 250])
def test_cycles_are_exactly_those_of_the_formula(margin: int, stop_after: int) -> None:
    """One lane, events at once: nothing is left to chance."""
    steps, inputs = 6, 9
    config = replace(
        LAYER, inputs=inputs, encoder=EncoderParams(steps=steps), readout=ReadoutParams(classes=2)
    )
    state = lively(config)
    state.alive[:] = True
    core = core_of(config, state, None, lanes=1, source="events")
    events = [[], [0, 1, 2], [3], list(range(inputs)), [5, 4, 8, 0], []]
    show = Show(learn=False, stop_after=stop_after, margin=margin)
    got, want = [], []

    async def feed(ctx: Any) -> None:
        await CoreDriver(ctx, core).send_events(events)

    async def bench(ctx: Any) -> None:
        driver = CoreDriver(ctx, core)
        network = Network(config, state)
        await driver.start(show.request)
        outcome = await driver.finish()
        formula = cycles_of(core, network, None, events, show)
        assert len(outcome.spikes) > steps
        got.append(outcome.counts["cycles"])
        want.append(formula.fewest + sum(PIPELINE for pres in events if pres))
        assert got[0] <= formula.most

    run(core, bench, feed)
    assert got == want


def test_formula_of_a_layer() -> None:
    widths = Widths(network=LAYER, hardware=HardwareConfig(lanes=2, learn=False))
    assert compare_cycles(widths) == init_cycles(widths, recomputed=False) == 4 + 7
    assert vote_cycles(widths) == 8
    for margin, stop, spikes, cycles in (
        (False, False, 1, 1),
        (False, False, 3, 1 + 2 * 8),
        (False, True, 3, 1 + 2 * 8 + 1),
        (True, True, 3, 3 * 8 + 1),
        (True, False, 1, 9),
    ):
        found = spike_cycles(widths, learn=False, margin=margin, stop=stop, spikes=spikes)
        assert found == cycles


def test_a_core_that_learns_is_refused() -> None:
    message = "mode must be inference for a feed-forward layer, which can't learn, not learning"
    with pytest.raises(ConfigError, match=re.escape(message)):
        Core(network=LAYER, hardware=HardwareConfig(lanes=2))
