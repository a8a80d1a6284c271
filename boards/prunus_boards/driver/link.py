"""Requests and answers over a transport: framing, sequence numbers, repetition.

A request is repeated, unchanged, when its answer does not come or is broken. The device recognises
a repetition of what it carried out last and sends the answer again, as :mod:`protocol
<prunus_rtl.link.protocol.protocol>` has it: so this is safe for every request, not only for
idempotent ones, and no state needs to be asked for. What repetition can't mend is an error of one
line.
"""

from __future__ import annotations

import time

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

__all__ = ["ATTEMPTS", "Frames", "Link", "RefusedError"]

#: How often a request is sent, unless asked otherwise.
ATTEMPTS = 5
_SEQUENCES = 255


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


class Link:
    """Asks a device, and takes no answer but that to the question.

    Parameters
    ----------
    transport : Transport
        Way to the device.
    attempts : int
        How often a request is sent before the device is given up.

    Attributes
    ----------
    repetitions : int
        Requests that had to be repeated so far.
    """

    def __init__(self, transport: Transport, *, attempts: int = ATTEMPTS) -> None:
        self._transport = transport
        self._attempts = attempts
        self._frames = Frames()
        self._sequence = 0
        self.repetitions = 0

    @property
    def transport(self) -> Transport:
        """Way to the device."""
        return self._transport

    def synchronise(self) -> None:
        """End whatever frame the device may be in, and forget what it has to say to that."""
        self._transport.write(bytes([DELIMITER]))
        while self._transport.read(0.02):
            pass
        self._frames = Frames()

    def ask(self, opcode: int, body: bytes = b"") -> tuple[Status, bytes]:
        """Send a request and return the answer: its status, and its body if that is OK.

        Raises
        ------
        TransportError
            If the device is gone, or does not answer as it should in any attempt.
        """
        self._sequence = self._sequence % _SEQUENCES + 1
        header = bytes([self._sequence, opcode])
        frame = encode(header + body)
        seen: dict[str, None] = {}
        for attempt in range(self._attempts):
            self.repetitions += attempt > 0
            self._transport.write(frame)
            answer = self._receive(header, seen)
            if answer is not None:
                return Status(answer[2]), answer[RESPONSE_HEADER:]
        why = "; ".join(seen) or f"nothing came in {self._transport.patience:g} s"
        raise TransportError(
            f"Device at {self._transport.name} must answer {_name(opcode)}, "
            f"but did not in {self._attempts} attempts: {why}"
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

    def _receive(self, header: bytes, seen: dict[str, None]) -> bytes | None:
        """Wait for the answer to a request; None if it must be repeated, with the reason."""
        deadline = time.monotonic() + self._transport.patience
        left = self._transport.patience
        while left > 0:
            # Once more when it is too late, as this process may have been kept from running: so an
            # answer that has come is taken, and a device that is gone is told as such.
            left = deadline - time.monotonic()
            octets = self._transport.read(max(left, 0.0))
            if not octets:
                break
            again = False
            for frame in self._frames.feed(octets):
                try:
                    message = decode(frame)
                except ProtocolError as e:
                    seen[f"an answer was broken ({e})"] = None
                    again = True
                    continue
                if message == BROKEN_RESPONSE:
                    seen["the request arrived broken"] = None
                    again = True
                elif message[:2] == header and _is_answer(message):
                    return message
                else:
                    # Late: the answer to a request that has been given up, or repeated.
                    seen[f"an answer to another request came (sequence {message[0]})"] = None
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
