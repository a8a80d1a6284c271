"""Reference and engine by their one interface: same results, same treatment of what is given."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.golden_model import GoldenModel
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.state import State
from prunus_strategies import images

#: Both, seen by the type checker as what they have in common.
MODELS: list[Callable[[NetworkConfig, State | None], GoldenModel]] = [Network, Engine]
TINY = NetworkConfig.named("tiny")
CONFIG = replace(TINY, homeostasis=replace(TINY.homeostasis, v_th=2000))
LEVELS = images(CONFIG, 12, 5)
either = pytest.mark.parametrize("model", MODELS)


def assert_equal(one: Presentation, other: Presentation) -> None:
    assert one.counters == other.counters
    assert one.spike_steps.tolist() == other.spike_steps.tolist()
    assert one.spike_posts.tolist() == other.spike_posts.tolist()


@either
def test_a_given_state_is_copied(
    model: Callable[[NetworkConfig, State | None], GoldenModel],
) -> None:
    state = State.initial(CONFIG)
    one = model(CONFIG, state)
    assert one.present(LEVELS[0], learn=True).counters.output_spikes
    assert one.finish() == 0
    assert (one.presentation, one.state.presentation, one.config) == (1, 1, CONFIG)
    assert state.differences(State.initial(CONFIG)) == []
    assert state.differences(one.state)


def test_training_and_inference_are_equal() -> None:
    network, engine = (model(CONFIG, None) for model in MODELS)
    (counters, spikes), (expected_counters, expected_spikes) = (
        network.train(LEVELS),
        engine.train(LEVELS),
    )
    assert counters == expected_counters
    assert counters.presentations == len(LEVELS)
    assert spikes.dtype == expected_spikes.dtype == np.uint8
    assert np.array_equal(spikes, expected_spikes)
    assert spikes.any()
    assert network.state.differences(engine.state) == []
    before = network.state.copy()
    for first, stop_after in ((0, 0), (2**32 - 3, 1)):
        counts, spikes = network.infer(LEVELS, first=first, stop_after=stop_after, threads=1)
        expected_counts, expected_spikes = engine.infer(
            LEVELS, first=first, stop_after=stop_after, threads=1
        )
        assert counts.dtype == expected_counts.dtype == np.int64
        assert spikes.dtype == expected_spikes.dtype == np.uint8
        assert np.array_equal(counts, expected_counts)
        assert np.array_equal(spikes, expected_spikes)
    assert network.state.differences(before) == []


@either
def test_nothing_shown_is_nothing_counted(
    model: Callable[[NetworkConfig, State | None], GoldenModel],
) -> None:
    one = model(CONFIG, None)
    counts, spikes = one.infer(LEVELS[:0])
    assert (counts.shape, spikes.shape) == ((0, len(COUNTERS)), (0, CONFIG.neurons))
    counters, spikes = one.train(LEVELS[:0])
    assert (counters.presentations, spikes.shape) == (0, (0, CONFIG.neurons))


@either
def test_wrong_arguments_are_refused(
    model: Callable[[NetworkConfig, State | None], GoldenModel],
) -> None:
    one = model(CONFIG, None)
    with pytest.raises(ValueError, match=r"^Threads must be 1 or more, not 0$"):
        one.infer(LEVELS, threads=0)
    for call in (one.train, one.infer):
        with pytest.raises(ValueError, match="shape"):
            call(LEVELS[0])
    with pytest.raises(ValueError, match="-1"):
        one.infer(LEVELS, stop_after=-1)


def test_events_are_equal() -> None:
    events = [[step % CONFIG.inputs, 40] for step in range(CONFIG.encoder.steps)]
    network, engine = (model(CONFIG, None) for model in MODELS)
    for learn in (True, False):
        assert_equal(
            network.present_events(events, learn=learn),
            engine.present_events(events, learn=learn),
        )
        assert network.state.differences(engine.state) == []
