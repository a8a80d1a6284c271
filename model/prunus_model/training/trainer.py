"""Training a network on labelled images, interval by interval, and labelling its neurons."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from prunus_model.common.provenance import package_versions
from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.lift import highest_threshold
from prunus_model.reference.pruning import pruning_threshold
from prunus_model.reference.readout import Readout, predict_vote, response
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.presentation import check_learning
from prunus_model.spec.pruning import LiftPruning, scheduled
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact, Schedule
from prunus_model.training.history import UNKNOWN, History, percentiles
from prunus_model.training.resuming import check_checkpoint

__all__ = ["INTERVAL", "Progress", "Trainer", "train", "versions"]

#: Presentations between two records, and between two moments at which training can be stopped.
INTERVAL = 1000
#: Seconds between two moments at which training can be watched, and presentations until the first
#: of them; results do not depend on it.
_WATCHED, _FIRST_PART = 0.05, 50
#: Images labelled at a time, so that memory stays small.
_LABEL_CHUNK = 10_000
#: Running response: each interval a quarter of what was known is forgotten.
_FORGET_SHIFT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known after an interval.

    Attributes
    ----------
    presentation, presentations : int
        Presentations done, and of the whole training.
    accuracy : float or None
        Running accuracy of the last interval, 0..1; None if not known yet.
    density : float
        Share of the synapses that are neither pruned nor frozen.
    counters : Counters
        Sum over the training so far.
    """

    presentation: int
    presentations: int
    accuracy: float | None
    density: float
    counters: Counters


class Trainer:
    """A training that can be stopped between intervals and continued to the identical result.

    Parameters
    ----------
    config : NetworkConfig
        All parameters.
    data : Split or EventSplit
        Training images, or events.
    epochs : int
        How often each image is shown, 1 or more.
    checkpoint : Artifact, optional
        Where to continue.

    Raises
    ------
    DataError
        If images or labels do not fit the configuration.
    ArtifactError
        If the checkpoint is of another configuration, data set or schedule.
    ConfigError
        If ``epochs`` is less than 1, there would be more presentations than can be counted, or the
        network does not learn.
    """

    def __init__(
        self,
        config: NetworkConfig,
        data: Labelled,
        *,
        epochs: int,
        checkpoint: Artifact | None = None,
    ) -> None:
        check_learning(True, config)
        config = replace(config, pruning=scheduled(config.pruning, len(data) * epochs))
        self._stimuli = stimuli(data, config)
        self._config = config
        self._schedule = Schedule(
            data=data.identity, data_sha256=data.sha256, images=len(data), epochs=epochs
        )
        self._labels = data.labels
        self._trained_on = data.kept
        self._seconds = 0.0
        self._part = _FIRST_PART
        if checkpoint is None:
            classes = config.readout.classes
            self._engine = Engine(config)
            self._response = np.zeros((config.all_neurons, classes), dtype=np.int64)
            self._images = np.zeros(classes, dtype=np.int64)
            self._history = History.empty()
            self._counters = Counters()
        else:
            check_checkpoint(checkpoint, config, self._schedule, self._trained_on)
            self._engine = Engine(config, checkpoint.state)
            self._response = checkpoint.response.copy()
            self._images = checkpoint.response_images.copy()
            self._history = checkpoint.history
            self._counters = checkpoint.counters
            self._seconds = float(checkpoint.provenance.get("train_seconds", 0))

    @property
    def engine(self) -> Engine:
        """The network."""
        return self._engine

    @property
    def presentations(self) -> int:
        """Presentations of the whole training."""
        return self._schedule.presentations

    @property
    def done(self) -> bool:
        """Whether all presentations have been made."""
        return self._engine.presentation >= self._schedule.presentations

    @property
    def readout(self) -> Readout | None:
        """What the running response makes of the neurons; None before the first interval's end."""
        if not self._images.any():
            return None
        return Readout.learn(self._response, self._images, self._config.readout)

    def advance(self, *, watch: Callable[[Counters], None] | None = None) -> Progress:
        """Make the next :data:`INTERVAL` presentations, or those that are left.

        Parameters
        ----------
        watch : callable, optional
            Called within the interval every 50 ms or so, with the sum of the counters over the
            training so far. It may read :attr:`engine`, and change nothing.
        """
        started = time.perf_counter()
        first = self._engine.presentation
        last = min(first - first % INTERVAL + INTERVAL, self._schedule.presentations)
        shown = np.arange(first, last) % self._schedule.images
        counters, parts, rest = Counters(), [], shown
        while len(rest):
            size = INTERVAL if watch is None else self._part
            part, rest = rest[:size], rest[size:]
            began = time.perf_counter()
            made, of_part = self._engine.train(self._stimuli[part])
            counters += made
            parts.append(of_part)
            if watch is not None and len(rest):
                took = max(time.perf_counter() - began, 1e-9)
                self._part = min(INTERVAL, 1 + int(len(part) * _WATCHED / took))
                watch(self._counters + counters)
        spikes = np.concatenate(parts)
        labels, params = self._labels[shown], self._config.readout
        correct = UNKNOWN
        readout = self.readout
        if readout is not None:
            correct = int(np.count_nonzero(predict_vote(spikes, readout) == labels))
        classes = params.classes
        self._response -= self._response >> _FORGET_SHIFT
        self._response += response(spikes, labels, classes)
        self._images -= self._images >> _FORGET_SHIFT
        self._images += np.bincount(labels, minlength=classes)
        self._counters += counters
        state = self._engine.state
        plastic = int(np.count_nonzero(state.plastic))
        self._history = self._history.extended(
            {
                "presentations": last - first,
                "correct": correct,
                "plastic": plastic,
                "output_spikes": counters.output_spikes,
                "forward_sops": counters.forward_sops,
                "forward_dense": counters.forward_dense,
                "update_sops": counters.update_sops,
                "update_dense": counters.update_dense,
                "w_prune": percentiles(pruning_thresholds(self._config, state)),
            }
        )
        self._seconds += time.perf_counter() - started
        return Progress(
            presentation=last,
            presentations=self._schedule.presentations,
            accuracy=None if correct == UNKNOWN else correct / (last - first),
            density=plastic / state.alive.size,
            counters=self._counters,
        )

    def checkpoint(self, *, command: str = "") -> Artifact:
        """Return all that is needed to continue later.

        Raises
        ------
        ValueError
            If training is done: then it is to be finished.
        """
        if self.done:
            raise ValueError("Checkpoint must be made before training is done")
        return self._artifact(self._response, self._images, command)

    def finish(self, *, command: str = "", threads: int | None = None) -> Artifact:
        """Finish the network and label its neurons with the training images.

        Image ``i`` is shown as presentation ``i``, without learning and without a margin, but with
        early exit as configured.

        Parameters
        ----------
        command : str
            Kept in the provenance.
        threads : int, optional
            For labelling; default: all processors. The result does not depend on it.

        Raises
        ------
        ValueError
            If training is not done.
        """
        if not self.done:
            raise ValueError("Training must be done before it is finished")
        self._counters += Counters(pruned=self._engine.finish())
        sums = np.zeros_like(self._response)
        for start in range(0, len(self._labels), _LABEL_CHUNK):
            part = slice(start, start + _LABEL_CHUNK)
            _, spikes = self._engine.infer(
                self._stimuli[part],
                first=start,
                stop_after=self._config.readout.stop_after,
                threads=threads,
            )
            sums += response(spikes, self._labels[part], self._config.readout.classes)
        images = np.bincount(self._labels, minlength=self._config.readout.classes)
        return self._artifact(sums, images.astype(np.int64), command)

    def _artifact(
        self, sums: npt.NDArray[np.int64], images: npt.NDArray[np.int64], command: str
    ) -> Artifact:
        return Artifact(
            config=self._config,
            schedule=self._schedule,
            state=self._engine.state,
            readout=Readout.learn(sums, images, self._config.readout),
            response=sums.copy(),
            response_images=images.copy(),
            history=self._history,
            counters=self._counters,
            provenance={
                "command": command,
                "versions": versions(),
                "train_seconds": round(self._seconds, 3),
                **self._trained_on.to_provenance(),
            },
        )


def train(
    config: NetworkConfig,
    data: Labelled,
    *,
    epochs: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> Artifact:
    """Train a network from the beginning and label its neurons.

    Parameters
    ----------
    config : NetworkConfig
        All parameters.
    data : Split or EventSplit
        Training images, or events.
    epochs : int
        How often each image is shown.
    progress : callable, optional
        Called with a :class:`Progress` after each interval.

    Returns
    -------
    Artifact
        Complete. Errors: as :class:`Trainer`.
    """
    trainer = Trainer(config, data, epochs=epochs)
    while not trainer.done:
        now = trainer.advance()
        if progress is not None:
            progress(now)
    return trainer.finish()


def pruning_thresholds(config: NetworkConfig, state: State) -> npt.NDArray[np.int64]:
    """Return the pruning threshold of each neuron as it stands: int64, shape (all,).

    With policy ``lift``, that of an input that is always active, the highest that there could be.
    """
    policy, w_max = config.pruning, config.formats.w_max
    found = []
    for number in range(config.group_count):
        group = state.group(number, config)
        rates = group.input_rate.astype(np.int64)
        for of in zip(group.post_count.tolist(), group.strength.tolist(), strict=True):
            if isinstance(policy, LiftPruning):
                found.append(highest_threshold(rates, *of, state.presentation, policy, config))
            else:
                found.append(pruning_threshold(*of, state.presentation, w_max, policy))
    return np.array(found, dtype=np.int64)


def versions() -> dict[str, str]:
    """Return the versions of everything that computes."""
    return package_versions("prunus", "numpy", "numba")
