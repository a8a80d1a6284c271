"""What scenarios are made of: images, events, sequences, fresh networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.data import datasets
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Scenario, Sequence, at_rest, random_votes
from prunus_sim.cosim.stimulus import Stimulus

__all__ = [
    "Case",
    "Levels",
    "fresh_scenario",
    "images",
    "mixed_sequences",
    "pretrained",
    "random_events",
    "tiny_network",
]

#: Makes a scenario of a seed.
Case: TypeAlias = Callable[[int], Scenario]
Levels = npt.NDArray[np.uint8]


@cache
def pretrained(name: str) -> Artifact:
    """Return a bundled network: ``demo`` or ``400``."""
    folder = Path(str(resources.files("prunus_model.pretrained")))
    return Artifact.load(folder / f"{name}.npz")


def images(network: NetworkConfig, count: int, *, split: Any = "train", seed: int = 0) -> Levels:
    """Return levels of real images, made smaller if the network has fewer inputs.

    The bundled sample of MNIST, from image ``seed * count`` on.
    """
    found = datasets.load("sample", split)
    at = np.arange(seed * count, (seed + 1) * count) % len(found.images)
    pixels = found.images[at].reshape(count, 28, 28)
    if network.pixels != pixels[0].size:
        side = next((n for n in (2, 4, 7, 14) if n * n >= network.pixels), 28)
        cell = 28 // side
        cells = pixels.reshape(count, side, cell, side, cell).mean(axis=(2, 4)).astype(np.uint8)
        flat = cells.reshape(count, -1)
        # Any number of inputs: the brightest part of the picture, then from the start again.
        pixels = np.take(flat, np.arange(network.pixels) + flat.shape[1] // 3, axis=1, mode="wrap")
    return levels(pixels.reshape(count, -1), network.encoder)


def random_events(network: NetworkConfig, count: int, seed: int) -> list[list[list[int]]]:
    """Return address events: in any order, some steps empty, some missing at the end."""
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(count):
        steps = int(rng.integers(0, network.encoder.steps + 1))
        density = rng.random(steps) * rng.integers(0, 2, steps)
        sequences.append(
            [
                rng.permutation(np.flatnonzero(rng.random(network.inputs) < d)).tolist()
                for d in density
            ]
        )
    return sequences


def tiny_network(**changes: Any) -> NetworkConfig:
    """Return the network `tiny`, changed."""
    return replace(NetworkConfig.named("tiny"), **changes)


def mixed_sequences(
    stimuli: list[Stimulus] | Levels, seed: int, *, learn: bool = True
) -> list[Sequence]:
    """Return sequences with and without learning and pauses, of one to three presentations."""
    rng = np.random.default_rng(seed)
    sequences: list[Sequence] = []
    rest = list(stimuli)
    while rest:
        count = min(len(rest), int(rng.choice([1, 1, 2, 3])))
        pause = float(rng.choice([0, 0, 0.2, 0.6]))
        sequences.append(
            Sequence(
                stimuli=rest[:count],
                learn=learn and bool(rng.random() < 0.8),
                stop_after=int(rng.choice([0, 0, 0, 1, 2])),
                margin=int(rng.choice([0, 0, 0, 4, 15])),
                keep=bool(rng.random() < 0.3),
                check="both" if len(sequences) % 3 == 0 else "backdoor",
                pause=pause,
                seed=int(rng.integers(1, 1 << 32)),
                cycles=not pause and count == 1,
            )
        )
        rest = rest[count:]
    return sequences


def fresh_scenario(
    name: str,
    network: NetworkConfig,
    seed: int,
    *,
    count: int = 12,
    lanes: int = 4,
    state: Callable[[State], None] | None = None,
    sequences: list[Sequence] | None = None,
    load: bool = False,
    **hardware: Any,
) -> Scenario:
    """Return a scenario with a fresh network and mixed sequences."""
    network = replace(network, seed=(network.seed + seed) & 0xFFFFFFFF)
    start = State.initial(network)
    if state is not None:
        state(start)
    built = HardwareConfig(lanes=lanes, **hardware)
    if sequences is None:
        stimuli: Any = (
            images(network, count, seed=seed)
            if built.source == "levels"
            else random_events(network, count, seed)
        )
        sequences = mixed_sequences(stimuli, seed, learn=built.learn)
    return Scenario(
        name=name,
        network=network,
        hardware=built,
        state=start if built.learn else at_rest(start, network),
        readout=random_votes(network, seed),
        sequences=sequences,
        load=load,
    )
