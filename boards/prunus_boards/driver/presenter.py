"""Shows images to a device, one after the other, and collects the outcomes."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.outcome import Outcome, contradiction, possible, unpacked
from prunus_boards.driver.requests import DeviceError, Requests
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.presentation import Presentation, Request
from prunus_rtl.core.result import counter_widths, expanded, result_widths
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import STARTED_BITS, Condition, spikes_of

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
        request: Request,
    ) -> Generator[Outcome, None, None]:
        """Show images; the next one is sent while one is shown.

        Parameters
        ----------
        levels : ndarray of uint8, shape (n, image_levels)
            Levels of the images.
        request : Request
            How each is shown.
        neurons : ndarray of int64, shape (all_neurons,)
            Neuron at each position.

        Yields
        ------
        Outcome
            Outcomes, in order.

        Raises
        ------
        DeviceError
            If another series was begun meanwhile, if a presentation comes to no end, or if its
            outcome can't be.
        """
        self._series = mine = self._series + 1
        number, started = self._ready()
        for k, image in enumerate(levels):
            if k == 0:
                self._send(image, self._deadline())
            if self._series != mine:
                raise DeviceError("Series of images must not go on after another was begun")
            deadline = self._deadline()
            self._requests.present(request)
            started = started + 1 & max_of(STARTED_BITS)
            if k + 1 < len(levels):
                self._send(levels[k + 1], deadline)
            if (told := self._wait(deadline).started) != started:
                raise DeviceError(
                    f"Device at {self._requests.name} must have started presentation {started} "
                    f"since power-on, not {told}"
                )
            yield self._outcome(number, neurons, request)
            number = number + 1 & max_of(PRESENTATION_BITS)

    def _ready(self) -> tuple[int, int]:
        """Forget what an older series may have left.

        Returns
        -------
        number, started : int
            Number of the next presentation, and how many there were since power-on.
        """
        condition = self._wait(self._deadline())
        if condition.position >= self._core.network.image_levels:
            raise DeviceError(
                f"Device at {self._requests.name} must have less than "
                f"{self._core.network.image_levels} levels of an unfinished image, "
                f"not {condition.position}"
            )
        number = self._memories.presentation
        if condition.image or condition.position:
            self._requests.reset()
            self._memories.presentation = number
        return number, condition.started

    def _deadline(self) -> Deadline:
        """Return when a presentation that is started now is given up."""
        transport = self._requests.link.transport
        return transport.deadline(transport.presentation_patience)

    def _send(self, levels: npt.NDArray[np.uint8], deadline: Deadline) -> None:
        """Send an image; wait for room if there is none."""
        octets, sent = levels.tobytes(), 0
        while (sent := sent + self._requests.send(octets, sent)) < len(octets):
            self._wait(deadline)
            if deadline.over:
                raise DeviceError(
                    f"Device at {self._requests.name} must have room for an image in "
                    f"{deadline.seconds:g} s, but is still full"
                )

    def _wait(self, deadline: Deadline) -> Condition:
        """Wait for the end of the presentation; return how the device is then."""
        while (condition := self._requests.condition()).running:
            if deadline.over:
                raise DeviceError(
                    f"Device at {self._requests.name} must end a presentation in "
                    f"{deadline.seconds:g} s, but still runs"
                )
        return condition

    def _outcome(self, number: int, neurons: npt.NDArray[np.int64], request: Request) -> Outcome:
        widths = self._core.widths
        word = self._requests.result(sum(result_widths(widths).values()))
        told = unpacked(word, widths)
        wrong = contradiction(told, self._core.network, request)
        if wrong:
            raise DeviceError(f"Device at {self._requests.name} must tell a result that {wrong}")
        network = self._core.network
        spikes = self._requests.spikes(told["output_spikes"], spikes_of(network))
        if not possible(spikes, network, told["steps"]):
            views = f" of {network.view_count} views" if network.view_count > 1 else ""
            raise DeviceError(
                f"Device at {self._requests.name} must tell spikes in ascending steps{views} below "
                f"{told['steps']} of neurons below {len(neurons)}, not {spikes[:4]}"
            )
        return Outcome(
            number=number,
            presentation=Presentation(
                spike_steps=np.array([step for step, _ in spikes], dtype=np.int64),
                spike_posts=neurons[np.array([post for _, post in spikes], dtype=np.int64)],
                counters=expanded(
                    {name: told[name] for name in counter_widths(widths)},
                    network,
                    self._core.hardware,
                    learn=request["learn"],
                ),
                prediction=told["prediction"],
                lead=told["lead"],
            ),
            cycles=told["cycles"],
        )
