"""Shows images or events to a device, one after the other, and collects the outcomes."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.outcome import Outcome, contradiction, possible, unpacked
from prunus_boards.driver.requests import DeviceError, Requests
from prunus_model.spec.formats import PRESENTATION_BITS, STEP_BITS, max_of
from prunus_model.spec.packed_events import PackedEvents, check_stimuli
from prunus_model.spec.presentation import Presentation, Request
from prunus_rtl.core.result import counter_widths, expanded, result_widths
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.items import ITEM_BYTES, pack_items
from prunus_rtl.link.protocol.protocol import STARTED_BITS, Condition, spikes_of

__all__ = ["Presenter"]


class Presenter:
    """Shows images, or the events of presentations, to a device.

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
        self._takes_events = core.hardware.source == "events"
        self._series = 0

    def check(self, stimuli: npt.NDArray[np.uint8] | PackedEvents, request: Request) -> None:
        """Check that the core can show that in this way.

        Raises
        ------
        TypeError, ValueError
            If levels, events, ``stop_after`` or ``margin`` are wrong.
        DeviceError
            If the core takes the other of levels and events, or can't learn.
        """
        network, hardware = self._core.network, self._core.hardware
        check_stimuli(stimuli, network)
        given = "events" if isinstance(stimuli, PackedEvents) else "levels"
        if given != hardware.source:
            raise DeviceError(f"Core must take {given} to be shown any, not {hardware.source}")
        stop_after, margin = request["stop_after"], request["margin"]
        if not 0 <= stop_after <= (last := max_of(STEP_BITS)):
            raise ValueError(f"Early exit must be after 0 to {last} spikes, not {stop_after}")
        if not 0 <= margin <= (most := max_of(network.score_bits)):
            raise ValueError(f"Margin must be 0 to {most} votes, not {margin}")
        if request["learn"] and not hardware.learn:
            what = "events" if given == "events" else "images"
            raise DeviceError(f"Core must be able to learn to learn from {what}")

    def series(
        self,
        stimuli: npt.NDArray[np.uint8] | PackedEvents,
        neurons: npt.NDArray[np.int64],
        request: Request,
    ) -> Generator[Outcome, None, None]:
        """Show images or events; the next ones are sent while one is shown, as far as they fit.

        An image is sent before it is shown, events while they are.

        Parameters
        ----------
        stimuli : ndarray of uint8, shape (n, image_levels), or PackedEvents
            Levels of the images, or events: what the core takes.
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
        events = isinstance(stimuli, PackedEvents)
        shown, sent = self._packed(stimuli, 0), 0
        for k in range(len(stimuli)):
            if self._series != mine:
                raise DeviceError("Series of images must not go on after another was begun")
            if not events:
                self._send(shown, sent)
            self._requests.present(request)
            started = started + 1 & max_of(STARTED_BITS)
            if events:
                self._send(shown, sent)
            deadline = self._deadline()
            if k + 1 < len(stimuli):
                shown = self._packed(stimuli, k + 1)
                sent = self._requests.send(shown, 0, events=events)
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
        if self._takes_events and self._requests.condition().running:
            # It waits for events that nobody will send.
            self._requests.reset()
        condition = self._wait(self._deadline())
        if not self._takes_events and condition.position >= self._core.network.image_levels:
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

    @staticmethod
    def _packed(stimuli: npt.NDArray[np.uint8] | PackedEvents, k: int) -> bytes:
        """Return one image, or the events of one presentation, as they are sent."""
        if isinstance(stimuli, PackedEvents):
            return pack_items(stimuli.lists(k))
        return bytes(stimuli[k])

    def _send(self, shown: bytes, sent: int) -> None:
        """Send the rest of an image or of events; wait for room while there is none."""
        events = self._takes_events
        total = len(shown) // (ITEM_BYTES if events else 1)
        deadline = self._deadline()
        while sent < total:
            if taken := self._requests.send(shown, sent, events=events):
                sent += taken
                deadline = self._deadline()
            while sent < total and not self._requests.condition().room and not deadline.over:
                pass
            if sent < total and deadline.over:
                raise DeviceError(
                    f"Device at {self._requests.name} must have room for "
                    f"{'events' if events else 'an image'} in {deadline.seconds:g} s, "
                    f"but is still full"
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
