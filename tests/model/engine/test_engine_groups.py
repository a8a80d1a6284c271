"""The engine with groups equals the reference, whatever is asked of it, on any threads."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_groups import CONFIG, LEVELS, assert_equal, votes_of, with_looks
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_strategies import group_configs, images


@settings(max_examples=60)
@given(config=group_configs(), seed=st.integers(0, 2**32 - 1), margin=st.sampled_from([0, 9, 60]))
def test_engine_equals_reference(config: NetworkConfig, seed: int, margin: int) -> None:
    votes = votes_of(config, seed)
    network, engine = Network(config, votes=votes), Engine(config, votes=votes)
    rng = np.random.default_rng(seed)
    for number, image in enumerate(images(config, 4, seed)):
        options: dict[str, Any] = {
            "learn": number != 2,
            "stop_after": int(rng.integers(0, 3)),
            "margin": margin,
            "keep": number == 3,
        }
        assert_equal(engine.present(image, **options), network.present(image, **options))
        assert engine.state.differences(network.state) == []
        events = [
            rng.permutation(config.image_levels)[: rng.integers(0, config.image_levels + 1)]
            for _ in range(min(config.encoder.steps, 8))
        ]
        given_events = [pres.tolist() for pres in events]
        assert_equal(
            engine.present_events(given_events, **options),
            network.present_events(given_events, **options),
        )
        assert engine.state.differences(network.state) == []
        assert engine.scores.tolist() == network.scores.tolist()
    batch = images(config, 3, seed + 1)
    (counters, spikes), (expected_counters, expected) = engine.train(batch), network.train(batch)
    assert counters == expected_counters
    assert np.array_equal(spikes, expected)
    assert engine.state.differences(network.state) == []
    assert engine.scores.tolist() == network.scores.tolist()
    assert engine.finish() == network.finish()
    assert engine.state.differences(network.state) == []
    engine.state.check(config)
    for stop_after in (0, 1):
        got = engine.infer(batch, first=2**32 - 1, stop_after=stop_after, margin=margin)
        want = network.infer(batch, first=2**32 - 1, stop_after=stop_after, margin=margin)
        assert np.array_equal(got[0], want[0])
        assert np.array_equal(got[1], want[1])


@pytest.mark.parametrize("margin", [0, 60])
@pytest.mark.parametrize("threads", [2, 3, 7])
def test_inference_is_the_same_for_any_number_of_threads(threads: int, margin: int) -> None:
    """And changes nothing; chunks are of 512 images."""
    config = with_looks()
    engine = Engine(config, votes=votes_of(config))
    engine.train(LEVELS)
    before, scores = engine.state, engine.scores
    batch = images(config, 1100, 2)
    one = engine.infer(batch, first=5, stop_after=1, margin=margin, threads=1)
    many = engine.infer(batch, first=5, stop_after=1, margin=margin, threads=threads)
    assert np.array_equal(one[0], many[0])
    assert np.array_equal(one[1], many[1])
    assert (one[0][:, 0] == 1).all()
    steps = set(one[0][:, 1].tolist())
    assert len(steps) > 5
    assert engine.state.differences(before) == []
    assert engine.scores.tolist() == scores.tolist()
    for n in (0, 511, 512, 1099):
        state = engine.state
        state.presentation = 5 + n
        shown = Engine(config, state, votes_of(config)).present(
            batch[n], learn=False, stop_after=1, margin=margin
        )
        assert Counters.from_array(one[0][n]) == shown.counters
        assert one[1][n].tolist() == shown.spike_counts(config.all_neurons).tolist()


def test_shown_one_by_one_or_many_at_once() -> None:
    one, many = Engine(CONFIG), Engine(CONFIG)
    results = [one.present(image, learn=True) for image in LEVELS]
    counters, spikes = many.train(LEVELS)
    assert many.state.differences(one.state) == []
    assert counters == sum((r.counters for r in results), Counters())
    assert spikes.tolist() == [r.spike_counts(24).tolist() for r in results]


@pytest.mark.parametrize("model", [Network, Engine])
def test_a_given_state_is_that_of_all_groups(model: type[Network] | type[Engine]) -> None:
    trained = Network(CONFIG)
    trained.train(LEVELS[:7])
    again = model(CONFIG, trained.state)
    assert again.state.differences(trained.state) == []
    assert len(set(trained.state.v_fire.tolist())) > 6
    trained.train(LEVELS[7:])
    again.train(LEVELS[7:])
    assert again.state.differences(trained.state) == []
