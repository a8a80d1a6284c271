"""Whether a training can go on from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prunus_model.common.errors import ArtifactError
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact, Schedule

__all__ = ["check_checkpoint", "check_resumable"]


def check_resumable(checkpoint: Artifact, *, seed: int, epochs: int) -> None:
    """Check of a checkpoint what can be checked before there are data.

    Parameters
    ----------
    checkpoint : Artifact
        Where training is to continue.
    seed, epochs : int
        Of the training that is to go on.

    Raises
    ------
    ArtifactError
        If that is at its end, or another.
    """
    if checkpoint.complete:
        raise ArtifactError("Checkpoint must be of a training that is not complete")
    _check_equal(
        {"seed": checkpoint.config.seed, "epochs": checkpoint.schedule.epochs},
        {"seed": seed, "epochs": epochs},
    )


def check_checkpoint(checkpoint: Artifact, config: NetworkConfig, schedule: Schedule) -> None:
    """Check that a checkpoint is of the training that is to go on, and that there is more of it.

    Parameters
    ----------
    checkpoint : Artifact
        Where training is to continue.
    config : NetworkConfig
        Its configuration, with the schedule of pruning.
    schedule : Schedule
        Its data and epochs.

    Raises
    ------
    ArtifactError
        If it is at its end, or of another training.
    """
    if checkpoint.complete:
        raise ArtifactError("Checkpoint must be of a training that is not complete")
    # Data are what they hold: the name says no more.
    _check_equal(
        {**checkpoint.config.to_mapping(), **asdict(checkpoint.schedule), "data": ""},
        {**config.to_mapping(), **asdict(schedule), "data": ""},
    )


def _check_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    differing = [f"{name} ({a!r}, not {b!r})" for name, a, b in _differences(old, new)]
    if differing:
        raise ArtifactError(
            f"Checkpoint must be of this training, but differs in {', '.join(differing)}"
        )


def _differences(
    old: dict[str, Any], new: dict[str, Any], prefix: str = ""
) -> list[tuple[str, Any, Any]]:
    # The keys are the same but for those of the pruning policy, which is one of the differences.
    found: list[tuple[str, Any, Any]] = []
    for key in (key for key in old if key in new):
        a, b = old[key], new[key]
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append((prefix + key, a, b))
    return found
