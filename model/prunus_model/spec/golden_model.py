"""What reference and engine have in common: whoever needs a golden model takes either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.state import State

__all__ = ["GoldenModel"]


class GoldenModel(Protocol):
    """A network that learns and infers, exact to the last bit.

    It begins with a copy of the state that it is given, or with the state before training; and with
    the votes of the neurons, or without any.
    """

    @property
    def config(self) -> NetworkConfig:
        """All parameters."""

    @property
    def presentation(self) -> int:
        """Number of the next presentation."""

    @property
    def state(self) -> State:
        """All state variables."""

    @property
    def scores(self) -> npt.NDArray[np.int64]:
        """Sums of votes by class, at the end of the last presentation; shape (classes,)."""

    def present(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show one image.

        Parameters
        ----------
        levels : ndarray of uint8, shape (inputs,)
            Levels of the image (:func:`prunus_model.spec.levels.levels`).
        learn : bool
            Whether weights, thresholds and pruning change.
        stop_after : int
            End at this output spike (early exit); 0 means never.
        margin : int
            End when the leading class is ahead by so much (sequential test); 0 means never.
        keep : bool
            Whether the scores begin where those of the presentation before ended, and not at 0.

        Returns
        -------
        Presentation

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type, shape or range.
        """

    def present_events(
        self,
        events: Sequence[Sequence[int]],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show address events in place of an image; no encoder draws are made.

        Parameters
        ----------
        events : sequence of sequences of int
            As in :func:`prunus_model.spec.presentation.check_events`.
        learn, stop_after, margin, keep
            As in :meth:`present`.

        Returns
        -------
        Presentation

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type, shape or range.
        """

    def train(
        self, levels: npt.NDArray[np.uint8] | PackedEvents
    ) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images, or from events in their place, one presentation each, in order.

        Parameters
        ----------
        levels : ndarray of uint8, shape (n, inputs), or PackedEvents
            Levels of the images; or events, shown as by :meth:`present_events`.

        Returns
        -------
        counters : Counters
            Sum over the presentations.
        spikes : ndarray of uint8, shape (n, neurons)
            Output spikes of each neuron in each presentation.

        Raises
        ------
        TypeError, ValueError
            If the levels are of the wrong type or shape.
        """

    def infer(
        self,
        levels: npt.NDArray[np.uint8] | PackedEvents,
        *,
        first: int = 0,
        stop_after: int = 0,
        margin: int = 0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images, or events, without learning; the network stays as it is.

        Image ``i`` is presentation ``first + i``, so that the result does not depend on the order
        or the number of threads.

        Parameters
        ----------
        levels : ndarray of uint8, shape (n, inputs), or PackedEvents
            Levels of the images; or events.
        first : int
            Presentation number of the first image.
        stop_after : int
            End a presentation at this output spike (early exit); 0 means never.
        margin : int
            End when the leading class is ahead by so much (sequential test); 0 means never.
        threads : int, optional
            At most so many. Default: as many as is best.

        Returns
        -------
        counts : ndarray of int64, shape (n, len(COUNTERS))
            Counters of each presentation.
        spikes : ndarray of uint8, shape (n, neurons)
            Output spikes of each neuron in each presentation.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong type, shape or range.
        """

    def finish(self) -> int:
        """End the training: with policy ``post``, prune now; then come to rest.

        At rest ``v`` and ``last_step`` are as before a presentation, and ``v_fire`` holds the
        thresholds that inference uses.

        Returns
        -------
        int
            How many synapses were pruned.
        """
