"""Evaluating a trained network on images that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ArtifactError, DataError
from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import predict_hard, predict_vote
from prunus_model.spec.counters import Counters
from prunus_model.spec.readout import UNDECIDED, ReadoutParams
from prunus_model.training.artifact import Artifact

__all__ = ["Evaluation", "evaluate", "whole_dense"]

#: Images shown at a time, so that memory stays small.
_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well a network does, and what it costs.

    Attributes
    ----------
    data : str
        Name of the data set.
    readout : ReadoutParams
        By which votes, early exit and margin.
    neurons : int
        Neurons of the network.
    labels : ndarray of uint8, shape (n,)
        Classes of the images.
    hard, vote : ndarray of int16, shape (n,)
        Predictions by both readouts; -1 where undecided.
    counters : Counters
        Sum over all images.
    """

    data: str
    readout: ReadoutParams
    neurons: int
    labels: npt.NDArray[np.uint8]
    hard: npt.NDArray[np.int16]
    vote: npt.NDArray[np.int16]
    counters: Counters

    @property
    def whole(self) -> bool:
        """Whether every presentation has all of its steps: no early exit, no margin."""
        return not (self.readout.stop_after or self.readout.margin)

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
        """Images without a vote (no spike of a neuron that has votes): counted wrong."""
        return int(np.count_nonzero(self.vote == UNDECIDED))

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Images by class and by vote, int64, shape (classes, classes + 1); last: undecided."""
        classes = self.readout.classes
        table = np.zeros((classes, classes + 1), dtype=np.int64)
        np.add.at(table, (self.labels, self.vote), 1)
        return table

    @property
    def spikes_per_image(self) -> float:
        """Output spikes, mean over the images."""
        return self.counters.output_spikes / len(self.labels)

    @property
    def steps_per_image(self) -> float:
        """Time steps executed, mean over the images."""
        return self.counters.steps / len(self.labels)

    @property
    def sops_per_image(self) -> float:
        """Forward SOPs, mean over the images."""
        return self.counters.forward_sops / len(self.labels)

    @property
    def neuron_updates_per_image(self) -> float:
        """Neuron updates (:meth:`Counters.neuron_updates`), mean over the images."""
        return self.counters.neuron_updates(self.neurons) / len(self.labels)


def evaluate(
    artifact: Artifact,
    data: Labelled,
    *,
    stop_after: int | None = None,
    margin: int | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Show images to a trained network; image ``i`` is presentation ``i``.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    data : Split or EventSplit
        Images or events, with labels.
    stop_after : int, optional
        Early exit after so many output spikes, 0 for never. Default: as configured.
    margin : int, optional
        Lead of a class, in votes, that ends a presentation, 0 for never. Default: as configured.
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
        If images or labels do not fit the configuration, or classes are called otherwise.
    ConfigError
        If ``stop_after`` or ``margin`` is out of range, or the margin can never be reached.
    ValueError
        If ``threads`` is less than 1.
    """
    config = artifact.config.with_readout(stop_after=stop_after, margin=margin)
    if not artifact.complete:
        raise ArtifactError(
            f"Network must be trained completely, but is at presentation "
            f"{artifact.state.presentation} of {artifact.schedule.presentations}"
        )
    known = artifact.trained_on.class_names
    if known and data.class_names and data.class_names != known:
        raise DataError(
            f"Classes of {data.name} must be those of the network: load_data(..., "
            f"trained_on=artifact.trained_on) numbers them so"
        )
    shown = stimuli(data, config)
    engine = Engine(config, artifact.state, artifact.readout.votes)
    counters = Counters()
    hard, vote = [], []
    for start in range(0, len(data), _CHUNK):
        part = shown[start : start + _CHUNK]
        counts, spikes = engine.infer(
            part,
            first=start,
            stop_after=config.readout.stop_after,
            margin=config.readout.margin,
            threads=threads,
        )
        counters += Counters.from_array(counts.sum(axis=0))
        hard.append(predict_hard(spikes, artifact.readout))
        vote.append(predict_vote(spikes, artifact.readout))
    return Evaluation(
        data=data.name,
        readout=config.readout,
        neurons=config.neurons,
        labels=data.labels,
        hard=np.concatenate(hard),
        vote=np.concatenate(vote),
        counters=counters,
    )


def whole_dense(
    artifact: Artifact,
    data: Labelled,
    *,
    known: Sequence[Evaluation] = (),
    threads: int | None = None,
) -> float:
    """Return what a whole presentation costs with nothing pruned: forward SOPs per image.

    Parameters
    ----------
    artifact, data, threads
        As :func:`evaluate`, whose errors are those of this, too.
    known : sequence of Evaluation
        Of the same network and images. If one is of whole presentations, nothing is shown again.
    """
    whole = next((e for e in known if e.whole), None)
    whole = whole or evaluate(artifact, data, stop_after=0, margin=0, threads=threads)
    return whole.counters.forward_dense / len(whole.labels)
