"""Shows images to a device, one after the other, and collects the outcomes."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.memories import Memories
from prunus_boards.driver.outcome import Outcome, unpacked
from prunus_boards.driver.requests import DeviceError, Requests
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.presentation import Presentation
from prunus_rtl.core.result import expanded, result_widths
from prunus_rtl.link.protocol.description import CoreDescription

__all__ = ["Presenter"]


class Presenter:
    """Shows images to a device.

    Parameters
    ----------
    requests, memories
        Of the device.
    core : CoreDescription
        Its core.
    """

    def __init__(self, requests: Requests, memories: Memories, core: CoreDescription) -> None:
        self._requests = requests
        self._memories = memories
        self._core = core
        self._series = 0

    def series(
        self,
        levels: npt.NDArray[np.uint8],
        neurons: npt.NDArray[np.int64],
        *,
        learn: bool,
        stop_after: int,
    ) -> Generator[Outcome, None, None]:
        """Show images; the next one is sent while one is shown.

        Parameters
        ----------
        levels, learn, stop_after
            As of :meth:`prunus_boards.driver.device.Device.present_many`.
        neurons : ndarray of int64, shape (neurons,)
            Neuron at each position.

        Yields
        ------
        Outcome
            Outcomes, in order.

        Raises
        ------
        DeviceError
            If another series was begun meanwhile, or a presentation comes to no end.
        """
        self._series = mine = self._series + 1
        number = self._ready()
        for k, image in enumerate(levels):
            if k == 0:
                self._send(image)
            if self._series != mine:
                raise DeviceError("Series of images must not go on after another was begun")
            started = time.monotonic()
            self._requests.present(stop_after=stop_after, learn=learn)
            if k + 1 < len(levels):
                self._send(levels[k + 1])
            self._wait(started)
            yield self._outcome(number, neurons, learn=learn)
            number = number + 1 & max_of(PRESENTATION_BITS)

    def _ready(self) -> int:
        """Forget what an older series may have left; return the number of the next presentation."""
        condition = self._requests.condition()
        if condition.running:
            self._wait(time.monotonic())
        number = self._memories.presentation
        if condition.image or condition.position:
            self._requests.reset()
            self._memories.presentation = number
        return number

    def _send(self, levels: npt.NDArray[np.uint8]) -> None:
        """Send an image; wait for room if there is none."""
        octets, sent, started = levels.tobytes(), 0, time.monotonic()
        while (sent := sent + self._requests.send(octets, sent)) < len(octets):
            self._wait(started)

    def _wait(self, started: float) -> None:
        """Wait for the end of the presentation."""
        limit = self._requests.link.transport.presentation_patience
        while self._requests.condition().running:
            if time.monotonic() - started > limit:
                raise DeviceError(
                    f"Device at {self._requests.name} must end a presentation in {limit:g} s, "
                    f"but still runs"
                )

    def _outcome(self, number: int, neurons: npt.NDArray[np.int64], *, learn: bool) -> Outcome:
        widths = self._core.widths
        word = self._requests.result(sum(result_widths(widths).values()))
        prediction, counts = unpacked(word, widths)
        spikes = self._requests.spikes(counts["output_spikes"])
        return Outcome(
            number=number,
            prediction=prediction,
            presentation=Presentation(
                spike_steps=np.array([step for step, _ in spikes], dtype=np.int64),
                spike_posts=neurons[np.array([post for _, post in spikes], dtype=np.int64)],
                counters=expanded(counts, self._core.network, self._core.hardware, learn=learn),
            ),
            cycles=counts["cycles"],
        )
