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
    MAX_BODY,
    OFFSET,
    PRESENT,
    READ_WRITE,
    SPIKE,
    Condition,
    Identity,
    Opcode,
    Status,
    first_bytes,
    word_bytes,
)

__all__ = ["DeviceError", "Requests"]


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

    def send(self, shown: bytes, first: int, *, events: bool = False) -> int:
        """Send levels, or items of events, from number ``first`` on; return how many were taken.

        They are all, unless there is no room.

        Parameters
        ----------
        shown : bytes
            Levels of an image; or items of a presentation, as of
            :func:`prunus_rtl.link.protocol.items.pack_items`.
        first : int
            How many of these were sent before.
        events : bool
            They are items.
        """
        opcode, size = (Opcode.EVENTS, ITEM_BYTES) if events else (Opcode.IMAGE, 1)
        total, mask = len(shown) // size, max_of(8 * OFFSET.size)
        offset, most = first, (MAX_BODY - OFFSET.size) // size
        while offset < total:
            part = shown[offset * size : (offset + most) * size]
            status, answer = self._link.ask(opcode, OFFSET.pack(offset & mask) + part)
            if status is Status.FULL:
                break
            if status is not Status.OK:
                raise RefusedError(self.name, opcode, status)
            offset += len(part) // size
            want = offset % total & mask
            if answer != OFFSET.pack(want):
                what = "items of a presentation" if events else "levels of an image"
                raise DeviceError(
                    f"Device at {self.name} must have {want} {what}, but answers {answer.hex(' ')}"
                )
        return offset - first

    def present(self, request: Request) -> None:
        """Start a presentation."""
        flags = request["learn"] | request["keep"] << 1
        body = PRESENT.pack(request["stop_after"], flags, request["margin"])
        self._answer(Opcode.PRESENT, body, 0)

    def result(self, bits: int) -> int:
        """Ask for the result of the last presentation: a word of so many bits."""
        return self._word(Opcode.RESULT, self._answer(Opcode.RESULT, b"", word_bytes(bits)), bits)

    def spikes(self, count: int, most: int) -> list[tuple[int, int]]:
        """Ask for that many output spikes of at most ``most``: step and position of each."""
        spikes: list[tuple[int, int]] = []
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

    def reset(self) -> None:
        """End a presentation, forget images, events and result."""
        self._answer(Opcode.RESET, b"", 0)

    def _word(self, opcode: Opcode, octets: bytes, bits: int) -> int:
        """Return a word; the bits that fill up its last byte are 0."""
        word = int.from_bytes(octets, "little")
        if word >> bits:
            raise DeviceError(
                f"Device at {self.name} must answer {opcode.name} with words of {bits} bits, "
                f"not {word:#x}"
            )
        return word

    def _answer(self, opcode: Opcode, body: bytes, size: int) -> bytes:
        answer = self._link.request(opcode, body)
        if len(answer) != size:
            raise DeviceError(
                f"Device at {self.name} must answer {opcode.name} with {size} bytes, "
                f"not {len(answer)}"
            )
        return answer
