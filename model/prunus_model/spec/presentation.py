"""What one presentation takes and gives, in the reference, the engine and the hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.formats import max_of

__all__ = [
    "Presentation",
    "Request",
    "check_events",
    "check_exits",
    "check_learning",
    "check_levels",
    "check_votes",
]


class Request(TypedDict):
    """How something is presented: :meth:`prunus_model.spec.golden_model.GoldenModel.present`."""

    learn: bool
    stop_after: int
    margin: int
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Outcome of one presentation.

    Attributes
    ----------
    spike_steps, spike_posts : ndarray of int64, shape (output spikes,)
        Step and neuron of each output spike, in order.
    counters : Counters
        What was counted.
    prediction : int
        Class with the largest score; :data:`prunus_model.spec.readout.UNDECIDED` if there is none.
    lead : int
        Largest score less the second largest.
    """

    spike_steps: npt.NDArray[np.int64]
    spike_posts: npt.NDArray[np.int64]
    counters: Counters
    prediction: int
    lead: int

    def spike_counts(self, neurons: int) -> npt.NDArray[np.uint8]:
        """Return the output spikes of each neuron: uint8, shape (neurons,)."""
        return np.bincount(self.spike_posts, minlength=neurons).astype(np.uint8)


def check_levels(levels: npt.NDArray[np.uint8], config: NetworkConfig, *, many: bool) -> None:
    """Check the levels of one image, shape (image_levels,), or of many, shape (n, image_levels).

    Raises
    ------
    TypeError
        If they are not uint8.
    ValueError
        If the shape is another.
    """
    if not isinstance(levels, np.ndarray) or levels.dtype != np.uint8:
        kind = levels.dtype if isinstance(levels, np.ndarray) else type(levels).__name__
        raise TypeError(f"Levels must be an array of uint8, not {kind}")
    if levels.ndim != 1 + many or levels.shape[-1] != config.image_levels:
        expected = f"({'n, ' if many else ''}{config.image_levels}{'' if many else ','})"
        raise ValueError(f"Levels must have shape {expected}, not {levels.shape}")


def check_exits(stop_after: int, margin: int) -> None:
    """Check what ends a presentation before its last step.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If a number is negative, or has more than 32 bits.
    """
    for text, value in (
        ("Early exit must be after 0 (never) or more spikes", stop_after),
        ("Margin must be 0 (never) or more votes", margin),
    ):
        if not 0 <= index(value) <= max_of(32):
            raise ValueError(f"{text}{', up to 32 bits' if value > 0 else ''}, not {value}")


def check_learning(learn: bool, config: NetworkConfig) -> None:
    """Check that a network that is to learn can.

    Raises
    ------
    ConfigError
        If it is a feed-forward layer.
    """
    if learn and config.feedforward:
        raise ConfigError("feedforward must be left out to learn: such a network is only shown")


def check_votes(
    votes: npt.NDArray[np.uint8] | None, config: NetworkConfig
) -> npt.NDArray[np.uint8]:
    """Check the votes of all neurons and return them; without any, all are 0.

    Raises
    ------
    TypeError
        If they are not uint8.
    ValueError
        If the shape is not (all_neurons, classes), or a vote has more than ``vote_bits`` bits.
    """
    shape, top = (config.all_neurons, config.readout.classes), max_of(config.readout.vote_bits)
    if votes is None:
        return np.zeros(shape, dtype=np.uint8)
    if votes.dtype != np.uint8:
        raise TypeError(f"Votes must be an array of uint8, not {votes.dtype}")
    if votes.shape != shape:
        raise ValueError(f"Votes must have shape {shape}, not {votes.shape}")
    if votes.max() > top:
        raise ValueError(f"Votes must be at most {top}, not {votes.max()}")
    return votes


def check_events(
    events: Sequence[Sequence[int]], config: NetworkConfig
) -> list[npt.NDArray[np.int64]]:
    """Check address events and return them as arrays.

    Parameters
    ----------
    events : sequence of sequences of int
        For each step the inputs that spike, with groups those of the whole image, in any order,
        each at most once. Steps that are missing at the end are silent.
    config : NetworkConfig
        Gives the number of levels of an image, and of steps.

    Returns
    -------
    list of ndarray of int64
        ``encoder.steps`` arrays.

    Raises
    ------
    TypeError
        If inputs are not integers.
    ValueError
        If there are too many steps, an input does not exist, or one stands twice in a step.
    """
    steps = config.encoder.steps
    if len(events) > steps:
        raise ValueError(f"Events must have at most {steps} steps, not {len(events)}")
    given = [np.asarray(step_events) for step_events in events]
    for step, pres in enumerate(given):
        if pres.size and pres.dtype.kind not in "iu":
            raise TypeError(f"Events of step {step} must be integers, not {pres.dtype}")
    arrays = [pres.astype(np.int64) for pres in given]
    for step, pres in enumerate(arrays):
        if pres.size and not 0 <= pres.min() <= pres.max() < config.image_levels:
            raise ValueError(
                f"Events of step {step} must be inputs 0..{config.image_levels - 1}, "
                f"but got {pres.min()}..{pres.max()}"
            )
        if len(np.unique(pres)) != len(pres):
            raise ValueError(f"Events of step {step} must name each input at most once")
    return arrays + [np.empty(0, dtype=np.int64)] * (steps - len(events))
