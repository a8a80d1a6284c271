"""Outcome of a presentation, as a host sees it."""

from __future__ import annotations

from dataclasses import dataclass

from prunus_model.reference.readout import UNDECIDED
from prunus_model.spec.presentation import Presentation
from prunus_rtl.core.result import counter_widths, result_widths, unpack
from prunus_rtl.widths import Widths

__all__ = ["Outcome", "unpacked"]


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
