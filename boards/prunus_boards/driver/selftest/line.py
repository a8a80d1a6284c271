"""Test of the line: bytes there and back, and a broken frame that must be refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.link import Frames
from prunus_boards.driver.requests import Requests
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.result import FaultError, check_time
from prunus_rtl.link.protocol.protocol import (
    BROKEN_BITS,
    BROKEN_RESPONSE,
    IDENTITY_SPACE,
    READ_WRITE,
    Opcode,
    ProtocolError,
    decode,
    encode,
)
from prunus_rtl.link.protocol.records import Identity

__all__ = ["check_line"]

#: Bytes of the hash of a network, which are written and read back; and how often.
_BYTES, _ROUNDS = Identity.FORMAT.size - Identity.NETWORK_AT, 256
#: What the broken frame would write, and its broken byte.
_OCTET, _BROKEN = 0xA5, 0xA4


def check_line(
    requests: Requests, transport: CountingTransport, deadline: Deadline
) -> tuple[str, dict[str, Any]]:
    """Send bytes there and back in the place of the network's hash, and a frame with a wrong CRC.

    Every value of a byte comes in every place. The hash is put back afterwards. The device counts
    one more broken frame then.

    Returns
    -------
    text, figures
        What was tested, and bytes and repetitions.

    Raises
    ------
    FaultError
        If a byte comes back as another, a request has to be repeated, or the wrong CRC is taken.
    """
    before = requests.identify().network
    sent, received = transport.sent, transport.received
    repeated = requests.link.repetitions
    rng = np.random.default_rng(1)
    shift = rng.integers(0, 256, _BYTES)
    try:
        for k in range(_ROUNDS):
            check_time(deadline, f"{k} of {_ROUNDS} blocks of {_BYTES} bytes")
            block = bytes(((shift + k) % 256).tolist())
            requests.name_network(block)
            back = bytes(requests.read(IDENTITY_SPACE, 8, Identity.NETWORK_AT, _BYTES))
            if back != block:
                at = next(i for i, (a, b) in enumerate(zip(block, back, strict=True)) if a != b)
                raise FaultError(
                    f"block {k}: byte {at} was sent as {block[at]:#04x} and came back "
                    f"as {back[at]:#04x}"
                )
        _check_refusal(requests, transport, deadline)
    finally:
        requests.name_network(before)
    if requests.identify().network != before:
        raise FaultError("hash of the network could not be put back")
    figures = {
        "bytes_sent": transport.sent - sent,
        "bytes_received": transport.received - received,
        "repeated": requests.link.repetitions - repeated,
    }
    if figures["repeated"]:
        raise FaultError(
            f"{figures['repeated']} of {2 * _ROUNDS} requests had to be repeated, as frames came "
            f"broken or not at all: cable, baud rate, or another program at the port"
        )
    there, again = figures["bytes_sent"], figures["bytes_received"]
    return f"{there:,} bytes there, {again:,} back, wrong CRC refused", figures


def _check_refusal(requests: Requests, transport: CountingTransport, deadline: Deadline) -> None:
    """Send a frame with one wrong bit: it must be refused, counted, and not be carried out."""
    held, counted = requests.identify().network, requests.condition().broken
    body = READ_WRITE.pack(IDENTITY_SPACE, _BYTES, Identity.NETWORK_AT) + bytes([_OCTET]) * _BYTES
    message = requests.link.numbered(Opcode.WRITE, body)
    frame = bytearray(encode(message))
    frame[frame.index(_OCTET)] = _BROKEN
    transport.write(bytes(frame))
    answer = _first_frame(transport, deadline)
    if answer != BROKEN_RESPONSE:
        said = "nothing" if answer is None else answer.hex(" ")
        raise FaultError(f"frame with a wrong CRC must be answered BROKEN, not {said}")
    if requests.identify().network != held:
        raise FaultError("frame with a wrong CRC was refused and carried out nevertheless")
    more = (requests.condition().broken - counted) % (1 << BROKEN_BITS)
    if more != 1:
        raise FaultError(f"device must count 1 broken frame more, not {more}")


def _first_frame(transport: CountingTransport, deadline: Deadline) -> bytes | None:
    """Return the first message that comes; nothing if it is broken, or too late."""
    frames, wait = Frames(), transport.deadline(min(transport.patience, deadline.left))
    while octets := transport.read(wait.left):
        for found in frames.feed(octets):
            try:
                return decode(found)
            except ProtocolError:
                return None
        if wait.over:
            break
    return None
