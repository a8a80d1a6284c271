"""Memories of an emulated core, and the engine that works on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.contents import Words, blocks, state_of, words_of
from prunus_model.common.errors import PrunusError
from prunus_model.engine.engine import Engine
from prunus_model.reference.homeostasis import fire_threshold
from prunus_model.spec.formats import THETA_BITS, max_of
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.state import State, strengths
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.hardware import Space
from prunus_rtl.widths import Widths

__all__ = ["EmulatedMemories", "StateError"]


class StateError(PrunusError):
    """The memories hold what the model can't."""


class EmulatedMemories:
    """Memories of a core, and the engine that shows images to what they hold.

    Parameters
    ----------
    widths : Widths
        Of the core.
    state, votes
        What they hold first, in the order of positions.
    """

    def __init__(self, widths: Widths, state: State, votes: npt.NDArray[np.uint8]) -> None:
        self._widths = widths
        self._base = state
        self._words = words_of(widths, state, votes)
        self._exists = {
            space: np.concatenate(
                [np.arange(first, first + n) for first, n in blocks(widths, space)]
            )
            for space in spaces(widths)
        }
        self.votes = votes
        self._engine: Engine | None = Engine(widths.network, state, votes)
        self._scores = self._engine.scores
        self._shown = False

    @property
    def words(self) -> Words:
        """What the memories hold."""
        if self._shown and self._engine is not None:
            self._words = words_of(self._widths, self._engine.state, self.votes)
            self._shown = False
        return self._words

    def has(self, space: Space, first: int, count: int) -> bool:
        """Whether all of these addresses exist."""
        return bool(np.isin(np.arange(first, first + count), self._exists[space]).all())

    def write(self, space: Space, first: int, words: list[int]) -> None:
        """Write words."""
        self.words[space][first : first + len(words)] = words
        self._engine = None

    def forget_scores(self) -> None:
        """Begin with scores of 0, as after a reset."""
        self._scores = np.zeros_like(self._scores)
        if self._engine is not None:
            self._engine.scores = self._scores

    def engine(self) -> Engine:
        """Return the engine in the state that the memories hold.

        Raises
        ------
        StateError
            If the model can't be in it.
        """
        if self._engine is None:
            try:
                state, self.votes = state_of(self._widths, self.words, self._base, self.votes)
                if not (self._widths.hardware.learn or self._widths.feedforward):
                    state = _with_thresholds(state, self._widths)
                self._engine = Engine(self._widths.network, state, self.votes)
                self._engine.scores = self._scores
            except (IndexError, ValueError) as e:
                raise StateError("Memories must hold a state that the model can be in") from e
        return self._engine

    def present(
        self, stimulus: npt.NDArray[np.uint8] | list[list[int]], request: Request
    ) -> Presentation:
        """Show levels, or the events of each step, to what the memories hold.

        Raises
        ------
        StateError
            As of :meth:`engine`.
        """
        engine = self.engine()
        self._shown = True
        if isinstance(stimulus, list):
            shown = engine.present_events(stimulus, **request)
        else:
            shown = engine.present(stimulus, **request)
        self._scores = engine.scores
        return shown


def _with_thresholds(state: State, widths: Widths) -> State:
    """Give a state the strength and theta that make its firing thresholds.

    A core that can't learn holds its thresholds as a table; the model computes them.

    Raises
    ------
    ValueError
        If there is no such theta.
    """
    params = widths.network.homeostasis
    strength = strengths(state.weights, widths.network).astype(np.int64)
    v_fire = state.v_fire.astype(np.int64)
    least = -(-(v_fire << params.fire_shift) // np.maximum(strength, 1)) - params.v_th
    theta = np.where(strength == 0, 0, np.clip(least, 0, max_of(THETA_BITS)))
    if np.any(fire_threshold(theta, strength, params) != v_fire):
        raise ValueError("v_fire must be a threshold that the model can have")
    state.theta = theta.astype(np.int32)
    state.strength = strength.astype(np.int32)
    return state
