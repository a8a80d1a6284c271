"""Feed-forward layers: the engine equals the reference, for one image and for many."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_feedforward import feedforward_configs, feedforward_state, random_votes
from prunus_model.common.errors import ConfigError
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.presentation import Request
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.state import State
from prunus_strategies import images

PRESENTATIONS = 3


@settings(max_examples=100)
@given(
    config=feedforward_configs(),
    seed=st.integers(0, 2**32 - 1),
    stop_after=st.sampled_from([0, 0, 1, 9]),
    margin=st.sampled_from([0, 0, 1, 50]),
)
def test_engine_equals_reference_after_every_image(
    config: NetworkConfig, seed: int, stop_after: int, margin: int
) -> None:
    state, votes = feedforward_state(config, seed), random_votes(config, seed)
    network, engine = Network(config, state, votes), Engine(config, state, votes)
    assert engine.state.differences(state) == []
    for n, levels in enumerate(images(config, PRESENTATIONS, seed)):
        asked = Request(learn=False, stop_after=stop_after, margin=margin, keep=n == 2)
        expected, got = network.present(levels, **asked), engine.present(levels, **asked)
        assert got.counters == expected.counters
        assert got.spike_steps.tolist() == expected.spike_steps.tolist()
        assert got.spike_posts.tolist() == expected.spike_posts.tolist()
        assert (got.prediction, got.lead) == (expected.prediction, expected.lead)
        assert engine.scores.tolist() == network.scores.tolist()
        assert engine.state.differences(network.state) == []
        engine.state.check(config)
    assert engine.finish() == network.finish() == 0
    assert engine.state.differences(network.state) == []


@settings(max_examples=25)
@given(
    config=feedforward_configs(),
    stop_after=st.sampled_from([0, 1, 30]),
    margin=st.sampled_from([0, 20]),
    threads=st.integers(1, 5),
)
def test_many_images_are_as_one_by_one(
    config: NetworkConfig, stop_after: int, margin: int, threads: int
) -> None:
    state, votes, batch = (
        feedforward_state(config, 1),
        random_votes(config, 1),
        images(config, 70, 2),
    )
    engine = Engine(config, state, votes)
    before = engine.state
    asked: dict[str, Any] = {"stop_after": stop_after, "margin": margin}
    counts, spikes = engine.infer(batch, first=2**32 - 3, threads=threads, **asked)
    assert engine.state.differences(before) == []
    one_by_one = Engine(config, replace(state, presentation=2**32 - 3), votes)
    for n, levels in enumerate(batch):
        result = one_by_one.present(levels, learn=False, **asked)
        assert Counters.from_array(counts[n]) == result.counters
        assert spikes[n].tolist() == result.spike_counts(config.neurons).tolist()
    few, of_few = Network(config, state, votes).infer(batch[:3], first=2**32 - 3, **asked)
    assert np.array_equal(few, counts[:3])
    assert np.array_equal(of_few, spikes[:3])


def test_potentials_saturate_at_both_ends() -> None:
    config = NetworkConfig(
        inputs=1000,
        neurons=66,
        encoder=EncoderParams(steps=255),
        membrane=replace(NetworkConfig().membrane, leak_shift=0),
        pruning=NoPruning(),
        feedforward=FeedforwardParams(reset="subtract"),
    )
    state = State.initial(config)
    # The last two: all that is above the threshold stays, and none is below its highest.
    state.weights[:] = -128
    state.weights[:, 64:] = 127
    state.bias[:] = -32768
    state.bias[64:] = 32767
    state.v_fire[:65] = 1
    network, engine = Network(config, state), Engine(config, state)
    events = [list(range(1000))] * 255
    expected = network.present_events(events, learn=False)
    got = engine.present_events(events, learn=False)
    assert got.counters == expected.counters
    assert got.spike_posts.tolist() == expected.spike_posts.tolist()
    assert engine.state.differences(network.state) == []
    assert network.state.v[:65].tolist() == [-(2**23)] * 64 + [2**23 - 1]
    assert got.spike_counts(66).tolist() == [0] * 64 + [255, 255 * (127_000 + 32767) // (2**23 - 1)]


def test_a_layer_is_shown_and_not_trained() -> None:
    config = NetworkConfig(pruning=NoPruning(), feedforward=FeedforwardParams())
    engine, image = Engine(config), np.zeros(784, np.uint8)
    with pytest.raises(ConfigError, match="to learn"):
        engine.present(image, learn=True)
    with pytest.raises(ConfigError, match="to learn"):
        engine.train(image[np.newaxis])
    assert engine.presentation == 0
