"""Whether a training can go on from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from prunus_model.common.errors import ArtifactError
from prunus_model.data.trained_on import TrainedOn
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


def check_checkpoint(
    checkpoint: Artifact, config: NetworkConfig, schedule: Schedule, trained_on: TrainedOn
) -> None:
    """Check that a checkpoint is of the training that is to go on, and that there is more of it.

    Parameters
    ----------
    checkpoint : Artifact
        Where training is to continue.
    config : NetworkConfig
        Its configuration, with the schedule of pruning.
    schedule : Schedule
        Its data and epochs.
    trained_on : TrainedOn
        What is kept of the data: names of classes, where both have some, must be the same.

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
    old, new = checkpoint.trained_on.class_names, trained_on.class_names
    if old and new:
        # The first that differs says enough.
        for one, other in zip_longest(old, new):
            _check_equal({"class_names": one}, {"class_names": other})


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
