"""Scenarios at the ends of the ranges: sizes, counts, lanes, resets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import POST_COUNT_BITS, PRESENTATION_BITS, THETA_BITS, max_of
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scenarios.building import Case, fresh_scenario, images, tiny_network

__all__ = ["CORNERS", "resets"]


def _odd_size(seed: int) -> Scenario:
    network = tiny_network(
        inputs=13, neurons=7, weight_bits=5, encoder=EncoderParams(steps=9, gain=400)
    )
    return fresh_scenario("odd size", network, seed, lanes=4, count=20)


def _smallest(seed: int) -> Scenario:
    network = tiny_network(
        inputs=1,
        neurons=1,
        weight_bits=1,
        encoder=EncoderParams(steps=1, gain=60000),
        readout=ReadoutParams(classes=1, vote_bits=1),
        homeostasis=HomeostasisParams(v_th=1, fire_shift=0, theta_plus=0),
    )
    return fresh_scenario("one input, one neuron, one step", network, seed, lanes=1, count=8)


def _one_slot(seed: int) -> Scenario:
    network = tiny_network(inputs=30, neurons=32, weight_bits=3)
    return fresh_scenario(
        "32 lanes of one slot", network, seed, lanes=32, multiplier="dsp", queue_depth=2
    )


def _one_lane(seed: int) -> Scenario:
    network = tiny_network(
        neurons=33,
        membrane=MembraneParams(leak_shift=0, inhibition_steps=3),
        stdp=StdpParams(potentiation_shift=0, depression_shift=8, trace_window=0),
    )
    return fresh_scenario("one lane, no leak, inhibition", network, seed, lanes=1, event_depth=2)


def _saturation(seed: int) -> Scenario:
    """Put counts, thresholds and the number of the presentation at their upper ends."""
    network = tiny_network(
        homeostasis=HomeostasisParams(
            v_th=20000, theta_plus=1000, theta_decay_shift=24, fire_shift=30
        ),
        membrane=MembraneParams(leak_shift=23),
        pruning=AdaptivePruning(ramp_gain=65535, ramp_shift=32, strength_gain=65535),
        readout=ReadoutParams(classes=256, vote_bits=8),
    )

    def state(start: State) -> None:
        start.theta[:] = max_of(THETA_BITS) - 1500
        start.theta[::3] = 0
        start.post_count[:] = max_of(POST_COUNT_BITS) - 2
        start.presentation = max_of(PRESENTATION_BITS) - 5

    return fresh_scenario("saturation", network, seed, state=state, count=14)


def _late_start(seed: int) -> Scenario:
    """Pruning starts in the middle; thresholds decay at once; steps are many."""
    network = tiny_network(
        encoder=EncoderParams(steps=255, gain=30),
        homeostasis=HomeostasisParams(v_th=9000, theta_plus=3000, theta_decay_shift=0),
        stdp=StdpParams(potentiation_shift=8, depression_shift=1, trace_window=3),
        pruning=ConstantPruning(w_prune=9, start=4),
    )
    return fresh_scenario("late start, 255 steps", network, seed, count=8, lanes=2)


def _inhibited(seed: int) -> Scenario:
    network = tiny_network(membrane=MembraneParams(leak_shift=1, inhibition_steps=255))
    return fresh_scenario("inhibition to the end", network, seed, count=8)


def _never(seed: int) -> Scenario:
    """Neurons without weight never fire, and one fires at once."""
    network = tiny_network(homeostasis=HomeostasisParams(v_th=1, theta_plus=0, fire_shift=42))

    def state(start: State) -> None:
        start.weights[:, ::2] = 0
        start.alive[:, ::4] = False
        start.strength[:] = start.weights.sum(axis=0)

    return fresh_scenario("neurons without weight", network, seed, state=state, count=8)


def _many_lanes(lanes: int, *, packed: bool, **options: Any) -> Case:
    """Return a scenario with so many lanes, two or three slots in each, read by the port, too."""
    kind = "packed" if packed else "learning"
    network = tiny_network(
        inputs=40, neurons=2 * lanes + 5, encoder=EncoderParams(steps=12, gain=500)
    )

    def case(seed: int) -> Scenario:
        def state(start: State) -> None:
            rng = np.random.default_rng(seed)
            start.alive[:] = rng.random(start.alive.shape) < 0.5
            start.weights[~start.alive] = 0
            start.strength[:] = start.weights.sum(axis=0)

        given: dict[str, Any] = {"count": 6, "load": True, "state": state} | options
        if packed:
            given |= {"learn": False, "store": "packed"}
        scenario = fresh_scenario(f"{lanes} lanes, {kind}", network, seed, lanes=lanes, **given)
        return replace(scenario, format="csr") if packed else scenario

    return case


def _loaded(seed: int, **options: Any) -> Scenario:
    """Load the state by the memory port, over that of another network."""

    def state(start: State) -> None:
        rng = np.random.default_rng(seed)
        start.alive[:] = rng.random(start.alive.shape) < 0.5
        start.weights[~start.alive] = 0
        start.strength[:] = start.weights.sum(axis=0)
        start.theta[:] = rng.integers(0, 10000, start.theta.shape)
        start.post_count[:] = rng.integers(0, 300, start.post_count.shape)
        start.presentation = 1000

    name = ", ".join(["loaded by the memory port", *map(str, options.values())])
    return fresh_scenario(name, tiny_network(), seed, state=state, load=True, count=6, **options)


def resets(name: str, network: NetworkConfig, seed: int) -> Scenario:
    """Reset in the middle of presentations, then the same again in full."""
    rng = np.random.default_rng(seed)
    sequences = [
        Sequence(
            stimuli=[image],
            learn=k % 2 == 1,
            check="both",
            reset_after=int(rng.integers(1, 900)),
            pause=float(rng.choice([0, 0.3])),
        )
        for k, image in enumerate(images(network, 10, seed=seed))
    ]
    return fresh_scenario(name, network, seed, sequences=sequences)


def _reset(seed: int) -> Scenario:
    return resets("reset in the middle", tiny_network(), seed)


def _back_to_back(seed: int) -> Scenario:
    network = tiny_network()
    levels = list(images(network, 30, seed=seed))
    sequences = [
        Sequence(stimuli=levels[:12], learn=True, check="both"),
        Sequence(stimuli=levels[12:20], check="both"),
        Sequence(stimuli=levels[20:30], learn=True, stop_after=1, pause=0.4, check="both"),
    ]
    return fresh_scenario("back to back", network, seed, sequences=sequences, lanes=2)


#: By name.
CORNERS: Mapping[str, Case] = {
    "odd-size": _odd_size,
    "smallest": _smallest,
    "one-slot": _one_slot,
    "32-lanes": _many_lanes(32, packed=False, encoder_inputs=8),
    "32-lanes-packed": _many_lanes(32, packed=True),
    "64-lanes": _many_lanes(64, packed=False, queue_depth=2),
    "64-lanes-packed": _many_lanes(64, packed=True, encoder_inputs=16),
    "one-lane": _one_lane,
    "saturation": _saturation,
    "late-start": _late_start,
    "inhibited": _inhibited,
    "without-weight": _never,
    "loaded": _loaded,
    "load-only": lambda seed: _loaded(seed, host_access="load"),
    "no-access-learning-store": lambda seed: fresh_scenario(
        "learning store, no access", tiny_network(), seed, learn=False, host_access="none"
    ),
    "reset": _reset,
    "back-to-back": _back_to_back,
}
