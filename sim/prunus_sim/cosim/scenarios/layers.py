"""Scenarios of feed-forward layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import V_FIRE_BITS, max_of
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import MembraneParams
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scenarios.building import Case, fresh_scenario, images, tiny_network

__all__ = ["LAYERS", "layer"]


def layer(
    name: str, format_: str = "csr", network: dict[str, Any] | None = None, **options: Any
) -> Case:
    """Return a scenario of a feed-forward layer: any weights, some neurons that fire very often.

    Some biases and thresholds are at their ends: in many steps, potentials saturate at both.
    """

    def case(seed: int) -> Scenario:
        rng = np.random.default_rng([len(name), seed])
        config = replace(
            tiny_network(
                inputs=45, neurons=21, pruning=NoPruning(), feedforward=FeedforwardParams()
            ),
            **network or {},
        )

        def state(start: State) -> None:
            shape, neurons, f = start.alive.shape, config.neurons, config.formats
            start.alive[:] = rng.random(shape) < 0.6
            start.alive[rng.random(config.inputs) < 0.2] = False
            start.weights[:] = rng.integers(f.w_min, f.w_max + 1, shape) * start.alive
            start.bias[:] = rng.integers(-30, 31, neurons)
            start.v_fire[:] = rng.integers(1, max(2, 3 * f.w_max), neurons)
            up = rng.random(len(start.bias[::5])) < 0.5
            start.bias[::5] = np.where(up, (1 << 15) - 1, -(1 << 15))
            start.weights[:, ::5] = np.where(up, f.w_max, f.w_min) * start.alive[:, ::5]
            start.v_fire[::5] = np.where(rng.random(len(up)) < 0.5, 1, max_of(V_FIRE_BITS))

        given: dict[str, Any] = {"count": 10, "learn": False, "state": state} | options
        return replace(fresh_scenario(name, config, seed, **given), format=format_)

    return case


def _saturating_layer(seed: int) -> Scenario:
    network = {
        "encoder": EncoderParams(steps=255, gain=200),
        "membrane": MembraneParams(leak_shift=0),
        "feedforward": FeedforwardParams(reset="subtract"),
    }
    scenario = layer("feed-forward layer that saturates", network=network, lanes=2)(seed)
    shown = images(scenario.network, 4, seed=seed)
    sequences = [Sequence(stimuli=[image], cycles=True, check="both") for image in shown]
    return replace(scenario, sequences=sequences)


def _kept_layer(seed: int) -> Scenario:
    """Return a scenario of events whose last presentations begin with the lead that ends them.

    They go on until a neuron fires; none does before there is an input spike.
    """
    network = {"feedforward": FeedforwardParams(reset="subtract"), "weight_bits": 4}
    scenario = layer(
        "feed-forward layer, events, bitmask",
        "bitmask",
        network,
        store="packed",
        source="events",
        lanes=1,
    )(seed)
    np.minimum(scenario.state.bias, 0, out=scenario.state.bias)
    every = list(range(scenario.network.inputs))
    shown = [every] * scenario.network.encoder.steps
    kept = [
        Sequence(stimuli=[shown], check="both", cycles=True),
        *(
            Sequence(stimuli=[[[]] * quiet + shown[quiet:]], margin=1, keep=True, cycles=True)
            for quiet in (1, 3)
        ),
    ]
    return replace(scenario, sequences=[*scenario.sequences, *kept])


def _random_layer(seed: int) -> Scenario:
    """Return a scenario with a random feed-forward layer in a random core."""
    rng = np.random.default_rng([77, seed])

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    lanes = pick(1, 2, 4, 8, 16, 32)
    source = pick("levels", "events")
    network = {
        "inputs": int(rng.integers(1, 70)),
        "neurons": lanes + int(rng.integers(0, 20)),
        "weight_bits": int(rng.integers(2, 9)),
        "encoder": EncoderParams(
            steps=int(rng.integers(1, 30)),
            gain=int(rng.integers(50, 700)),
            spikes=pick("random", "low-discrepancy"),
            refractory_steps=pick(0, 0, 1, 4),
        ),
        "membrane": MembraneParams(leak_shift=pick(0, 1, 6, 23)),
        "readout": ReadoutParams(classes=int(rng.integers(1, 12)), vote_bits=pick(1, 4, 8)),
        "feedforward": FeedforwardParams(reset=pick("zero", "subtract")),
    }
    case = layer(
        "random feed-forward layer",
        pick("csr", "bitmask", "dense"),
        network,
        lanes=lanes,
        source=source,
        store=pick("learning", "packed", "packed"),
        queue_depth=pick(2, 16),
        event_depth=pick(2, 256),
        encoder_inputs=pick(4, 8, 16) if source == "levels" else 4,
    )
    return case(seed)


#: By name.
LAYERS: Mapping[str, Case] = {
    "feedforward": layer("feed-forward layer, reset to 0", store="packed"),
    "feedforward-subtract": layer(
        "feed-forward layer, reset by subtraction, low-discrepancy spikes",
        "dense",
        {
            "encoder": EncoderParams(steps=20, spikes="low-discrepancy", refractory_steps=1),
            "feedforward": FeedforwardParams(reset="subtract"),
        },
        store="packed",
        lanes=8,
        load=True,
    ),
    "feedforward-saturation": _saturating_layer,
    "feedforward-events": _kept_layer,
    "feedforward-spram": layer(
        "feed-forward layer, SPRAM, loaded", store="packed", spram=True, load=True
    ),
    "feedforward-16-lanes": layer(
        "feed-forward layer, 16 lanes, one of them not full", lanes=16, encoder_inputs=16
    ),
    "feedforward-random": _random_layer,
}
