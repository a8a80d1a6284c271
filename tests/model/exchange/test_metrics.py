"""Metrics against plain counting over spikes and weights."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_cli import digits, tiny, windows
from prunus_model.data.events.split import stimuli
from prunus_model.exchange.agreement import golden_spikes
from prunus_model.exchange.metrics import footprint_bits, metrics, to_mapping
from prunus_model.exchange.spikes import input_spikes
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.state import strengths
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import train


def by_name(artifact: Artifact, data: object) -> dict[str, float]:
    return {one.name: one.value for one in metrics(artifact, data)}  # type: ignore[arg-type]


def test_metrics_are_those_that_counting_gives(trained: Artifact) -> None:
    data = digits(40, seed=3)
    found = by_name(trained, data)
    weights = trained.state.weights
    spikes = input_spikes(trained.config, stimuli(data, trained.config))
    output = golden_spikes(trained, data).sum()
    fan_out = np.count_nonzero(weights, axis=1)
    assert found["connection_sparsity"] == np.mean(weights == 0)
    assert found["effective_acs"] == (spikes.sum(axis=(0, 1)) * fan_out).sum() / 40
    assert found["effective_macs"] == 0
    assert found["dense"] == 16 * 49 * 10
    assert found["activation_sparsity"] == 1 - output / (40 * 16 * 10)
    assert found["classification_accuracy"] == evaluate(trained, data).vote_accuracy
    assert 0 < found["effective_acs"] < found["dense"]


def test_unpruned_synapses_of_weight_zero_are_not_effective() -> None:
    trained = train(tiny("none"), digits(300))
    state = trained.state.copy()
    state.weights[state.weights < 110] = 0
    state.strength[:] = strengths(state.weights, trained.config)
    artifact, data = replace(trained, state=state), digits(20, seed=3)
    assert state.alive.all()
    assert (state.weights == 0).any()
    found = by_name(artifact, data)
    spikes = input_spikes(artifact.config, stimuli(data, artifact.config)).sum(axis=(0, 1))
    assert found["effective_acs"] == (spikes * np.count_nonzero(state.weights, axis=1)).sum() / 20
    assert found["effective_acs"] < evaluate(artifact, data).sops_per_image
    # The network is left as it was.
    assert artifact.state.alive.all()


def test_synapses_frozen_at_zero_are_not_effective() -> None:
    artifact = train(tiny("soft"), digits(2300))
    assert artifact.state.frozen.any()
    data = digits(20, seed=3)
    spikes = input_spikes(artifact.config, stimuli(data, artifact.config)).sum(axis=(0, 1))
    fan_out = np.count_nonzero(artifact.state.weights, axis=1)
    assert by_name(artifact, data)["effective_acs"] == (spikes * fan_out).sum() / 20


def test_early_exit_saves_operations(trained: Artifact) -> None:
    data = digits(40, seed=3)
    early = replace(trained, config=trained.config.with_readout(stop_after=1))
    whole, short = by_name(trained, data), by_name(early, data)
    steps = evaluate(early, data).counters.steps
    assert short["dense"] == 490 * steps / 40 < whole["dense"]
    assert short["effective_acs"] < whole["effective_acs"]
    spikes = golden_spikes(early, data, exits=True).sum()
    assert short["activation_sparsity"] == pytest.approx(1 - spikes / (10 * steps), abs=1e-15)


def test_steps_of_all_views_count() -> None:
    artifact, data = windows(), digits(20, seed=3)
    found = by_name(artifact, data)
    config = artifact.config
    assert found["dense"] == 8 * config.encoder.steps * 16 * 5
    assert found["connection_sparsity"] == np.mean(artifact.state.weights == 0)


def test_footprint_is_the_sum_of_its_parts() -> None:
    config = NetworkConfig.named("demo")
    bits = footprint_bits(config)
    assert bits == {
        "weights": 784 * 100 * 8,
        "alive": 784 * 100,
        "v_fire": 100 * 23,
        "votes": 100 * 10 * 4,
        "v": 100 * 24,
        "scores": 10 * 12,
    }
    grouped = footprint_bits(windows().config)
    assert grouped["weights"] == 4 * 16 * 5 * 8
    assert grouped["v_fire"] == 4 * 5 * 23
    assert grouped["v"] == 5 * windows().config.formats.v_bits


def test_footprint_is_in_bytes(trained: Artifact) -> None:
    odd = relabelled(trained, vote_bits=3)
    bits = sum(footprint_bits(odd.config).values())
    assert bits % 8
    assert by_name(odd, digits(4, seed=3))["footprint"] == bits // 8 + 1


def test_names_are_those_of_neurobench(trained: Artifact) -> None:
    found = metrics(trained, digits(4, seed=3))
    assert all(one.formula and one.source for one in found)
    told = to_mapping(found)
    assert set(told) == {
        "classification_accuracy",
        "footprint",
        "connection_sparsity",
        "activation_sparsity",
        "synaptic_operations",
    }
    assert set(told["synaptic_operations"]) == {"Effective_ACs", "Effective_MACs", "Dense"}
    values = {one.name: one.value for one in found}
    assert told["synaptic_operations"]["Effective_ACs"] == values["effective_acs"]
    assert told["synaptic_operations"]["Dense"] == values["dense"]
