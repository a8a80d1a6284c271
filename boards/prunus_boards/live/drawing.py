"""A drawn digit: how it becomes the input picture, and what the reference does with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ConfigError
from prunus_model.reference.network import Network
from prunus_model.reference.readout import elect, lead
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact

__all__ = ["CANVAS", "SIDE", "check_drawable", "place", "shown"]

#: Pixels of a side of the input picture.
SIDE = 28
#: Canvas pixels to a pixel of the picture, in each direction.
_FACTOR = 4
#: Pixels of a side of the canvas.
CANVAS = SIDE * _FACTOR


def check_drawable(config: NetworkConfig) -> None:
    """Check that a network takes pictures of 28 x 28 pixels.

    Raises
    ------
    ConfigError
        If it takes events, or other sizes.
    """
    if config.encoder.events is not None or config.pixels != SIDE * SIDE:
        raise ConfigError(f"Network must take images of {SIDE} x {SIDE} pixels to be drawn for")


def place(canvas: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Bring a drawing to the input picture.

    Each pixel is the mean of its 4 x 4 canvas pixels, rounded down. The picture is then moved by
    whole pixels until its centre of mass, rounded down, is in row 14 and column 14, as in MNIST.
    What is moved out is lost. An empty drawing stays empty.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (112, 112)
        Grey levels, 255 for ink.

    Returns
    -------
    ndarray of uint8, shape (784,)
        Row by row.
    """
    blocks = canvas.astype(np.int64).reshape(SIDE, _FACTOR, SIDE, _FACTOR)
    small = blocks.sum(axis=(1, 3)) // _FACTOR**2
    placed = np.zeros((SIDE, SIDE), dtype=np.uint8)
    if mass := int(small.sum()):
        places = np.arange(SIDE)
        down = SIDE // 2 - int(small.sum(axis=1) @ places) // mass
        right = SIDE // 2 - int(small.sum(axis=0) @ places) // mass
        rows, columns = np.nonzero(small)
        inside = (rows + down >= 0) & (rows + down < SIDE)
        inside &= (columns + right >= 0) & (columns + right < SIDE)
        rows, columns = rows[inside], columns[inside]
        placed[rows + down, columns + right] = small[rows, columns]
    return placed.reshape(-1)


def shown(artifact: Artifact, pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Show a picture to the reference as presentation 0, with the exits that are configured.

    Returns
    -------
    dict
        For JSON: the picture, for each step the inputs that spiked, whether it was inhibited and
        the neuron that won (-1: none), the scores after it, and what was predicted (-1: nothing).
    """
    config, readout = artifact.config, artifact.config.readout
    network = Network(config, artifact.state, artifact.readout.votes)
    network.state.presentation = 0
    counters = Counters()
    steps: list[dict[str, Any]] = [
        {
            "view": step.view,
            "step": step.step,
            "inputs": np.flatnonzero(step.spikes).tolist(),
            "inhibited": step.inhibited,
            "fired": list(step.fired),
            "scores": network.scores.tolist(),
        }
        for step in network.steps(
            levels(pixels, config.encoder),
            learn=False,
            stop_after=readout.stop_after,
            margin=readout.margin,
            counters=counters,
        )
    ]
    return {
        "pixels": pixels.tolist(),
        "inputs": config.inputs,
        "steps": steps,
        "most_steps": config.encoder.steps * config.view_count,
        "margin": readout.margin,
        "stop_after": readout.stop_after,
        "scores": network.scores.tolist(),
        "prediction": int(elect(network.scores)),
        "lead": int(lead(network.scores)),
        "counters": asdict(counters),
    }
