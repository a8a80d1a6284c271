"""With which options a network is built for a board, unless the user says otherwise."""

from __future__ import annotations

from typing import Any, Literal

from prunus_boards.platforms.board import Board
from prunus_model.training.artifact import Artifact
from prunus_rtl.counts.multipliers import preferred_multiplier
from prunus_rtl.export.plan import ExportOptions

__all__ = ["build_options"]


def build_options(
    board: Board,
    artifact: Artifact,
    *,
    mode: Literal["inference", "learning"],
    store: str | None = None,
    lanes: int | None = None,
    multiplier: Literal["sequential", "dsp"] | None = None,
    sweep_inputs: Literal[1, 2, 4, 8, 16] = 1,
    **options: Any,
) -> ExportOptions:
    """Return the options with which a network is built for a board.

    Parameters
    ----------
    board : Board
        The board.
    artifact : Artifact
        The network.
    mode, store, lanes, multiplier, sweep_inputs, **options
        As of :class:`prunus_rtl.export.plan.ExportOptions`. Those that are None follow from the
        board: its store and lanes, or fewer lanes for few neurons, and multiplier blocks if there
        are enough.

    Raises
    ------
    ConfigError
        If they do not go together.
    """
    learn = mode == "learning"
    if lanes is None:
        lanes = min(board.lanes, 1 << artifact.config.neurons.bit_length() - 1)
    return ExportOptions(
        mode=mode,
        lanes=lanes,
        store=store or ("auto" if learn else board.store),
        multiplier=multiplier
        or preferred_multiplier(
            artifact.config, learn=learn, device=board.memory, sweep_inputs=sweep_inputs
        ),
        sweep_inputs=sweep_inputs,
        device=None if learn else board.memory,
        **options,
    )
