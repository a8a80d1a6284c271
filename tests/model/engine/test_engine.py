from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.levels import levels as to_levels
from prunus_model.spec.pruning import POLICIES, LiftPruning, SoftPruning
from prunus_model.spec.state import State
from prunus_strategies import configs, images

PRESENTATIONS = 4


def assert_equal(network: Network, engine: Engine, context: str) -> None:
    assert engine.state.differences(network.state) == [], context
    engine.state.check(engine.config)


@settings(max_examples=150)
@given(config=configs(), seed=st.integers(0, 2**32 - 1), stop_after=st.sampled_from([0, 0, 1, 2]))
def test_engine_equals_reference_after_every_presentation(
    config: NetworkConfig, seed: int, stop_after: int
) -> None:
    network, engine = Network(config), Engine(config)
    for n, levels in enumerate(images(config, PRESENTATIONS, seed)):
        learn = n != 2
        expected = network.present(levels, learn=learn, stop_after=stop_after)
        got = engine.present(levels, learn=learn, stop_after=stop_after)
        assert got.counters == expected.counters, f"presentation {n}"
        assert got.spike_steps.tolist() == expected.spike_steps.tolist(), f"presentation {n}"
        assert got.spike_posts.tolist() == expected.spike_posts.tolist(), f"presentation {n}"
        assert_equal(network, engine, f"presentation {n}")
    assert engine.finish() == network.finish()
    assert_equal(network, engine, "after the end of training")


@settings(max_examples=40)
@given(config=configs(), seed=st.integers(0, 2**32 - 1), learn=st.booleans())
def test_engine_equals_reference_on_address_events(
    config: NetworkConfig, seed: int, learn: bool
) -> None:
    rng = np.random.default_rng(seed)
    network, engine = Network(config), Engine(config)
    for n in range(PRESENTATIONS):
        events = [
            rng.permutation(config.inputs)[: rng.integers(0, config.inputs + 1)].tolist()
            for _ in range(rng.integers(0, config.encoder.steps + 1))
        ]
        expected = network.present_events(events, learn=learn)
        got = engine.present_events(events, learn=learn)
        assert got.counters == expected.counters
        assert got.spike_posts.tolist() == expected.spike_posts.tolist()
        assert_equal(network, engine, f"presentation {n}")


@pytest.mark.parametrize("policy", ["none", "constant", "adaptive", "lift", "soft", "post"])
def test_full_size_network_equals_reference_on_real_images(policy: str) -> None:
    config = replace(NetworkConfig.named("demo"), pruning=POLICIES[policy])
    if isinstance(config.pruning, SoftPruning):
        config = replace(config, pruning=replace(config.pruning, after_presentations=2))
    if isinstance(config.pruning, LiftPruning):
        config = replace(config, pruning=LiftPruning(length=4, share=255))
    network, engine = Network(config), Engine(config)
    for image in to_levels(load("sample", "train").images[:6], config.encoder):
        assert (
            network.present(image, learn=True).counters
            == engine.present(image, learn=True).counters
        )
        assert_equal(network, engine, policy)


def test_lift_prunes_at_the_same_spike_and_by_the_same_level_as_the_reference() -> None:
    tiny = NetworkConfig.named("tiny")  # time constant of depression: 16 spikes
    config = replace(tiny, neurons=1, pruning=LiftPruning(share=200, length=1000))
    rng = np.random.default_rng(1)
    learned = replace(
        State.initial(config),
        weights=rng.integers(0, 256, (config.inputs, 1)).astype(np.uint8),
        input_rate=rng.integers(0, 65536, config.inputs).astype(np.int32),
    )
    pruned = set()
    # After 4 presentations of 1000, of 100, of 500 and of 896, whose time is counted by fours.
    for presentation, fired in product(
        (4, 100, 500, 896), (0, 1, 6, 13, 30, 31, 32, 63, 64, 550, 551)
    ):
        state = replace(learned.copy(), presentation=presentation)
        state.post_count[:] = fired
        state.strength[:] = state.weights.sum()
        network, engine = Network(config, state.copy()), Engine(config, state)
        levels = np.full(config.inputs, 255, dtype=np.uint8)
        counters = network.present(levels, learn=True, stop_after=1).counters
        assert engine.present(levels, learn=True, stop_after=1).counters == counters
        assert_equal(network, engine, f"presentation {presentation}, {fired} spikes")
        pruned.add((presentation, fired, counters.pruned > 0))
    # By its rate so far it fires at most 4 time constants more; the spike itself counts.
    last = {p: max(n for of, n, some in pruned if some and of == p) for p in (100, 500, 896)}
    assert last == {100: 6, 500: 63, 896: 550}


@settings(max_examples=25)
@given(config=configs(), seed=st.integers(0, 2**32 - 1))
def test_training_many_equals_presenting_one_by_one(config: NetworkConfig, seed: int) -> None:
    batch = images(config, PRESENTATIONS, seed)
    one_by_one, many = Engine(config), Engine(config)
    results = [one_by_one.present(levels, learn=True) for levels in batch]
    counters, spikes = many.train(batch)
    assert many.state.differences(one_by_one.state) == []
    assert counters == sum((r.counters for r in results), Counters())
    assert spikes.tolist() == [r.spike_counts(config.neurons).tolist() for r in results]


@settings(max_examples=25)
@given(config=configs(), stop_after=st.sampled_from([0, 1, 3]), threads=st.integers(2, 7))
def test_inference_is_the_same_for_any_number_of_threads_and_changes_nothing(
    config: NetworkConfig, stop_after: int, threads: int
) -> None:
    engine = Engine(config)
    engine.train(images(config, 3, 1))
    before = engine.state
    batch = images(config, 150, 2)
    counts, spikes = engine.infer(batch, first=5, stop_after=stop_after, threads=1)
    counts_many, spikes_many = engine.infer(batch, first=5, stop_after=stop_after, threads=threads)
    assert np.array_equal(counts, counts_many)
    assert np.array_equal(spikes, spikes_many)
    assert engine.state.differences(before) == []


def test_inference_equals_reference_at_the_same_presentation_number() -> None:
    config = NetworkConfig.named("tiny")
    engine = Engine(config)
    engine.train(images(config, 20, 1))
    batch = images(config, 5, 2)
    counts, spikes = engine.infer(batch, first=2**32 - 2, stop_after=2)
    for n, levels in enumerate(batch):
        state = engine.state
        state.presentation = (2**32 - 2 + n) % 2**32
        result = Network(config, state).present(levels, learn=False, stop_after=2)
        assert Counters.from_array(counts[n]) == result.counters
        assert spikes[n].tolist() == result.spike_counts(config.neurons).tolist()


def test_engine_starts_from_a_given_state_and_leaves_it_alone() -> None:
    config = NetworkConfig.named("tiny")
    batch = images(config, 6, 3)
    whole, first = Engine(config), Engine(config)
    whole.train(batch)
    first.train(batch[:2])
    middle = first.state
    kept = middle.copy()
    second = Engine(config, middle)
    second.train(batch[2:])
    assert second.state.differences(whole.state) == []
    assert middle.differences(kept) == []


def test_sums_of_a_step_with_more_than_65535_do_not_wrap() -> None:
    config = NetworkConfig(inputs=1000, neurons=3, encoder=EncoderParams(steps=2))
    engine = Engine(config)
    state = engine.state
    state.weights[:] = 255
    state.strength[:] = 255 * 1000
    network, engine = Network(config, state.copy()), Engine(config, state)
    events = [list(range(1000)), list(range(1000))]
    expected = network.present_events(events, learn=True)
    assert engine.present_events(events, learn=True).counters == expected.counters
    assert_equal(network, engine, "all inputs spike")


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (np.zeros(49), TypeError, "Levels must be an array of uint8, not float64"),
        ([0] * 49, TypeError, "Levels must be an array of uint8, not list"),
        (
            np.zeros(48, np.uint8),
            ValueError,
            "Levels must have shape (49,), not (48,)",
        ),
    ],
    ids=["float", "list", "short"],
)
@pytest.mark.parametrize("machine", [Network, Engine])
def test_bad_levels_are_refused(
    machine: type[Network] | type[Engine], levels: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as info:
        machine(NetworkConfig.named("tiny")).present(levels, learn=True)
    assert str(info.value) == message
