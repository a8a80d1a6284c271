"""Scenarios of rules and of the options of the core that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import RATE_BITS, max_of
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.building import Case, fresh_scenario, tiny_network

__all__ = ["LIFT", "RULES", "rated"]


def _policy(policy: Any, name: str) -> Case:
    def case(seed: int) -> Scenario:
        return fresh_scenario(
            f"policy {name}", tiny_network(pruning=policy), seed, count=20, lanes=8
        )

    return case


#: Pruning by lift in a training of ten presentations.
LIFT = LiftPruning(share=255, length=10)


def rated(start: State) -> None:
    """Let inputs have rates of all kinds, and neurons have learned more or less."""
    rng = np.random.default_rng(len(start.input_rate))
    start.post_count[:] = rng.integers(0, 33, start.post_count.shape)
    start.input_rate[:] = rng.integers(0, 1 << RATE_BITS, start.input_rate.shape)
    start.input_rate[::5] = rng.choice([0, max_of(RATE_BITS)], start.input_rate[::5].shape)


def _lift(name: str, network: dict[str, Any] | None = None, **options: Any) -> Case:
    """Return a scenario that prunes by lift."""

    def case(seed: int) -> Scenario:
        stdp = StdpParams(potentiation_shift=5, depression_shift=4)
        config = tiny_network(**{"pruning": LIFT, "stdp": stdp} | (network or {}))
        given: dict[str, Any] = {"count": 20, "lanes": 8, "state": rated} | options
        return fresh_scenario(name, config, seed, **given)

    return case


def _refractory(name: str, **options: Any) -> Case:
    """Return a scenario with refractory inputs, low-discrepancy spikes and inhibited steps."""

    def case(seed: int) -> Scenario:
        network = tiny_network(
            encoder=EncoderParams(steps=20, gain=400, spikes="low-discrepancy", refractory_steps=2),
            membrane=MembraneParams(inhibition_steps=2),
            homeostasis=HomeostasisParams(v_th=4000),
        )
        return fresh_scenario(name, network, seed, **{"count": 12, "lanes": 8} | options)

    return case


def _sweep(inputs: int, each: int, **options: Any) -> Case:
    """Return a scenario whose sweep visits several inputs per cycle, the last word not full."""

    def case(seed: int) -> Scenario:
        network = tiny_network(
            inputs=inputs, pruning=AdaptivePruning(ramp_shift=0, strength_gain=330 * 49 // inputs)
        )
        given: dict[str, Any] = {"count": 16, "sweep_inputs": each} | options
        return fresh_scenario(f"sweep, {each} of {inputs} inputs", network, seed, **given)

    return case


def _wide_encoder(encoder_inputs: int, *, learn: bool = True, **options: Any) -> Case:
    """Return a scenario whose last word of inputs needs fewer draws than the others."""

    def case(seed: int) -> Scenario:
        name = f"{encoder_inputs} inputs per cycle"
        return fresh_scenario(
            name if learn else f"{name}, inference",
            tiny_network(inputs=49),
            seed,
            encoder_inputs=encoder_inputs,
            learn=learn,
            **options,
        )

    return case


#: By name.
RULES: Mapping[str, Case] = {
    "policy-none": _policy(NoPruning(), "none"),
    "policy-constant": _policy(ConstantPruning(w_prune=30), "constant"),
    "policy-adaptive": _policy(AdaptivePruning(ramp_shift=0, strength_gain=600), "adaptive"),
    "lift": _lift("policy lift"),
    "lift-scratch": _lift("lift, from scratch", count=30, lanes=4, state=None),
    "lift-dsp": _lift("lift, multiplier blocks", lanes=2, multiplier="dsp"),
    "lift-narrow": _lift("lift, 4-bit weights", {"weight_bits": 4}, lanes=1),
    "lift-events": _lift("lift, events", lanes=4, source="events", multiplier="dsp"),
    "lift-loaded": _lift("lift, loaded by the memory port", load=True, count=8),
    "refractory": _refractory("refractory inputs, low-discrepancy spikes"),
    "refractory-inference": _refractory("refractory inputs, inference", learn=False, queue_depth=2),
    "refractory-events": _refractory("refractory inputs, events", source="events"),
    "encoder-8": _wide_encoder(8),
    "encoder-16": _wide_encoder(16),
    "encoder-16-refractory": _refractory(
        "refractory inputs, low-discrepancy spikes, 16 inputs per cycle", encoder_inputs=16
    ),
    "encoder-8-inference": _wide_encoder(8, learn=False, neuron_memory="distributed"),
    "sweep-2": _sweep(13, 2, lanes=2, multiplier="dsp"),
    "sweep-4": _sweep(47, 4, lanes=8, neuron_memory="distributed"),
    "sweep-8": _sweep(35, 8, load=True, neuron_memory="block"),
    "sweep-16": _sweep(41, 16, source="events"),
    "sweep-of-all": _sweep(5, 16, lanes=1),
    "sweep-lift-2": _lift("lift, 2 inputs per cycle", lanes=1, sweep_inputs=2),
    "sweep-lift-4": _lift("lift, 4 inputs per cycle", load=True, count=8, sweep_inputs=4),
    "sweep-lift-8": _lift("lift, 8 inputs per cycle", multiplier="dsp", sweep_inputs=8),
    "load-only-lift": _lift("lift, load only", load=True, count=8, host_access="load"),
}
