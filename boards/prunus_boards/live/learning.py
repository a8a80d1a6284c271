"""Training in a thread of its own, and the frames that show it."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from prunus_model.common.errors import ConfigError
from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout, predict_vote
from prunus_model.spec.counters import Counters
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Trainer

__all__ = ["Learning", "Validation", "frame"]

#: Neurons that a frame shows at most.
_SHOWN = 100
#: Seconds from one frame to the next, on the mean.
_PERIOD = 0.1
#: Frames, and validations, wait until so many times as long has passed as the last one took.
#: Together they then take a fiftieth of the time, however slow the machine is.
_SPARING = {"frame": 100, "validation": 100}


class Validation:
    """Images that are not trained with, and how many of them a network gets right.

    Parameters
    ----------
    trainer : Trainer
        Its network is measured, and stays as it is.
    data : Split or EventSplit
        The images. Image ``i`` is presentation ``i``, as of `prunus evaluate`.

    Raises
    ------
    ConfigError
        If there is no image.
    """

    def __init__(self, trainer: Trainer, data: Labelled) -> None:
        if not len(data):
            raise ConfigError("Validation must have at least one image")
        self._trainer = trainer
        self._stimuli = stimuli(data, trainer.engine.config)
        self._labels = data.labels

    def accuracy(self, readout: Readout) -> float:
        """Return the share of the images that the votes of a readout get right, 0..1."""
        engine = self._trainer.engine
        exits = engine.config.readout
        # One thread: the others are the page's.
        _, spikes = Engine(engine.config, engine.state, readout.votes).infer(
            self._stimuli, stop_after=exits.stop_after, margin=exits.margin, threads=1
        )
        return float(np.mean(predict_vote(spikes, readout) == self._labels))


class Learning:
    """A training that runs by itself; the newest frame is kept and those before it are dropped.

    Parameters
    ----------
    trainer : Trainer
        What is to be trained; from :meth:`start` on it belongs to the thread.
    validation : Validation, optional
        Measured between intervals.
    """

    def __init__(self, trainer: Trainer, validation: Validation | None = None) -> None:
        self._trainer = trainer
        self._validation = validation
        self._stop = Event()
        # The second is of who listens: no listener waits for the frame it is told of.
        self._lock, self._listening = Lock(), Lock()
        self._newest: tuple[int, bytes] = (0, b"")
        self._error = ""
        self._listeners: list[Callable[[], object]] = []
        self._due = {"frame": 0.0, "validation": 0.0}
        #: Presentations, density, running accuracy and validation accuracy, after intervals.
        self._curve: list[tuple[int, float, float | None, float | None]] = []
        self._thread = Thread(target=self._run, name="training", daemon=True)

    @property
    def newest(self) -> tuple[int, bytes]:
        """Number of the newest frame, from 1 on, and the frame; 0 if there is none yet."""
        with self._lock:
            return self._newest

    @property
    def error(self) -> str:
        """What ended the training early, in one line; empty if nothing did."""
        return self._error

    @contextmanager
    def telling(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call a function whenever there is a frame, or an error, until ``with`` ends.

        It is called by the thread of the training, which waits for it.
        """
        with self._listening:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._listening:
                self._listeners.remove(listener)

    def start(self) -> None:
        """Start training."""
        self._thread.start()

    def wait(self) -> None:
        """Wait until all presentations have been made."""
        self._thread.join()

    def end(self, *, command: str = "") -> Artifact:
        """End after the interval that is being made; return the network, or a checkpoint of it."""
        self._stop.set()
        self._thread.join()
        if self._trainer.done:
            return self._trainer.finish(command=command)
        return self._trainer.checkpoint(command=command)

    def _run(self) -> None:
        try:
            while not (self._stop.is_set() or self._trainer.done):
                progress = self._trainer.advance(watch=self._show)
                measured = self._measured()
                self._curve.append(
                    (progress.presentation, progress.density, progress.accuracy, measured)
                )
                self._show(progress.counters)
        except Exception as e:  # Told on the page; the server goes on.
            self._error = " ".join(f"Training has ended: {e}".split())
            self._tell()

    def _measured(self) -> float | None:
        """Return the validation accuracy if that is due, or training is done."""
        readout = self._trainer.readout
        if self._validation is None or readout is None or not self._is_due("validation"):
            return None
        started = time.monotonic()
        found = self._validation.accuracy(readout)
        self._spare("validation", started)
        return found

    def _show(self, counters: Counters) -> None:
        """Make a frame if that is due, or training is done."""
        if self._is_due("frame"):
            started = time.monotonic()
            made = frame(self._trainer, counters, self._curve)
            with self._lock:
                self._newest = (self._newest[0] + 1, made)
            self._spare("frame", started, _PERIOD)
            # Only now: the server may have the interpreter before this thread has it again.
            self._tell()

    def _tell(self) -> None:
        """Tell those who listen; none who has gone."""
        with self._listening:
            for listener in self._listeners:
                listener()

    def _is_due(self, what: str) -> bool:
        return self._trainer.done or time.monotonic() >= self._due[what]

    def _spare(self, what: str, started: float, period: float = 0.0) -> None:
        """Set when something is due that was made just now.

        It keeps a schedule: what came late, as parts of a training end when they do, makes nothing
        after it later, unless a period was missed.
        """
        due, now = self._due[what], time.monotonic()
        begun = due if started - due < period else started
        self._due[what] = max(begun + period, now + _SPARING[what] * (now - started))


def frame(
    trainer: Trainer,
    counters: Counters,
    curve: list[tuple[int, float, float | None, float | None]],
) -> bytes:
    """Return what a page shows of a training as it is now.

    Parameters
    ----------
    trainer : Trainer
        The training, between two presentations.
    counters : Counters
        Sums over the training so far.
    curve : list of tuple
        Presentations, density, running and validation accuracy (None if not known), by interval.

    Returns
    -------
    bytes
        Length of a JSON object (uint32, little-endian), the object, then for each neuron shown its
        weights (uint8), then for each its synapses that are not pruned (uint8, 0 or 1).
    """
    state = trainer.engine.state
    count = min(_SHOWN, state.weights.shape[1])
    facts: dict[str, Any] = {
        "version": 1,
        "type": "frame",
        "presentation": state.presentation,
        "presentations": trainer.presentations,
        "density": float(np.mean(state.plastic)),
        "curve": curve,
        "neurons": count,
        "of_neurons": state.weights.shape[1],
        "inputs": state.weights.shape[0],
        "w_max": trainer.engine.config.formats.w_max,
        "v_fire": state.v_fire[:count].tolist(),
        "post_count": state.post_count[:count].tolist(),
        "sops": counters.forward_sops + counters.update_sops,
        "sops_unpruned": counters.forward_dense + counters.update_dense,
    }
    head = json.dumps(facts).encode()
    parts = (state.weights[:, :count], state.alive[:, :count])
    return b"".join(
        (
            struct.pack("<I", len(head)),
            head,
            *(np.ascontiguousarray(part.T).astype(np.uint8).tobytes() for part in parts),
        )
    )
