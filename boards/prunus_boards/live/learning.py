"""Training in a thread of its own, and the frames that show it."""

from __future__ import annotations

import json
import struct
import time
from threading import Event, Lock, Thread

import numpy as np

from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import Progress, Trainer

__all__ = ["Learning", "frame"]

#: Neurons that a frame shows at most.
_SHOWN = 100
#: Seconds between two frames at least.
_PERIOD = 0.1


class Learning:
    """A training that runs by itself; the newest frame is kept and those before it are dropped.

    Parameters
    ----------
    trainer : Trainer
        What is to be trained; from :meth:`start` on it belongs to the thread.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._stop = Event()
        self._lock = Lock()
        self._newest: tuple[int, bytes] = (0, b"")
        self._error = ""
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
        shown = -_PERIOD
        try:
            while not (self._stop.is_set() or self._trainer.done):
                progress = self._trainer.advance()
                now = time.monotonic()
                if now - shown >= _PERIOD or self._trainer.done:
                    shown = now
                    made = frame(self._trainer, progress)
                    with self._lock:
                        self._newest = (self._newest[0] + 1, made)
        except Exception as e:  # Told on the page; the server goes on.
            self._error = " ".join(f"Training has ended: {e}".split())


def frame(trainer: Trainer, progress: Progress) -> bytes:
    """Return what a page shows after an interval.

    Returns
    -------
    bytes
        Length of a JSON object (uint32, little-endian), the object, then for each neuron shown its
        weights (uint8), then for each its synapses that are not pruned (uint8, 0 or 1).
    """
    state = trainer.engine.state
    count = min(_SHOWN, state.weights.shape[1])
    counters = progress.counters
    head = json.dumps(
        {
            "version": 1,
            "type": "frame",
            "presentation": progress.presentation,
            "presentations": progress.presentations,
            "accuracy": progress.accuracy,
            "density": progress.density,
            "neurons": count,
            "inputs": state.weights.shape[0],
            "w_max": trainer.engine.config.formats.w_max,
            "v_fire": state.v_fire[:count].tolist(),
            "post_count": state.post_count[:count].tolist(),
            "sops": counters.forward_sops + counters.update_sops,
            "sops_unpruned": counters.forward_dense + counters.update_dense,
        }
    ).encode()
    parts = (state.weights[:, :count], state.alive[:, :count])
    return b"".join(
        (
            struct.pack("<I", len(head)),
            head,
            *(np.ascontiguousarray(part.T).astype(np.uint8).tobytes() for part in parts),
        )
    )
