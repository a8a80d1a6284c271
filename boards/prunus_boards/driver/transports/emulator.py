"""A device in software: the bytes of the protocol outside, the golden model inside."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from prunus_boards.driver.link import Frames
from prunus_boards.driver.transports.emulated_inputs import inputs_of
from prunus_boards.driver.transports.emulated_memories import EmulatedMemories, StateError
from prunus_model.spec.formats import max_of
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.core.result import counted, pack, result_widths
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    IDENTITY_SPACE,
    INFER,
    MAX_BODY,
    OFFSET,
    PRESENT,
    READ_WRITE,
    REQUEST_HEADER,
    SPIKE,
    STARTED,
    Opcode,
    ProtocolError,
    Status,
    decode,
    encode,
    first_bytes,
    spikes_beside,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Condition, Identity
from prunus_rtl.link.protocol.runs import unpack_levels

__all__ = ["Emulator"]

#: Counts of frames and of presentations go round.
_COUNT_MASK = 0xFFFF


class _RefusalError(Exception):
    """A request is refused."""

    def __init__(self, status: Status) -> None:
        self.status = status


class Emulator:
    """A core behind a link, as a function from bytes to bytes.

    Takes no time: a presentation is over when it has been started, or with events when the last one
    has come, and takes 0 cycles. The memories hold anything; but a state that the model can't be in
    is refused when it is to be presented, with ``VALUE``.

    Parameters
    ----------
    plan : Plan
        Core, and initial contents of its memories.
    clock_hz : int
        Clock that the identity tells. 0: none.

    Attributes
    ----------
    description : CoreDescription
        The core.
    """

    def __init__(self, plan: Plan, *, clock_hz: int = 0) -> None:
        self.description = CoreDescription.of(plan, clock_hz=clock_hz)
        self._widths = self.description.widths
        self._start = plan.state
        self._network = bytes.fromhex(plan.artifact.content_hash)
        self._frames = Frames()
        self._last: tuple[bytes, bytes] | None = None
        self._broken = 0
        self._started = 0
        self._memories = EmulatedMemories(self._widths, plan.state, plan.votes)
        self._inputs = inputs_of(plan.hardware, plan.network)
        self._running: Request | None = None
        self._result: bytes | None = None
        self._spikes: list[tuple[int, int]] = []

    def feed(self, octets: bytes) -> bytes:
        """Take bytes from the host; return the bytes that answer them."""
        return b"".join(self._answer(frame) for frame in self._frames.feed(octets))

    def _answer(self, frame: bytes) -> bytes:
        try:
            message = decode(frame)
        except ProtocolError:
            self._broken = self._broken + 1 & _COUNT_MASK
            return encode(BROKEN_RESPONSE)
        if self._last is not None and self._last[0] == message:
            return self._last[1]
        sequence, opcode, body = message[0], message[1], message[REQUEST_HEADER:]
        status, content = Status.OK, b""
        try:
            content = self._handler(opcode)(body)
        except _RefusalError as refusal:
            status = refusal.status
        answer = encode(bytes([sequence, opcode, status]) + content)
        self._last = message, answer
        return answer

    def _handler(self, opcode: int) -> Callable[[bytes], bytes]:
        handlers: dict[int, Callable[[bytes], bytes]] = {
            Opcode.IDENTIFY: self._identify,
            Opcode.READ: self._read,
            Opcode.WRITE: self._write,
            self._inputs.opcode: self._take,
            Opcode.PRESENT: self._present,
            Opcode.RESULT: self._report,
            Opcode.SPIKES: self._spikes_from,
            Opcode.STATUS: self._condition,
            Opcode.RESET: self._reset,
        }
        if self._inputs.opcode == Opcode.IMAGE:
            handlers[Opcode.INFER] = self._infer
        if opcode not in handlers:
            raise _RefusalError(Status.OPCODE)
        return handlers[opcode]

    def _identify(self, body: bytes) -> bytes:
        _check_length(body, 0)
        return self.description.identity(self._network).pack()

    def _read(self, body: bytes) -> bytes:
        _check_length(body, READ_WRITE.size)
        space, count, first = READ_WRITE.unpack(body)
        size = self._check_words(space, first, count, too_many=Status.VALUE)
        if space == IDENTITY_SPACE:
            return self.description.identity(self._network).pack()[first : first + count]
        words = self._memories.words[Space(space)][first : first + count]
        return b"".join(word.to_bytes(size, "little") for word in words.tolist())

    def _write(self, body: bytes) -> bytes:
        if len(body) < READ_WRITE.size:
            raise _RefusalError(Status.LENGTH)
        space, count, first = READ_WRITE.unpack_from(body)
        content = body[READ_WRITE.size :]
        size = self._check_words(space, first, count, too_many=Status.LENGTH, writing=True)
        _check_length(content, count * size)
        if space == IDENTITY_SPACE:
            network, at = bytearray(self._network), first - Identity.NETWORK_AT
            network[at : at + count] = content
            self._network = bytes(network)
            return b""
        mask = max_of(spaces(self._widths)[Space(space)][1])
        words = [
            int.from_bytes(content[k * size : (k + 1) * size], "little") & mask
            for k in range(count)
        ]
        self._memories.write(Space(space), first, words)
        return b""

    def _check_words(
        self, space: int, first: int, count: int, *, too_many: Status, writing: bool = False
    ) -> int:
        """Check addresses; return the bytes of a word. Gateware finds faults in the same order."""
        widths = {
            int(found): width
            for found, (_, width, _) in spaces(self._widths).items()
            if writing or found in readable(self._widths)
        }
        if space not in widths and space != IDENTITY_SPACE:
            raise _RefusalError(Status.ADDRESS)
        if count == 0:
            raise _RefusalError(Status.VALUE)
        if space != IDENTITY_SPACE:
            self._check_idle()
        size = 1 if space == IDENTITY_SPACE else word_bytes(widths[space])
        most = MAX_BODY // size
        # Words are looked for one by one, and the first that is too many ends that.
        looked_for = min(count, most + 1)
        if space == IDENTITY_SPACE:
            least = Identity.NETWORK_AT if writing else 0
            there = least <= first <= Identity.FORMAT.size - looked_for
        else:
            there = self._memories.has(Space(space), first, looked_for)
        if not there:
            raise _RefusalError(Status.ADDRESS)
        if count > most:
            raise _RefusalError(too_many)
        return size

    def _take(self, body: bytes) -> bytes:
        inputs = self._inputs
        if len(body) <= OFFSET.size or (len(body) - OFFSET.size) % inputs.unit:
            raise _RefusalError(Status.LENGTH)
        (offset,) = OFFSET.unpack_from(body)
        if not inputs.room:
            raise _RefusalError(Status.FULL)
        if offset != inputs.position:
            raise _RefusalError(Status.POSITION)
        if not inputs.add(body[OFFSET.size :]):
            raise _RefusalError(Status.VALUE)
        self._go_on()
        return OFFSET.pack(inputs.position)

    def _present(self, body: bytes) -> bytes:
        _check_length(body, PRESENT.size)
        request = self._request(*PRESENT.unpack(body))
        if self._inputs.opcode == Opcode.IMAGE and not self._inputs.waiting:
            raise _RefusalError(Status.NO_IMAGE)
        self._start_presentation(request)
        return b""

    def _infer(self, body: bytes) -> bytes:
        if len(body) <= INFER.size:
            raise _RefusalError(Status.LENGTH)
        *how, offset = INFER.unpack_from(body)
        request = self._request(*how)
        inputs = self._inputs
        if inputs.waiting:
            raise _RefusalError(Status.FULL)
        if offset != inputs.position:
            raise _RefusalError(Status.POSITION)
        levels = unpack_levels(body[INFER.size :])
        if levels is None or not inputs.add(levels):
            raise _RefusalError(Status.VALUE)
        if not inputs.waiting:
            return OFFSET.pack(inputs.position)
        self._start_presentation(request)
        spikes = self._spikes[: spikes_beside(sum(result_widths(self._widths).values()))]
        return b"".join(
            [STARTED.pack(self._started), self._known(), *itertools.starmap(SPIKE.pack, spikes)]
        )

    def _request(self, stop_after: int, flags: int, margin: int) -> Request:
        """Return how to present, unless the core can't."""
        request = Request(
            learn=bool(flags & 1), stop_after=stop_after, margin=margin, keep=bool(flags & 2)
        )
        if (
            flags > 3
            or request["learn"] > self.description.hardware.learn
            or margin > max_of(self._widths.score_bits)
        ):
            raise _RefusalError(Status.VALUE)
        self._check_idle()
        try:
            self._memories.engine()
        except StateError as e:
            raise _RefusalError(Status.VALUE) from e
        return request

    def _start_presentation(self, request: Request) -> None:
        self._running, self._result = request, None
        self._started = self._started + 1 & _COUNT_MASK
        self._go_on()

    def _go_on(self) -> None:
        """End the presentation that runs, if all that it shows is there."""
        if self._running is None or (stimulus := self._inputs.take()) is None:
            return
        shown = self._memories.present(stimulus, self._running)
        self._running = None
        self._spikes = list(
            zip(shown.spike_steps.tolist(), shown.spike_posts.tolist(), strict=True)
        )
        self._result = self._packed(shown)

    def _check_idle(self) -> None:
        if self._running is not None:
            raise _RefusalError(Status.BUSY)

    def _packed(self, shown: Presentation) -> bytes:
        undecided = shown.prediction == UNDECIDED
        values = counted(shown.counters, self.description.network)
        values |= {
            "prediction": 0 if undecided else shown.prediction,
            "undecided": int(undecided),
            "lead": shown.lead,
        }
        fields = result_widths(self._widths)
        return pack(fields, values).to_bytes(word_bytes(sum(fields.values())), "little")

    def _report(self, body: bytes) -> bytes:
        _check_length(body, 0)
        return self._known()

    def _spikes_from(self, body: bytes) -> bytes:
        _check_length(body, first_bytes(self.description.network.presentation_spikes()))
        self._known()
        first = int.from_bytes(body, "little")
        some = self._spikes[first : first + MAX_BODY // SPIKE.size]
        return b"".join(SPIKE.pack(*spike) for spike in some)

    def _known(self) -> bytes:
        self._check_idle()
        if self._result is None:
            raise _RefusalError(Status.NO_RESULT)
        return self._result

    def _condition(self, body: bytes) -> bytes:
        _check_length(body, 0)
        return Condition(
            running=self._running is not None,
            image=self._inputs.waiting,
            room=self._inputs.room,
            result=self._result is not None,
            broken=self._broken,
            position=self._inputs.position,
            started=self._started,
        ).pack()

    def _reset(self, body: bytes) -> bytes:
        _check_length(body, 0)
        self._inputs.clear()
        self._running = self._result = None
        self._spikes = []
        self._memories.forget_scores()
        # The number of the presentation is a register, not a memory.
        self._memories.write(Space.PRESENTATION, 0, [self._start.presentation])
        return b""


def _check_length(body: bytes, length: int) -> None:
    if len(body) != length:
        raise _RefusalError(Status.LENGTH)
