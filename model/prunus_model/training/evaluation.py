"""Evaluating a trained network on images that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ArtifactError
from prunus_model.data.datasets import Split, check_for
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import predict_hard, predict_vote
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact

__all__ = ["Evaluation", "evaluate"]

#: Images shown at a time, so that memory stays small.
_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well a network does, and what it costs.

    Attributes
    ----------
    data : str
        Name of the data set.
    stop_after : int
        Early exit after so many output spikes; 0 means never.
    labels : ndarray of uint8, shape (n,)
        Classes of the images.
    hard, vote : ndarray of int16, shape (n,)
        Predictions by both readouts; -1 where undecided.
    classes : int
        Number of classes.
    counters : Counters
        Sum over all images.
    """

    data: str
    stop_after: int
    labels: npt.NDArray[np.uint8]
    hard: npt.NDArray[np.int16]
    vote: npt.NDArray[np.int16]
    classes: int
    counters: Counters

    @property
    def hard_accuracy(self) -> float:
        """Share of images that the hard readout gets right."""
        return float(np.mean(self.hard == self.labels))

    @property
    def vote_accuracy(self) -> float:
        """Share of images that the votes get right."""
        return float(np.mean(self.vote == self.labels))

    @property
    def undecided(self) -> int:
        """Images without any output spike: counted wrong."""
        return int(np.count_nonzero(self.vote == UNDECIDED))

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Images by class and by vote, int64, shape (classes, classes + 1); last: undecided."""
        table = np.zeros((self.classes, self.classes + 1), dtype=np.int64)
        np.add.at(table, (self.labels, self.vote), 1)
        return table


def evaluate(
    artifact: Artifact, data: Split, *, stop_after: int | None = None, threads: int | None = None
) -> Evaluation:
    """Show images to a trained network; image ``i`` is presentation ``i``.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    data : Split
        Images and labels.
    stop_after : int, optional
        Early exit after so many output spikes, 0 for never. Default: as configured.
    threads : int, optional
        Default: all processors. The result does not depend on it.

    Returns
    -------
    Evaluation

    Raises
    ------
    ArtifactError
        If training is not complete.
    DataError
        If images or labels do not fit the configuration.
    ValueError
        If ``stop_after`` is negative or ``threads`` less than 1.
    """
    config = artifact.config
    if not artifact.complete:
        raise ArtifactError(
            f"Network must be trained completely, but is at presentation "
            f"{artifact.state.presentation} of {artifact.schedule.presentations}"
        )
    check_for(data, config)
    if stop_after is None:
        stop_after = config.readout.stop_after
    engine = Engine(config, artifact.state)
    shown = levels(data.images, config.encoder)
    counters = Counters()
    hard, vote = [], []
    for start in range(0, len(data), _CHUNK):
        part = shown[start : start + _CHUNK]
        counts, spikes = engine.infer(part, first=start, stop_after=stop_after, threads=threads)
        counters += Counters.from_array(counts.sum(axis=0))
        hard.append(predict_hard(spikes, artifact.readout))
        vote.append(predict_vote(spikes, artifact.readout))
    return Evaluation(
        data=data.name,
        stop_after=stop_after,
        labels=data.labels,
        hard=np.concatenate(hard),
        vote=np.concatenate(vote),
        classes=config.readout.classes,
        counters=counters,
    )
