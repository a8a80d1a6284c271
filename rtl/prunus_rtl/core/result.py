"""Result of a presentation as integers, as the core packs it: no gateware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.random_streams import words
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.widths import Widths

__all__ = [
    "CYCLE_BITS",
    "counted",
    "counter_widths",
    "expanded",
    "pack",
    "result_widths",
    "unpack",
]

#: Width of the cycle counter.
CYCLE_BITS = 32


def counter_widths(widths: Widths) -> dict[str, int]:
    """Return the bits of all counts: those of :mod:`prunus_model.spec.counters`, and cycles.

    Each is as wide as its largest value in a presentation, over all its views. What follows from
    them is left out: see :func:`expanded`. With refractory inputs there are also the spikes dropped
    in steps that are not inhibited, which count in the dense equivalent.
    """
    inputs, neurons = widths.network.inputs, widths.network.neurons
    steps = widths.network.encoder.steps * widths.network.view_count
    largest = {
        "steps": steps,
        "inhibited_steps": steps,
        "input_spikes": steps * inputs,
        "integrated_spikes": steps * inputs,
        "output_spikes": steps * widths.network.step_spikes_max,
        "forward_sops": steps * inputs * neurons,
    }
    if widths.refractory:
        largest["dropped_spikes"] = steps * inputs
    if widths.hardware.learn:
        learned = widths.network.encoder.steps * widths.network.group_count
        largest["update_sops"] = learned * inputs
        largest["pruned"] = learned * inputs
    return {name: value.bit_length() for name, value in largest.items()} | {"cycles": CYCLE_BITS}


def result_widths(widths: Widths) -> dict[str, int]:
    """Return the bits of the fields of a result, the lowest first: class, lead, and counts.

    They are those of :func:`prunus_rtl.core.core.result_layout`.
    """
    elected = {"prediction": widths.prediction_bits, "undecided": 1, "lead": widths.score_bits}
    return elected | counter_widths(widths)


def pack(fields: Mapping[str, int], values: Mapping[str, int]) -> int:
    """Return the word of a result from the values of its fields; 0 for what is not given.

    Examples
    --------
    >>> pack({"prediction": 4, "undecided": 1, "steps": 7}, {"prediction": 3, "steps": 2})
    67
    """
    word = at = 0
    for name, bits in fields.items():
        word |= values.get(name, 0) << at
        at += bits
    return word


def unpack(fields: Mapping[str, int], word: int) -> dict[str, int]:
    """Return the values of the fields of a result: the inverse of :func:`pack`.

    Examples
    --------
    >>> unpack({"prediction": 4, "undecided": 1, "steps": 7}, 67)
    {'prediction': 3, 'undecided': 0, 'steps': 2}
    """
    values, at = {}, 0
    for name, bits in fields.items():
        values[name] = word >> at & (1 << bits) - 1
        at += bits
    return values


def counted(counters: Counters, network: NetworkConfig) -> dict[str, int]:
    """Return what a core counts in a presentation from the model's counters, without cycles.

    The inverse of :func:`expanded`; fields that the core does not have are among them.
    """
    offered = counters.forward_dense // network.neurons
    return asdict(counters) | {"dropped_spikes": offered - counters.integrated_spikes}


def expanded(
    counts: dict[str, int], network: NetworkConfig, hardware: HardwareConfig, *, learn: bool
) -> Counters:
    """Return the model's counters of a presentation from what the core counts.

    Parameters
    ----------
    counts : dict of str to int
        Fields of :func:`counter_widths`.
    network, hardware
        As the core was built.
    learn : bool
        Whether the core learned in this presentation.

    Returns
    -------
    prunus_model.spec.counters.Counters
        With dense equivalents and random draws. Synapses frozen by soft pruning cannot be told
        from others: ``frozen_sops`` is 0.
    """
    draws = words(network.inputs)
    spikes = counts["output_spikes"] if learn else 0
    integrated = counts["integrated_spikes"] + counts.get("dropped_spikes", 0)
    return Counters(
        presentations=1,
        encoder_draws=draws * counts["steps"] if hardware.source == "levels" else 0,
        learning_draws=draws * spikes,
        forward_dense=integrated * network.neurons,
        update_dense=spikes * network.inputs,
        **{name: value for name, value in counts.items() if name in COUNTERS},
    )
