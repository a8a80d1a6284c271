"""Lockstep jobs over a bus: load a network, learn, infer; the same for the native ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.state import State
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Scenario, Sequence, at_rest, random_votes
from prunus_sim.cosim.scenarios import SCENARIOS, images

__all__ = ["JOBS"]


def _network(**changes: Any) -> NetworkConfig:
    pruning = AdaptivePruning(ramp_gain=4, ramp_shift=0, strength_gain=3000)
    return replace(NetworkConfig.named("tiny"), **({"pruning": pruning} | changes))


def _stimuli(network: NetworkConfig, source: str, count: int, seed: int) -> list[Any]:
    if source == "levels":
        return list(images(network, count, seed=seed))
    rng = np.random.default_rng(seed)
    steps, inputs = network.encoder.steps, network.inputs
    return [
        [np.flatnonzero(rng.random(inputs) < 0.2 * rng.integers(0, 2)).tolist()] * 1
        + [
            np.flatnonzero(rng.random(inputs) < 0.2 * rng.integers(0, 2)).tolist()
            for _ in range(int(rng.integers(steps)))
        ]
        for _ in range(count)
    ]


def _job(
    name: str, network: NetworkConfig, seed: int, *, learned: int, inferred: int, **hardware: Any
) -> Scenario:
    """Return a job: load a network, learn, infer in several ways, with and without pauses."""
    network = replace(network, seed=(network.seed + seed) & 0xFFFFFFFF)
    built = HardwareConfig(**hardware)
    stimuli = _stimuli(network, built.source, learned + inferred, seed)
    shown = stimuli[learned:]
    half = len(shown) // 2
    sequences = [
        Sequence(stimuli=shown[:half], check="port"),
        Sequence(stimuli=shown[half : half + 1], stop_after=1, pause=0.4, check="none"),
        Sequence(stimuli=shown[half + 1 :], margin=4, keep=True, pause=0.2, check="none"),
    ]
    if learned:
        taught = stimuli[:learned]
        sequences = [
            Sequence(stimuli=taught[:-2], learn=True, check="none"),
            Sequence(stimuli=taught[-2:], learn=True, pause=0.3, check="port"),
            *sequences,
        ]
    start = State.initial(network)
    return Scenario(
        name=name,
        network=network,
        hardware=built,
        state=start if built.learn else at_rest(start, network),
        readout=random_votes(network, seed),
        sequences=[sequence for sequence in sequences if sequence.stimuli],
        load=True,
    )


def _small(seed: int) -> Scenario:
    return _job("small, levels", _network(), seed, learned=6, inferred=5, lanes=4)


def _events(seed: int) -> Scenario:
    return _job("small, events", _network(), seed, learned=6, inferred=5, lanes=2, source="events")


def _packed(seed: int) -> Scenario:
    return _job(
        "small, packed",
        _network(),
        seed,
        learned=0,
        inferred=6,
        lanes=4,
        learn=False,
        store="packed",
    )


def _medium(seed: int) -> Scenario:
    network = _network(inputs=196, neurons=40, encoder=EncoderParams(steps=32))
    return _job("medium, levels", network, seed, learned=8, inferred=8, lanes=8)


def _layer(name: str) -> Callable[[int], Scenario]:
    """Return a job of a feed-forward layer: that of the native ports. A bus counts no accesses."""
    return lambda seed: replace(SCENARIOS[name](seed), accesses=False)


#: Jobs by their names.
JOBS: Mapping[str, Callable[[int], Scenario]] = {
    "small": _small,
    "events": _events,
    "packed": _packed,
    "layer": _layer("feedforward"),
    "layer-events": _layer("feedforward-events"),
    "medium": _medium,
}
