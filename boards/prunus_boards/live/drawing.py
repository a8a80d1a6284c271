"""A drawn digit: how it becomes the input picture, and what a device does with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.device import Device
from prunus_boards.driver.outcome import by_neuron
from prunus_model.common.errors import ConfigError
from prunus_model.reference.network import Network
from prunus_model.reference.readout import elect, lead
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.spec.presentation import Request

__all__ = ["CANVAS", "SIDE", "Shower", "check_drawable", "place"]

#: Pixels of a side of the input picture.
SIDE = 28
#: Pixels of a side of the canvas; and at least of the square of it that is shown, so that a dot
#: does not fill the picture.
CANVAS, _LEAST = 112, 40
#: Pixels of a side of the square that a digit fills, in the picture.
_BOX = 20


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
    """Bring a drawing to the input picture, as the digits of MNIST were.

    The least square around the ink, of 40 canvas pixels at least, becomes 20 x 20 pixels: each the
    mean of what it covers, rounded down. These are moved by whole pixels until the centre of mass,
    rounded down, is in row 14 and column 14. What is moved out is lost. An empty drawing stays
    empty.

    Parameters
    ----------
    canvas : ndarray of uint8, shape (112, 112)
        Grey levels, 255 for ink.

    Returns
    -------
    ndarray of uint8, shape (784,)
        Row by row.
    """
    placed = np.zeros((SIDE, SIDE), dtype=np.uint8)
    inked = np.nonzero(canvas)
    if not inked[0].size:
        return placed.reshape(-1)
    top, left = (int(places.min()) for places in inked)
    part = canvas[top : int(inked[0].max()) + 1, left : int(inked[1].max()) + 1]
    side = max(*part.shape, _LEAST)
    square = np.zeros((side, side), dtype=np.int64)
    square[: part.shape[0], : part.shape[1]] = part
    # Of how much of each canvas pixel a pixel of the box is made: both begin at a corner.
    box, small = np.arange(_BOX)[:, np.newaxis] * side, np.arange(side) * _BOX
    shares = np.minimum(box + side, small + _BOX) - np.maximum(box, small)
    shares = np.maximum(shares, 0)
    digit = shares @ square @ shares.T // side**2
    if mass := int(digit.sum()):
        places = np.arange(_BOX)
        down = SIDE // 2 - int(digit.sum(axis=1) @ places) // mass
        right = SIDE // 2 - int(digit.sum(axis=0) @ places) // mass
        rows, columns = np.nonzero(digit)
        inside = (rows + down >= 0) & (rows + down < SIDE)
        inside &= (columns + right >= 0) & (columns + right < SIDE)
        rows, columns = rows[inside], columns[inside]
        placed[rows + down, columns + right] = digit[rows, columns]
    return placed.reshape(-1)


class Shower:
    """Shows pictures to a device, and beside it to the reference, which tells each step.

    Parameters
    ----------
    device : Device
        With a network. It is used by one caller at a time.
    stop_after, margin : int, optional
        When a presentation ends early, as of
        :meth:`prunus_boards.driver.device.Device.present_many`. Default: as configured.

    Raises
    ------
    ConfigError
        If one of them is out of range, or the margin can never be reached.
    """

    def __init__(
        self, device: Device, *, stop_after: int | None = None, margin: int | None = None
    ) -> None:
        self._device = device
        network = device.plan.network.with_readout(stop_after=stop_after, margin=margin)
        readout = network.readout
        self._request = Request(
            learn=False, stop_after=readout.stop_after, margin=readout.margin, keep=False
        )

    def shown(self, pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
        """Show a picture as presentation 0.

        Returns
        -------
        dict
            For JSON. Of the device: ``winners``, step of the view and neuron of each output spike,
            ``prediction`` (-1: nothing), ``lead``, ``counters`` and ``cycles`` (0: it has no
            clock). Of the reference, as no device tells them: for each of the ``steps`` the inputs
            that spiked, whether it was inhibited, the neurons that fired, and the scores after it.
            ``equal``: whether the two agree in every output spike, prediction, lead and number of
            steps.

        Raises
        ------
        PrunusError
            If the device does not answer as it must.
        """
        plan = self._device.plan
        config = plan.network
        given = levels(pixels, config.encoder)
        self._device.presentation = 0
        outcome = self._device.present(given, **self._request)
        steps, scores = self._steps(given)
        one = outcome.presentation
        winners = list(zip(one.spike_steps.tolist(), one.spike_posts.tolist(), strict=True))
        expected = [(step["step"], post) for step in steps for post in step["fired"]]
        told = (winners, one.prediction, one.lead, one.counters.steps)
        return {
            "pixels": pixels.tolist(),
            "inputs": config.inputs,
            "steps": steps,
            "most_steps": config.encoder.steps * config.view_count,
            "margin": self._request["margin"],
            "stop_after": self._request["stop_after"],
            "scores": scores.tolist(),
            "winners": [list(winner) for winner in winners],
            "prediction": one.prediction,
            "lead": one.lead,
            "counters": asdict(one.counters),
            "cycles": outcome.cycles,
            "clock_hz": self._device.clock_hz,
            "equal": told == (expected, int(elect(scores)), int(lead(scores)), len(steps)),
        }

    def _steps(
        self, given: npt.NDArray[np.uint8]
    ) -> tuple[list[dict[str, Any]], npt.NDArray[np.int64]]:
        """Show levels to the reference; return its steps and the scores at the end."""
        plan = self._device.plan
        # In the order of positions, as the device: ties go to the lowest.
        network = Network(plan.network, plan.state, plan.votes)
        network.state.presentation = 0
        steps: list[dict[str, Any]] = []
        for step in network.steps(given, counters=Counters(), **self._request):
            fired = by_neuron(
                [(step.step, post) for post in step.fired], plan.neurons, plan.network
            )
            steps.append(
                {
                    "view": step.view,
                    "step": step.step,
                    "inputs": np.flatnonzero(step.spikes).tolist(),
                    "inhibited": step.inhibited,
                    "fired": [post for _, post in fired],
                    "scores": network.scores.tolist(),
                }
            )
        return steps, network.scores
