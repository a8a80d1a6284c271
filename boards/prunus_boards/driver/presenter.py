"""Shows images or events to a device, one after the other, and collects the outcomes."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.link import RefusedError
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.outcome import (
    Outcome,
    by_neuron,
    contradiction,
    possible,
    unpacked,
)
from prunus_boards.driver.pipeline import Pipeline
from prunus_boards.driver.requests import DeviceError, Requests
from prunus_model.spec.formats import PRESENTATION_BITS, STEP_BITS, max_of
from prunus_model.spec.packed_events import PackedEvents, check_stimuli
from prunus_model.spec.presentation import Presentation, Request
from prunus_rtl.core.result import counter_widths, expanded, result_widths
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.items import ITEM_BYTES, pack_items
from prunus_rtl.link.protocol.protocol import (
    INFER,
    QUEUE_BYTES,
    STARTED_BITS,
    Opcode,
    Status,
    spikes_beside,
)
from prunus_rtl.link.protocol.records import Condition

__all__ = ["Presenter"]

#: Result of a presentation, and step and position of its output spikes.
_Shown = tuple[int, Sequence[tuple[int, int]]]


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
        # Number of the next presentation, if images behind it were sent ahead and may be shown.
        self._next: int | None = None
        self._result_bits = sum(result_widths(core.widths).values())
        self._beside = spikes_beside(self._result_bits)

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
        """Show images or events.

        Images that change nothing are sent ahead, as many as the device queues: if one is lost,
        those behind it are shown again. Images that are learned from, that go on with the scores of
        the one before, or that may have more output spikes than an answer holds, are sent one at a
        time. The events of a presentation are sent while it runs.

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
        if isinstance(stimuli, PackedEvents):
            shown = self._events(stimuli, request, started)
        elif request["learn"] or request["keep"] or self._most(request) > self._beside:
            shown = self._one_by_one(stimuli, request, started)
        else:
            shown = self._ahead_of_answers(stimuli, request, number, started)
        for word, spikes in shown:
            yield self._outcome(word, spikes, number, neurons, request)
            number = number + 1 & max_of(PRESENTATION_BITS)
            if self._series != mine:
                raise DeviceError("Series of images must not go on after another was begun")

    def settle(self) -> None:
        """Give up images of a series that were sent ahead: as if they had not been shown."""
        if self._next is not None:
            self._rewind(self._next)

    def _rewind(self, number: int) -> int:
        """Forget what is under way; return how many presentations there were since power-on."""
        self._next = None
        self._requests.reset(seconds=self._patience)
        self._memories.presentation = number
        return self._requests.condition().started

    def _ready(self) -> tuple[int, int]:
        """Forget what an older series may have left.

        Returns
        -------
        number, started : int
            Number of the next presentation, and how many there were since power-on.
        """
        self.settle()
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

    def _most(self, request: Request) -> int:
        """Return how many output spikes a presentation has at most."""
        return self._core.network.presentation_spikes(request["stop_after"])

    def _ahead_of_answers(
        self, levels: npt.NDArray[np.uint8], request: Request, number: int, started: int
    ) -> Iterator[_Shown]:
        pipeline = Pipeline(self._requests.link, Opcode.INFER, seconds=self._patience)
        # Of the images that were sent, at least in part: their requests. Then those not yet sent.
        images: deque[list[bytes]] = deque()
        unsent: deque[bytes] = deque()
        k = 0

        def send() -> None:
            while k + len(images) < len(levels) and sum(map(len, unsent)) < QUEUE_BYTES:
                images.append(self._requests.parts(bytes(levels[k + len(images)]), request))
                unsent.extend(images[-1])
            pipeline.send(unsent)

        def send_again() -> int:
            images.clear()
            unsent.clear()
            told = self._rewind(number)
            send()
            return told

        send()
        while k < len(levels):
            answer = None
            for n in range(len(images[0])):
                if not pipeline.under_way:
                    pipeline.send(unsent)
                if (answer := pipeline.take()) is None:
                    break
                body = self._part(answer, images[0], n)
            if answer is None:
                started = send_again()
                continue
            pipeline.went_on()
            started, number = started + 1, number + 1 & max_of(PRESENTATION_BITS)
            shown = self._shown(body, started, request)
            images.popleft()
            k += 1
            send()
            self._next = number if pipeline.under_way else None
            yield shown
            if pipeline.under_way and self._next is None:
                pipeline.give_up()
                started = send_again()

    def _one_by_one(
        self, levels: npt.NDArray[np.uint8], request: Request, started: int
    ) -> Iterator[_Shown]:
        for image in levels:
            parts = self._requests.parts(bytes(image), request)
            for n, part in enumerate(parts):
                answer = self._requests.link.ask(Opcode.INFER, part, seconds=self._patience)
                body = self._part(answer, parts, n)
            started += 1
            yield self._shown(body, started, request)

    def _part(self, answer: tuple[Status, bytes], parts: Sequence[bytes], n: int) -> bytes:
        """Check the answer to a part of an image; return its body."""
        status, body = answer
        if status is not Status.OK:
            raise RefusedError(self._requests.name, Opcode.INFER, status)
        if n + 1 < len(parts):
            *_, following = INFER.unpack_from(parts[n + 1])
            self._requests.check_position(body, following, "levels of an image")
        return body

    def _shown(self, body: bytes, started: int, request: Request) -> _Shown:
        """Return result and output spikes from the answer to the last part of an image."""
        told, word, spikes = self._requests.shown(body, self._result_bits)
        self._check_started(told, started)
        count = unpacked(word, self._core.widths)["output_spikes"]
        if len(spikes) != min(count, self._beside):
            raise DeviceError(
                f"Device at {self._requests.name} must answer INFER with "
                f"{min(count, self._beside)} spikes, not {len(spikes)}"
            )
        # A count that can't be is told with the result.
        if len(spikes) < count <= self._most(request):
            spikes = self._requests.spikes(
                count, self._core.network.presentation_spikes(), known=spikes
            )
        return word, spikes

    def _events(self, stimuli: PackedEvents, request: Request, started: int) -> Iterator[_Shown]:
        items, sent = pack_items(stimuli.lists(0)) if len(stimuli) else b"", 0
        for k in range(len(stimuli)):
            self._requests.present(request)
            started += 1
            self._send(items, sent)
            deadline = self._deadline()
            if k + 1 < len(stimuli):
                items = pack_items(stimuli.lists(k + 1))
                sent = self._requests.send(items, 0)
            self._check_started(self._wait(deadline).started, started)
            word = self._requests.result(self._result_bits)
            count = unpacked(word, self._core.widths)["output_spikes"]
            # A count that can't be is told with the result.
            most = self._core.network.presentation_spikes()
            yield word, self._requests.spikes(count, most) if count <= most else []

    def _send(self, items: bytes, sent: int) -> None:
        """Send the rest of the events; wait for room while there is none."""
        total = len(items) // ITEM_BYTES
        deadline = self._deadline()
        while sent < total:
            if taken := self._requests.send(items, sent):
                sent += taken
                deadline = self._deadline()
            while sent < total and not self._requests.condition().room and not deadline.over:
                pass
            if sent < total and deadline.over:
                raise DeviceError(
                    f"Device at {self._requests.name} must have room for events in "
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

    @property
    def _patience(self) -> float:
        return self._requests.link.transport.presentation_patience

    def _deadline(self) -> Deadline:
        return self._requests.link.transport.deadline(self._patience)

    def _check_started(self, told: int, started: int) -> None:
        """Check that the device has started what it was told, and nothing else."""
        if told != started & max_of(STARTED_BITS):
            raise DeviceError(
                f"Device at {self._requests.name} must have started presentation "
                f"{started & max_of(STARTED_BITS)} since power-on, not {told}"
            )

    def _outcome(
        self,
        word: int,
        spikes: Sequence[tuple[int, int]],
        number: int,
        neurons: npt.NDArray[np.int64],
        request: Request,
    ) -> Outcome:
        widths, network = self._core.widths, self._core.network
        told = unpacked(word, widths)
        wrong = contradiction(told, network, request)
        if wrong:
            raise DeviceError(f"Device at {self._requests.name} must tell a result that {wrong}")
        if not possible(spikes, network, told["steps"]):
            views = f" of {network.view_count} views" if network.view_count > 1 else ""
            raise DeviceError(
                f"Device at {self._requests.name} must tell spikes in ascending steps{views} below "
                f"{told['steps']} of neurons below {len(neurons)}, not {spikes[:4]}"
            )
        named = np.array(by_neuron(spikes, neurons, network), dtype=np.int64).reshape(-1, 2)
        return Outcome(
            number=number,
            presentation=Presentation(
                spike_steps=named[:, 0],
                spike_posts=named[:, 1],
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
