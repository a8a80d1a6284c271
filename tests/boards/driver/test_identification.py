"""Which cores the driver works with, and answers that it refuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from prunus_boards.driver.device import Device
from prunus_devices import LEARNING, PACKED, Tampering, golden, message, network, shown
from prunus_model.common.errors import PrunusError
from prunus_rtl.core.result import pack, result_widths, unpack
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
        (Opcode.RESULT, b"123", "must answer RESULT with 15 bytes, not 3"),
        (Opcode.RESULT, b"\xff" * 15, f"words of 117 bits, not 0x{'ff' * 15}"),
        (Opcode.READ, b"123", "must answer READ with 4 bytes, not 3"),
        (Opcode.SPIKES, b"1234", "3 spikes of 3 bytes, not 0 and then 4 bytes"),
        (
            Opcode.SPIKES,
            b"\1\0\0\2\0\0\3\0\0\4\0\0",
            "3 spikes of 3 bytes, not 0 and then 12 bytes",
        ),
        (Opcode.SPIKES, b"", "must answer SPIKES with 3 spikes of 3 bytes, not 0 and then 0 bytes"),
        (Opcode.IMAGE, b"\1\0", "must have 0 levels of an image, but answers 01 00"),
        (Opcode.STATUS, b"1", "Status must be 7 bytes, not 1"),
        (Opcode.IDENTIFY, b"PRUN\2", "Identity must be 64 bytes, not 5"),
    ],
)
def test_bodies_that_cannot_be_are_refused(opcode: Opcode, wrong: bytes, text: str) -> None:
    assert answering(lambda _sequence, _body: wrong, opcode).endswith(text)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps", 15, "steps in 16..16, not 15"),
        ("steps", 17, "steps in 16..16, not 17"),
        ("inhibited_steps", 17, "inhibited_steps in 0..16, not 17"),
        ("input_spikes", 785, "input_spikes in 0..784, not 785"),
        ("output_spikes", 17, "output_spikes in 0..16, not 17"),
        ("prediction", 10, "prediction in -1..9, not 10"),
        ("pruned", 1, "pruned in 0..0, not 1"),
        ("update_sops", 1, "update_sops in 0..0, not 1"),
    ],
)
def test_result_that_no_presentation_gives_is_told(field: str, value: int, said: str) -> None:
    widths = result_widths(golden(LEARNING)[1].widths)

    def changed(_sequence: int, body: bytes) -> bytes:
        values = unpack(widths, int.from_bytes(body, "little")) | {field: value, "undecided": 0}
        return pack(widths, values).to_bytes(len(body), "little")

    text = answering(changed, Opcode.RESULT)
    assert text == f"Device at golden must tell a result that has {said}"


def test_lead_of_an_undecided_image_is_told() -> None:
    widths = result_widths(golden(LEARNING)[1].widths)

    def changed(_sequence: int, body: bytes) -> bytes:
        values = unpack(widths, int.from_bytes(body, "little")) | {"undecided": 1, "lead": 3}
        return pack(widths, values).to_bytes(len(body), "little")

    text = answering(changed, Opcode.RESULT)
    assert text == "Device at golden must tell a result that has lead in 0..0, not 3"


def test_another_protocol_is_refused() -> None:
    text = answering(lambda _s, body: body[:4] + b"\3" + body[5:], Opcode.IDENTIFY)
    assert text == "Protocol must be version 2, not 3"


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
