"""Many presentations of events at once: the reference's, one by one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning, PruningParams
from prunus_strategies import configs, group_configs

PRESENTATIONS = 5


def lists_of(config: NetworkConfig, count: int, seed: int) -> list[list[list[int]]]:
    """Events in any order; some steps are empty, and some are missing at the end."""
    rng = np.random.default_rng(seed)
    most = min(config.image_levels, 40)
    return [
        [
            rng.permutation(config.image_levels)[: rng.integers(0, most + 1)].tolist()
            for _ in range(rng.integers(0, config.encoder.steps + 1))
        ]
        for _ in range(count)
    ]


def packed(config: NetworkConfig, lists: list[list[list[int]]]) -> PackedEvents:
    return PackedEvents.of(lists, inputs=config.image_levels, steps=config.encoder.steps)


@settings(max_examples=60)
@given(
    config=st.one_of(configs(), group_configs()),
    seed=st.integers(0, 2**32 - 1),
    stop_after=st.sampled_from([0, 1, 3]),
    margin=st.sampled_from([0, 1, 9]),
)
def test_many_events_equal_the_reference_one_by_one(
    config: NetworkConfig, seed: int, stop_after: int, margin: int
) -> None:
    lists = lists_of(config, PRESENTATIONS, seed)
    events = packed(config, lists)
    network, engine = Network(config), Engine(config)
    shown = [network.present_events(one, learn=True) for one in lists]
    counters, spikes = engine.train(events)
    assert counters == sum((one.counters for one in shown), Counters())
    assert spikes.tolist() == [one.spike_counts(config.all_neurons).tolist() for one in shown]
    assert engine.state.differences(network.state) == []
    assert engine.scores.tolist() == network.scores.tolist()
    assert engine.finish() == network.finish()
    rng = np.random.default_rng(seed)
    shape = (config.all_neurons, config.readout.classes)
    votes = rng.integers(0, 1 << config.readout.vote_bits, shape).astype(np.uint8)
    engine = Engine(config, engine.state, votes)
    request: dict[str, Any] = {"stop_after": stop_after, "margin": margin}
    counts, spikes = engine.infer(events, first=7, threads=2, **request)
    for number, one in enumerate(lists):
        network = Network(config, engine.state, votes)
        network.state.presentation = 7 + number
        expected = network.present_events(one, learn=False, **request)
        assert Counters.from_array(counts[number]) == expected.counters
        assert spikes[number].tolist() == expected.spike_counts(config.all_neurons).tolist()


@pytest.mark.parametrize(
    "pruning",
    [
        AdaptivePruning(ramp_gain=4, ramp_shift=0, strength_gain=3000),
        LiftPruning(share=255, length=8),
    ],
)
def test_events_prune_what_they_prune_in_the_reference(pruning: PruningParams) -> None:
    config = replace(NetworkConfig.named("tiny"), pruning=pruning)
    lists = lists_of(config, 40, 3)
    network, engine = Network(config), Engine(config)
    counters, _ = network.train(packed(config, lists))
    assert counters.pruned > 10
    assert counters.encoder_draws == 0
    assert engine.train(packed(config, lists))[0] == counters
    assert engine.state.differences(network.state) == []
    assert engine.presentation == 40


def test_the_reference_infers_events_as_the_engine_does() -> None:
    config = NetworkConfig.named("tiny")
    events = packed(config, lists_of(config, 6, 1))
    counts, spikes = Engine(config).infer(events, first=2**32 - 3, stop_after=2)
    expected, fired = Network(config).infer(events, first=2**32 - 3, stop_after=2)
    assert (counts.tolist(), spikes.tolist()) == (expected.tolist(), fired.tolist())


@pytest.mark.parametrize("model", [Network, Engine])
@pytest.mark.parametrize(
    ("inputs", "steps", "message"),
    [
        (50, 16, "Events must be of 49 inputs, not 50"),
        (49, 15, "Events must be of 16 steps, not 15"),
    ],
)
def test_events_of_another_network_are_refused(
    model: type[Network] | type[Engine], inputs: int, steps: int, message: str
) -> None:
    events = PackedEvents.of([[[1]]], inputs=inputs, steps=steps)
    network = model(NetworkConfig.named("tiny"))
    for call in (network.train, network.infer):
        with pytest.raises(ValueError, match=message):
            call(events)


def test_no_events_are_no_presentations() -> None:
    config = NetworkConfig.named("tiny")
    engine = Engine(config)
    none = packed(config, [[[1]]])[:0]
    assert engine.train(none)[0] == Counters()
    assert engine.infer(none)[0].shape[0] == 0
    assert engine.presentation == 0
