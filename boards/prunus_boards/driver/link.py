"""Requests and answers over a transport: framing, sequence numbers, repetition.

A request is repeated, unchanged, when its answer does not come or is broken. The device recognises
a repetition of what it carried out last and sends the answer again, as :mod:`protocol
<prunus_rtl.link.protocol.protocol>` has it: so this is safe for every request, not only for
idempotent ones, and no state needs to be asked for. What repetition can't mend is an error of one
line.
"""

from __future__ import annotations

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.transports.base import Transport, TransportError
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    BUFFER_BYTES,
    DELIMITER,
    RESPONSE_HEADER,
    Opcode,
    ProtocolError,
    Status,
    decode,
    encode,
)

__all__ = ["Frames", "Link", "RefusedError"]

_SEQUENCES = 255
#: Seconds for all attempts of a request together, unless the patience of one is longer; and for
#: requests in a row that all had to be repeated.
_REQUEST_SECONDS = 5.0
#: Seconds of silence after which a line has nothing to say without being asked.
_SILENCE = 0.02
#: Reasons that the message about a missing answer gives.
_REASONS = 3
#: Bytes of what came that it shows.
_SHOWN = 8
_SUSPECT = "is it another device, or has it another baud rate?"


class RefusedError(TransportError):
    """The device has refused a request.

    Attributes
    ----------
    opcode, status
        What was asked for, and the answer.
    """

    def __init__(self, name: str, opcode: Opcode, status: Status) -> None:
        self.opcode = opcode
        self.status = status
        super().__init__(f"Device at {name} must accept {opcode.name}, not answer {status.name}")


class Frames:
    """Cuts a stream of bytes into frames.

    Bytes between two delimiters are a frame; a frame longer than any that can be whole is dropped.
    """

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, octets: bytes) -> list[bytes]:
        """Take bytes; return the frames that they complete, without delimiters."""
        found = []
        for octet in octets:
            if octet == DELIMITER:
                if self._begun:
                    # A frame that is too long is broken, and told as such by its length.
                    found.append(bytes(self._begun))
                self._begun.clear()
            elif len(self._begun) <= BUFFER_BYTES + 1:
                self._begun.append(octet)
        return found


class _Seen:
    """What came instead of an answer.

    Attributes
    ----------
    sound : bool
        Whether anything of that was a whole message.
    """

    def __init__(self) -> None:
        self.octets = 0
        self.sound = False
        self.first = b""
        self.reasons: dict[str, None] = {}

    def feed(self, octets: bytes) -> None:
        """Count what came."""
        self.octets += len(octets)
        self.first = (self.first + octets[:_SHOWN])[:_SHOWN]

    def note(self, reason: str) -> None:
        """Remember why something was not taken."""
        self.reasons[reason] = None

    def text(self, patience: float) -> str:
        """Return it in words for a person."""
        if not self.octets:
            return f"nothing came in {patience:g} s"
        reasons = list(self.reasons)
        if reasons:
            more = f"; and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
            found = "; ".join(reasons[:_REASONS]) + more
        else:
            more = " ..." if self.octets > len(self.first) else ""
            found = f"{self.octets:,} bytes came, but no frame: {self.first.hex(' ')}{more}"
        return found if self.sound else f"{found}; {_SUSPECT}"


class Link:
    """Asks a device, and takes no answer but that to the question.

    Parameters
    ----------
    transport : Transport
        Way to the device.

    Attributes
    ----------
    repetitions : int
        Requests that had to be repeated so far.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._frames = Frames()
        self._sequence = 0
        self._lost_seconds = 0.0
        self.repetitions = 0

    @property
    def transport(self) -> Transport:
        """Way to the device."""
        return self._transport

    def synchronise(self) -> None:
        """End whatever frame the device may be in, and forget what it has to say to that.

        Raises
        ------
        TransportError
            If it does not stop talking, or is gone.
        """
        deadline = self._transport.deadline(self._transport.patience)
        self._transport.write(bytes([DELIMITER]))
        came, late = 0, False
        while octets := self._transport.read(_SILENCE):
            came += len(octets)
            # Once more when it is too late, as this process may have been kept from running.
            if late:
                raise TransportError(
                    f"Device at {self._transport.name} must be silent until it is asked, but sent "
                    f"{came:,} bytes in {deadline.seconds:g} s: {_SUSPECT}"
                )
            late = deadline.over
        self._frames = Frames()

    def ask(self, opcode: int, body: bytes = b"") -> tuple[Status, bytes]:
        """Send a request and return the answer: its status, and its body if that is OK.

        Raises
        ------
        TransportError
            If the device is gone, or does not answer as it should in any attempt.
        """
        self._sequence = self._sequence % _SEQUENCES + 1
        request = bytes([self._sequence, opcode]) + body
        frame = encode(request)
        seen = _Seen()
        patience = self._transport.patience
        whole = self._transport.deadline(max(patience, _REQUEST_SECONDS))
        attempts = 0
        # A further attempt only if there is time for all of it.
        while attempts < self._transport.attempts and not (attempts and whole.left < patience):
            self.repetitions += attempts > 0
            attempts += 1
            # Before the request is sent: a device that does not take it has been waited for.
            deadline = self._transport.deadline(patience)
            self._transport.write(frame)
            answer = self._receive(request, deadline, seen)
            if answer is not None:
                self._check_pace(whole, seen, repeated=attempts > 1)
                return Status(answer[2]), answer[RESPONSE_HEADER:]
        raise TransportError(
            f"Device at {self._transport.name} must answer {_name(opcode)}, but did not in "
            f"{attempts} attempt{'s' if attempts > 1 else ''}: {seen.text(patience)}"
        )

    def _check_pace(self, request: Deadline, seen: _Seen, *, repeated: bool) -> None:
        """Give up a device that answers, but only when it is asked again, every time."""
        self._lost_seconds = self._lost_seconds + request.passed if repeated else 0.0
        if self._lost_seconds > request.seconds:
            raise TransportError(
                f"Device at {self._transport.name} must answer without being asked again, but did "
                f"not for {self._lost_seconds:.1f} s: {seen.text(self._transport.patience)}"
            )

    def request(self, opcode: Opcode, body: bytes = b"") -> bytes:
        """Send a request that must succeed; return the body of the answer.

        Raises
        ------
        RefusedError
            If the device refuses it.
        TransportError
            As for :meth:`ask`.
        """
        status, answer = self.ask(opcode, body)
        if status is not Status.OK:
            raise RefusedError(self._transport.name, opcode, status)
        return answer

    def _receive(self, request: bytes, deadline: Deadline, seen: _Seen) -> bytes | None:
        """Wait for the answer to a request; None if it must be repeated, with the reason."""
        late = False
        while not late:
            # Once more when it is too late, as this process may have been kept from running: so an
            # answer that has come is taken, and a device that is gone is told as such.
            left = deadline.left
            late = left == 0
            octets = self._transport.read(left)
            if not octets:
                break
            seen.feed(octets)
            again = False
            for frame in self._frames.feed(octets):
                try:
                    message = decode(frame)
                except ProtocolError as e:
                    seen.note(f"an answer was broken ({e})")
                    again = True
                    continue
                seen.sound = True
                if message == BROKEN_RESPONSE:
                    seen.note("the request arrived broken")
                    again = True
                elif message[:2] == request[:2] and _is_answer(message):
                    return message
                elif message == request:
                    seen.note("the request itself came back, as an echo")
                else:
                    # Late: the answer to a request that has been given up, or repeated.
                    seen.note(f"an answer to another request came (sequence {message[0]})")
            if again:
                return None
        return None


def _name(opcode: int) -> str:
    return Opcode(opcode).name if opcode in set(Opcode) else f"opcode {opcode}"


def _is_answer(message: bytes) -> bool:
    """Whether the status is known, and the body empty unless it is OK."""
    if len(message) < RESPONSE_HEADER or message[2] not in set(Status):
        return False
    return message[2] == Status.OK or len(message) == RESPONSE_HEADER
