"""What can be asked of a device: bodies of requests and answers, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

from prunus_boards.driver.link import Link, RefusedError
from prunus_boards.driver.transports.base import Transport
from prunus_model.common.errors import PrunusError
from prunus_model.spec.formats import max_of
from prunus_model.spec.presentation import Request
from prunus_rtl.link.protocol.items import ITEM_BYTES
from prunus_rtl.link.protocol.protocol import (
    IDENTITY_SPACE,
    INFER,
    MAX_BODY,
    OFFSET,
    PRESENT,
    READ_WRITE,
    SPIKE,
    STARTED,
    Opcode,
    Status,
    first_bytes,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Condition, Identity
from prunus_rtl.link.protocol.runs import pack_levels

__all__ = ["DeviceError", "Requests"]


#: Hash of no network.
NO_NETWORK = bytes(32)


class DeviceError(PrunusError):
    """The device is not what it should be, or does not do what it should."""


class Requests:
    """Requests to a device. Long ones are cut into as many as it takes.

    Every method raises :class:`prunus_boards.driver.transports.base.TransportError` if the device
    does not answer or refuses, and :class:`DeviceError` if its answer can't be.

    Parameters
    ----------
    transport : Transport
        Way to the device.
    """

    def __init__(self, transport: Transport) -> None:
        self._link = Link(transport)

    @property
    def link(self) -> Link:
        """Link to the device."""
        return self._link

    @property
    def name(self) -> str:
        """Where the device is, for messages."""
        return self._link.transport.name

    def identify(self) -> Identity:
        """Ask what it is."""
        return Identity.unpack(self._link.request(Opcode.IDENTIFY))

    def name_network(self, network: bytes) -> None:
        """Tell it the hash of the network that it holds."""
        head = READ_WRITE.pack(IDENTITY_SPACE, len(network), Identity.NETWORK_AT)
        self._answer(Opcode.WRITE, head + network, 0)

    def read(self, space: int, bits: int, first: int, count: int) -> list[int]:
        """Read words of so many bits."""
        words: list[int] = []
        size = word_bytes(bits)
        most = MAX_BODY // size
        for start in range(0, count, most):
            n = min(most, count - start)
            body = READ_WRITE.pack(space, n, first + start)
            answer = self._answer(Opcode.READ, body, n * size)
            words += [
                self._word(Opcode.READ, answer[k : k + size], bits)
                for k in range(0, n * size, size)
            ]
        return words

    def write(self, space: int, bits: int, first: int, words: Sequence[int]) -> None:
        """Write words of so many bits."""
        size = word_bytes(bits)
        most = (MAX_BODY - READ_WRITE.size) // size
        for start in range(0, len(words), most):
            some = words[start : start + most]
            body = b"".join(word.to_bytes(size, "little") for word in some)
            head = READ_WRITE.pack(space, len(some), first + start)
            self._answer(Opcode.WRITE, head + body, 0)

    def send(self, items: bytes, first: int) -> int:
        """Send items of a presentation, from number ``first`` on; return how many were taken.

        They are all, unless there is no room.

        Parameters
        ----------
        items : bytes
            As of :func:`prunus_rtl.link.protocol.items.pack_items`.
        first : int
            How many of these were sent before.
        """
        total, mask = len(items) // ITEM_BYTES, max_of(8 * OFFSET.size)
        offset, most = first, (MAX_BODY - OFFSET.size) // ITEM_BYTES
        while offset < total:
            part = items[offset * ITEM_BYTES : (offset + most) * ITEM_BYTES]
            status, answer = self._link.ask(Opcode.EVENTS, OFFSET.pack(offset & mask) + part)
            if status is Status.FULL:
                break
            if status is not Status.OK:
                raise RefusedError(self.name, Opcode.EVENTS, status)
            offset += len(part) // ITEM_BYTES
            self.check_position(answer, offset % total & mask, "items of a presentation")
        return offset - first

    def check_position(self, answer: bytes, want: int, what: str) -> None:
        """Check the answer to a part of an image or of a presentation."""
        if answer != OFFSET.pack(want):
            raise DeviceError(
                f"Device at {self.name} must have {want} {what}, but answers {answer.hex(' ')}"
            )

    @staticmethod
    def parts(levels: bytes, request: Request) -> list[bytes]:
        """Return the bodies of the INFER requests that show an image."""
        how = _how(request)
        parts = pack_levels(levels, MAX_BODY - INFER.size)
        return [INFER.pack(*how, offset) + code for offset, code in parts]

    def shown(self, answer: bytes, bits: int) -> tuple[int, int, list[tuple[int, int]]]:
        """Take the answer to the last part of an image apart.

        Parameters
        ----------
        answer : bytes
            Its body.
        bits : int
            Bits of a result.

        Returns
        -------
        started, result : int
            Presentations since power-on, and the result.
        spikes : list of tuple of int
            The first output spikes: step and position of each.
        """
        at = STARTED.size + word_bytes(bits)
        if len(answer) < at or (len(answer) - at) % SPIKE.size:
            raise DeviceError(
                f"Device at {self.name} must answer INFER with {at} bytes and spikes of "
                f"{SPIKE.size}, not with {len(answer)} bytes"
            )
        result = self._word(Opcode.INFER, answer[STARTED.size : at], bits)
        (started,) = STARTED.unpack_from(answer)
        return started, result, list(SPIKE.iter_unpack(answer[at:]))

    def present(self, request: Request) -> None:
        """Start a presentation."""
        self._answer(Opcode.PRESENT, PRESENT.pack(*_how(request)), 0)

    def result(self, bits: int) -> int:
        """Ask for the result of the last presentation: a word of so many bits."""
        return self._word(Opcode.RESULT, self._answer(Opcode.RESULT, b"", word_bytes(bits)), bits)

    def spikes(
        self, count: int, most: int, *, known: Sequence[tuple[int, int]] = ()
    ) -> list[tuple[int, int]]:
        """Ask for that many output spikes of at most ``most``, but those that are known.

        Each is step and position.
        """
        spikes = list(known)
        while len(spikes) < count:
            first = len(spikes).to_bytes(first_bytes(most), "little")
            body = self._link.request(Opcode.SPIKES, first)
            here, rest = divmod(len(body), SPIKE.size)
            if not here or rest or len(spikes) + here > count:
                raise DeviceError(
                    f"Device at {self.name} must answer SPIKES with {count} spikes of "
                    f"{SPIKE.size} bytes, not {len(spikes)} and then {len(body)} bytes"
                )
            spikes += [(step, post) for step, post in SPIKE.iter_unpack(body)]
        return spikes

    def condition(self) -> Condition:
        """Ask how it is."""
        return Condition.unpack(self._link.request(Opcode.STATUS))

    def reset(self, *, seconds: float = 0.0) -> None:
        """End a presentation, forget images, events and result.

        A device that shows an image by INFER does so at the end of that, in so many seconds.
        """
        self._answer(Opcode.RESET, b"", 0, seconds=seconds)

    def _word(self, opcode: Opcode, octets: bytes, bits: int) -> int:
        """Return a word; the bits that fill up its last byte are 0."""
        word = int.from_bytes(octets, "little")
        if word >> bits:
            raise DeviceError(
                f"Device at {self.name} must answer {opcode.name} with words of {bits} bits, "
                f"not {word:#x}"
            )
        return word

    def _answer(self, opcode: Opcode, body: bytes, size: int, *, seconds: float = 0.0) -> bytes:
        answer = self._link.request(opcode, body, seconds=seconds)
        if len(answer) != size:
            raise DeviceError(
                f"Device at {self.name} must answer {opcode.name} with {size} bytes, "
                f"not {len(answer)}"
            )
        return answer


def _how(request: Request) -> tuple[int, int, int]:
    """Return how something is shown, as PRESENT and INFER have it."""
    return request["stop_after"], request["learn"] | request["keep"] << 1, request["margin"]
