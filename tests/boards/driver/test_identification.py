"""Which cores the driver works with, and answers that it refuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from prunus_boards.driver.device import Device
from prunus_devices import LEARNING, PACKED, Tampering, golden, message, network, shown
from prunus_events import event_network, shown_events
from prunus_model.common.errors import PrunusError
from prunus_rtl.core.result import pack, result_widths, unpack
from prunus_rtl.link.protocol.protocol import (
    SPIKE,
    STARTED,
    Opcode,
    Status,
    decode,
    encode,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Identity


def answering(change: Callable[[int, bytes], bytes], opcode: Opcode) -> str:
    """Return the message when the body of one kind of answer is another."""
    by_events = opcode in (Opcode.RESULT, Opcode.SPIKES, Opcode.EVENTS)
    artifact = event_network() if by_events else network()
    transport, core = golden(LEARNING, artifact)

    def come(octets: bytes) -> bytes:
        message = decode(octets.strip(b"\0")) if octets else b""
        if message[1:3] != bytes([opcode, Status.OK]):
            return octets
        return encode(message[:3] + change(message[0], message[3:]))

    def use() -> None:
        with Device(Tampering(transport, come=come), core=core) as one:
            one.attach(artifact)
            list(one.present_many(shown_events(1) if by_events else shown(1)))

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
        (Opcode.INFER, b"123", "must answer INFER with 17 bytes and spikes of 3, not with 3 bytes"),
        (Opcode.INFER, b"\xff" * 17, f"words of 117 bits, not 0x{'ff' * 15}"),
        (Opcode.EVENTS, b"\1\0", " items of a presentation, but answers 01 00"),
        (Opcode.STATUS, b"1", "Status must be 7 bytes, not 1"),
        (Opcode.IDENTIFY, b"PRUN\3", "Identity must be 64 bytes, not 5"),
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
    text = answering(inferred({field: value, "undecided": 0}), Opcode.INFER)
    assert text == f"Device at golden must tell a result that has {said}"


def inferred(changes: dict[str, int]) -> Callable[[int, bytes], bytes]:
    """Change fields of the result in an answer to INFER; as many output spikes as it says."""
    widths = result_widths(golden(LEARNING)[1].widths)
    begin, end = STARTED.size, STARTED.size + word_bytes(sum(widths.values()))

    def change(_sequence: int, body: bytes) -> bytes:
        values = unpack(widths, int.from_bytes(body[begin:end], "little")) | changes
        spikes = body[end:].ljust(values["output_spikes"] * SPIKE.size, b"\0")
        return body[:begin] + pack(widths, values).to_bytes(end - begin, "little") + spikes

    return change


def test_lead_of_an_undecided_image_is_told() -> None:
    text = answering(inferred({"undecided": 1, "lead": 3}), Opcode.INFER)
    assert text == "Device at golden must tell a result that has lead in 0..0, not 3"


def test_another_protocol_is_refused() -> None:
    text = answering(lambda _s, body: body[:4] + b"\2" + body[5:], Opcode.IDENTIFY)
    assert text == "Protocol must be version 3, not 2"


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
