"""Outcome of a presentation, as a host sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import max_of
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.core.result import result_widths, unpack
from prunus_rtl.widths import Widths

__all__ = ["Outcome", "by_neuron", "contradiction", "possible", "unpacked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of one presentation.

    Attributes
    ----------
    number : int
        Number of the presentation.
    presentation : Presentation
        Output spikes, by neuron of the network, counters, and class, as the model has them.
        ``frozen_sops`` is 0: hardware can't tell a frozen synapse from others.
    cycles : int
        Clock cycles of the core; 0 if it has no clock.
    """

    number: int
    presentation: Presentation
    cycles: int

    @property
    def prediction(self) -> int:
        """Class; :data:`prunus_model.spec.readout.UNDECIDED` if there is none."""
        return self.presentation.prediction


def by_neuron(
    spikes: Iterable[tuple[int, int]], neurons: npt.NDArray[np.int64], network: NetworkConfig
) -> list[tuple[int, int]]:
    """Return output spikes with the neurons of the network, in place of their positions.

    As the model gives them: those of one step of a feed-forward layer in ascending order.
    """
    found = [(step, int(neurons[post])) for step, post in spikes]
    return sorted(found) if network.feedforward else found


def unpacked(word: int, widths: Widths) -> dict[str, int]:
    """Return class, lead and counts from the word of a result.

    Parameters
    ----------
    word : int
        Payload of ``result`` of the core.
    widths : Widths
        Of the core.

    Returns
    -------
    dict of str to int
        Fields of :func:`prunus_rtl.core.result.result_widths`, but ``undecided``: the prediction is
        :data:`prunus_model.spec.readout.UNDECIDED` then.
    """
    result = unpack(result_widths(widths), word)
    if result.pop("undecided"):
        result["prediction"] = UNDECIDED
    return result


def contradiction(
    told: Mapping[str, int],
    network: NetworkConfig,
    request: Request,
) -> str:
    """Return what no presentation of a network can give: "has ..."; empty if there is nothing.

    Parameters
    ----------
    told
        As of :func:`unpacked`.
    network : NetworkConfig
        What was shown an image.
    request : Request
        How it was shown.
    """
    classes, once = network.readout.classes, network.encoder.steps
    views = network.group_count if request["learn"] else network.view_count
    stop_after, steps = request["stop_after"], views * once
    # The sequential test may leave out all views but one, and all steps but one of that.
    fewest = 1 if request["margin"] else views if stop_after else steps
    spikes, integrated = told["output_spikes"], told["integrated_spikes"]
    dropped = told.get("dropped_spikes", 0)
    learned = spikes * network.inputs if request["learn"] else 0
    of_view = network.presentation_spikes(stop_after) // network.view_count
    most = min(views * of_view, told["steps"] * network.step_spikes_max)
    inhibited = 0 if network.feedforward else told["steps"]
    limits = (
        ("prediction", told["prediction"], UNDECIDED, classes - 1),
        (
            "lead",
            told["lead"],
            0,
            0 if told["prediction"] == UNDECIDED else max_of(network.score_bits),
        ),
        ("steps", told["steps"], fewest, steps),
        ("inhibited_steps", told["inhibited_steps"], 0, inhibited),
        ("input_spikes", told["input_spikes"], 0, told["steps"] * network.inputs),
        ("integrated_spikes", integrated, 0, told["input_spikes"]),
        ("dropped_spikes", dropped, 0, told["input_spikes"] - integrated),
        ("output_spikes", spikes, 0, most),
        ("forward_sops", told["forward_sops"], 0, integrated * network.neurons),
        ("update_sops", told.get("update_sops", 0), 0, learned),
        ("pruned", told.get("pruned", 0), 0, learned),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            return f"has {name} in {low}..{high}, not {value}"
    return ""


def possible(spikes: Iterable[tuple[int, int]], network: NetworkConfig, steps: int) -> bool:
    """Return whether a presentation of so many steps, of all views, can have these output spikes.

    Each is taken for one of the earliest view that it can be of: views follow each other, and so do
    the steps of a view.
    """
    groups, view, last = network.group_count, 0, (-1, 0)
    for step, post in spikes:
        skipped = (post // network.neurons - view) % groups
        # A step has one output spike, or those of a feed-forward layer in ascending order.
        this = (step, post if network.feedforward else 0)
        if not skipped and this <= last:
            skipped = groups
        view, last = view + skipped, this
        # Each view before had a step.
        if (
            view >= network.view_count
            or step >= network.encoder.steps
            or view + step >= steps
            or post >= network.all_neurons
        ):
            return False
    return True
