"""A network that has gone on learning in a device, as an artefact that can be saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from prunus_boards.driver.outcome import Outcome
from prunus_boards.driver.requests import DeviceError
from prunus_model.engine.engine import Engine
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_model.training.history import HISTORY_FIELDS, UNKNOWN, percentiles
from prunus_model.training.trainer import pruning_thresholds

__all__ = ["learned"]


def learned(
    artifact: Artifact,
    state: State,
    shown: Sequence[Outcome],
    *,
    correct: int | None,
    command: str,
) -> Artifact:
    """Return a network after more learning presentations.

    Votes and classes are still those of the training: a device is not told labels. The state is at
    rest, as after a training.

    Parameters
    ----------
    artifact : Artifact
        Network that was loaded.
    state : State
        State that was read back.
    shown : sequence of Outcome
        Outcomes of all presentations since.
    correct : int, optional
        How many of them were predicted correctly, if that is known.
    command : str
        What made it, for the provenance.

    Raises
    ------
    DeviceError
        If the model can't be in that state.
    """
    try:
        state.check(artifact.config)
    except ValueError as e:
        raise DeviceError(f"Device must hold a state that the model can be in: {e}") from e
    engine = Engine(artifact.config, state)
    engine.finish()
    state = engine.state
    counters = sum((outcome.presentation.counters for outcome in shown), Counters())
    row: dict[str, int | list[int]] = {
        name: getattr(counters, name) for name in HISTORY_FIELDS if name in COUNTERS
    }
    row |= {
        "correct": UNKNOWN if correct is None else correct,
        "plastic": int(np.count_nonzero(state.plastic)),
        "w_prune": percentiles(pruning_thresholds(artifact.config, state)),
    }
    return replace(
        artifact,
        state=state,
        history=artifact.history.extended(row),
        counters=artifact.counters + counters,
        provenance=artifact.provenance | {"learned": command},
    )
