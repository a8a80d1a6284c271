"""Requests and answers over a transport: framing, sequence numbers, repetition.

A request is repeated, unchanged, when its answer does not come or is broken. The device recognises
a repetition of what it carried out last and sends the answer again, as :mod:`protocol
<prunus_rtl.link.protocol.protocol>` has it: so this is safe for every request, not only for
idempotent ones, and no state needs to be asked for. What repetition can't mend is an error of one
line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

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

__all__ = ["REQUEST_SECONDS", "Frames", "Link", "RefusedError", "Seen"]

_SEQUENCES = 255
#: Seconds for all attempts of a request together, unless the patience of one is longer; and for
#: requests in a row that all had to be repeated.
REQUEST_SECONDS = 5.0
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


class Seen:
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
        self._come: deque[bytes] = deque()
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
        self._come.clear()

    def numbered(self, opcode: int, body: bytes) -> bytes:
        """Return a request with the next sequence number."""
        self._sequence = self._sequence % _SEQUENCES + 1
        return bytes([self._sequence, opcode]) + body

    def ask(self, opcode: int, body: bytes = b"", *, seconds: float = 0.0) -> tuple[Status, bytes]:
        """Send a request and return the answer: its status, and its body if that is OK.

        Parameters
        ----------
        opcode, body
            The request.
        seconds : float
            How long the device may be at it, if that is longer than it takes to answer. It is asked
            again in between, each time after twice as long.

        Raises
        ------
        TransportError
            If the device is gone, or does not answer as it should in any attempt.
        """
        request = self.numbered(opcode, body)
        frame = encode(request)
        seen = Seen()
        patience = self._transport.patience
        whole = self._transport.deadline(max(patience, REQUEST_SECONDS, seconds))
        attempts = 0
        # A further attempt only if there is time for all of it.
        while attempts < self._transport.attempts and not (attempts and whole.left < patience):
            self.repetitions += attempts > 0
            attempts += 1
            # Before the request is sent: a device that does not take it has been waited for.
            wait = min(patience * 2 ** (attempts - 1), whole.left) if seconds else patience
            deadline = self._transport.deadline(wait)
            self._transport.write(frame)
            answer = self.receive(request, deadline, seen)
            if answer is not None:
                self.check_pace(whole, seen, repeated=attempts > 1)
                return answer
        raise self.unanswered(opcode, attempts, seen)

    def unanswered(self, opcode: int, attempts: int, seen: Seen) -> TransportError:
        """Return what is said of a device that did not answer."""
        return TransportError(
            f"Device at {self._transport.name} must answer {_name(opcode)}, but did not in "
            f"{attempts} attempt{'s' if attempts > 1 else ''}: "
            f"{seen.text(self._transport.patience)}"
        )

    def check_pace(self, request: Deadline, seen: Seen, *, repeated: bool) -> None:
        """Give up a device that answers, but only when it is asked again, every time."""
        self._lost_seconds = self._lost_seconds + request.passed if repeated else 0.0
        if self._lost_seconds > request.seconds:
            raise TransportError(
                f"Device at {self._transport.name} must answer without being asked again, but did "
                f"not for {self._lost_seconds:.1f} s: {seen.text(self._transport.patience)}"
            )

    def request(self, opcode: Opcode, body: bytes = b"", *, seconds: float = 0.0) -> bytes:
        """Send a request that must succeed; return the body of the answer.

        Raises
        ------
        RefusedError
            If the device refuses it.
        TransportError
            As for :meth:`ask`.
        """
        status, answer = self.ask(opcode, body, seconds=seconds)
        if status is not Status.OK:
            raise RefusedError(self._transport.name, opcode, status)
        return answer

    def receive(
        self, request: bytes, deadline: Deadline, seen: Seen, *, later: Collection[bytes] = ()
    ) -> tuple[Status, bytes] | None:
        """Wait for the answer to a request; None if it must be repeated, with the reason in `seen`.

        So it must if the answer to one of ``later`` requests comes first.
        """
        late = False
        answer, again = self._look(request, seen, later)
        while answer is None and not again and not late:
            # Once more when it is too late, as this process may have been kept from running: so an
            # answer that has come is taken, and a device that is gone is told as such.
            left = deadline.left
            late = left == 0
            octets = self._transport.read(left)
            if not octets:
                break
            seen.feed(octets)
            self._come.extend(self._frames.feed(octets))
            answer, again = self._look(request, seen, later)
        return answer

    def _look(
        self, request: bytes, seen: Seen, later: Collection[bytes]
    ) -> tuple[tuple[Status, bytes] | None, bool]:
        """Look through the frames that have come: the answer, or whether it must be asked again."""
        again = False
        while self._come:
            try:
                message = decode(self._come.popleft())
            except ProtocolError as e:
                seen.note(f"an answer was broken ({e})")
                again = True
                continue
            seen.sound = True
            if message == BROKEN_RESPONSE:
                seen.note("the request arrived broken")
                again = True
            elif message[:2] == request[:2] and _is_answer(message):
                return (Status(message[2]), message[RESPONSE_HEADER:]), False
            elif message == request:
                seen.note("the request itself came back, as an echo")
            else:
                # Late: the answer to a request that has been given up, or repeated.
                seen.note(f"an answer to another request came (sequence {message[0]})")
                again |= any(message[:2] == other[:2] for other in later)
        return None, again


def _name(opcode: int) -> str:
    return Opcode(opcode).name if opcode in set(Opcode) else f"opcode {opcode}"


def _is_answer(message: bytes) -> bool:
    """Whether the status is known, and the body empty unless it is OK."""
    if len(message) < RESPONSE_HEADER or message[2] not in set(Status):
        return False
    return message[2] == Status.OK or len(message) == RESPONSE_HEADER
