"""Outcome of a presentation, as a host sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.core.result import counter_widths, result_widths, unpack
from prunus_rtl.widths import Widths

__all__ = ["Outcome", "contradiction", "unpacked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of one presentation.

    Attributes
    ----------
    number : int
        Number of the presentation.
    prediction : int
        Class; :data:`prunus_model.reference.readout.UNDECIDED` if there was no output spike.
    presentation : Presentation
        Output spikes, by neuron of the network, and counters, as the model has them.
        ``frozen_sops`` is 0: hardware can't tell a frozen synapse from others.
    cycles : int
        Clock cycles of the core; 0 if it has no clock.
    """

    number: int
    prediction: int
    presentation: Presentation
    cycles: int


def unpacked(word: int, widths: Widths) -> tuple[int, dict[str, int]]:
    """Return prediction and counts from the word of a result.

    Parameters
    ----------
    word : int
        Payload of ``result`` of the core.
    widths : Widths
        Of the core.

    Returns
    -------
    prediction : int
        As of :class:`Outcome`.
    counts : dict of str to int
        Fields of :func:`prunus_rtl.core.result.counter_widths`.
    """
    result = unpack(result_widths(widths), word)
    counts = {name: result[name] for name in counter_widths(widths)}
    return (UNDECIDED if result["undecided"] else result["prediction"]), counts


def contradiction(
    prediction: int,
    counts: Mapping[str, int],
    network: NetworkConfig,
    *,
    learn: bool,
    stop_after: int,
) -> str:
    """Return what no presentation of a network can give: "has ..."; empty if there is nothing.

    Parameters
    ----------
    prediction, counts
        As of :func:`unpacked`.
    network : NetworkConfig
        What was shown an image.
    learn, stop_after
        As of :meth:`prunus_boards.driver.device.Device.present_many`.
    """
    classes, steps = network.readout.classes, network.encoder.steps
    spikes, integrated = counts["output_spikes"], counts["integrated_spikes"]
    dropped = counts.get("dropped_spikes", 0)
    learned = spikes * network.inputs if learn else 0
    limits = (
        ("prediction", prediction, UNDECIDED, classes - 1),
        ("steps", counts["steps"], 1 if stop_after else steps, steps),
        ("inhibited_steps", counts["inhibited_steps"], 0, counts["steps"]),
        ("input_spikes", counts["input_spikes"], 0, counts["steps"] * network.inputs),
        ("integrated_spikes", integrated, 0, counts["input_spikes"]),
        ("dropped_spikes", dropped, 0, counts["input_spikes"] - integrated),
        ("output_spikes", spikes, 0, min(stop_after or steps, counts["steps"])),
        ("forward_sops", counts["forward_sops"], 0, integrated * network.neurons),
        ("update_sops", counts.get("update_sops", 0), 0, learned),
        ("pruned", counts.get("pruned", 0), 0, learned),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            return f"has {name} in {low}..{high}, not {value}"
    return ""
