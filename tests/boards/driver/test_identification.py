"""Which cores the driver works with, and answers that it refuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from prunus_boards.driver.device import Device
from prunus_devices import (
    LEARNING,
    PACKED,
    Tampering,
    golden,
    message,
    network,
    shown,
)
from prunus_model.common.errors import PrunusError
from prunus_rtl.link.protocol.protocol import Identity, Opcode, Status, decode, encode


def answering(change: Callable[[int, bytes], bytes], opcode: Opcode) -> str:
    """Return the message when the body of one kind of answer is another."""
    transport, core = golden(LEARNING)

    def come(octets: bytes) -> bytes:
        message = decode(octets.strip(b"\0")) if octets else b""
        if message[1:3] != bytes([opcode, Status.OK]):
            return octets
        return encode(message[:3] + change(message[0], message[3:]))

    def use() -> None:
        with Device(Tampering(transport, come=come), core=core) as one:
            one.attach(network())
            one.present(shown(1)[0])

    return message(use, PrunusError)


@pytest.mark.parametrize(
    ("opcode", "wrong", "text"),
    [
        (Opcode.RESULT, b"123", "must answer RESULT with 14 bytes, not 3"),
        (Opcode.READ, b"123", "must answer READ with 4 bytes, not 3"),
        (Opcode.SPIKES, b"1234", "must answer SPIKES with 3 spikes, not 0"),
        (Opcode.SPIKES, b"", "must answer SPIKES with 3 spikes, not 0"),
        (Opcode.IMAGE, b"\1\0", "must have 0 levels of an image, but answers 01 00"),
        (Opcode.STATUS, b"1", "Status must be 7 bytes, not 1"),
        (Opcode.IDENTIFY, b"PRUN\1", "Identity must be 64 bytes, not 5"),
    ],
)
def test_bodies_that_cannot_be_are_refused(opcode: Opcode, wrong: bytes, text: str) -> None:
    assert answering(lambda _sequence, _body: wrong, opcode).endswith(text)


def test_another_protocol_is_refused() -> None:
    text = answering(lambda _s, body: body[:4] + b"\2" + body[5:], Opcode.IDENTIFY)
    assert text == "Protocol must be version 1, not 2"


def test_something_else_at_the_line_is_refused() -> None:
    text = answering(lambda _s, body: b"HTTP" + body[4:], Opcode.IDENTIFY)
    assert text == "Identity must begin with b'PRUN', not b'HTTP'"


@pytest.mark.parametrize("name", ["lanes", "neurons", "inputs", "steps"])
def test_core_that_contradicts_its_description_is_refused(name: str) -> None:
    def change(_sequence: int, body: bytes) -> bytes:
        identity = Identity.unpack(body)
        return replace(identity, **{name: getattr(identity, name) + 1}).pack()

    want = {"lanes": 4, "neurons": 10, "inputs": 49, "steps": 16}[name]
    assert answering(change, Opcode.IDENTIFY) == (
        f"Device at golden must have {name} {want}, not {want + 1}"
    )


def test_another_core_is_refused_and_its_line_closed() -> None:
    line = Tampering(golden(LEARNING)[0])
    wrong, core = golden(LEARNING)[1], golden(PACKED)[1]
    text = message(lambda: Device(line, core=core))
    assert text == f"Device at golden must be core {core.digest.hex()}, not {wrong.digest.hex()}"
    assert line.closed


def test_core_is_found_among_those_built_here(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    transport, core = golden()
    text = message(lambda: Device(transport), PrunusError)
    assert text.startswith(f"Core {core.digest.hex()} must be known")
    core.register()
    with Device(transport) as one:
        assert one.core == core


def test_presentation_that_does_not_end_is_told() -> None:
    def running(_sequence: int, body: bytes) -> bytes:
        return bytes([body[0] | 1]) + body[1:]

    text = answering(running, Opcode.STATUS)
    assert text == "Device at golden must end a presentation in 0.01 s, but still runs"
