"""Requests over lines that lose, corrupt and delay: carried out once, never answered wrongly."""

from collections.abc import Callable
from itertools import count, pairwise

import pytest

from prunus_boards.driver.link import Frames, Link, RefusedError
from prunus_boards.driver.transports.base import ATTEMPTS, Transport, TransportError
from prunus_devices import Tampering, golden, shown
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    BUFFER_BYTES,
    OFFSET,
    Opcode,
    ProtocolError,
    Status,
    decode,
    encode,
)
from prunus_rtl.link.protocol.records import Condition


class First:
    """Does something to the first bytes that pass, from the number `skip` on."""

    def __init__(self, change: Callable[[bytes], bytes], times: int = 1, *, skip: int = 0) -> None:
        self._change = change
        self._left = range(skip, skip + times)
        self._number = 0

    def __call__(self, octets: bytes) -> bytes:
        if not octets:
            return octets
        self._number += 1
        return self._change(octets) if self._number - 1 in self._left else octets


def flipped(octets: bytes) -> bytes:
    return octets[:3] + bytes([octets[3] ^ 4]) + octets[4:]


def lost(_octets: bytes) -> bytes:
    return b""


def shortened(octets: bytes) -> bytes:
    return octets[:4] + octets[5:]


def doubled(octets: bytes) -> bytes:
    return octets[:4] + octets[3:]


def torn(octets: bytes) -> bytes:
    return octets[:4] + b"\0" + octets[4:]


def unended(octets: bytes) -> bytes:
    return octets[:-1]


FAULTS = [flipped, lost, shortened, doubled, torn, unended]


def present(link: Link) -> Condition:
    """Show an image, and return how the device is then."""
    link.request(Opcode.IMAGE, OFFSET.pack(0) + shown(1).tobytes())
    link.request(Opcode.PRESENT, bytes(4))
    return Condition.unpack(link.request(Opcode.STATUS))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_corrupted_request_is_carried_out_once(fault: Callable[[bytes], bytes], skip: int) -> None:
    line = Tampering(golden()[0], sent=First(fault, skip=skip))
    link = Link(line)
    condition = present(link)
    assert (condition.started, condition.result, condition.image) == (1, True, False)
    assert link.repetitions >= 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_request_whose_answer_is_corrupted_is_carried_out_once(
    fault: Callable[[bytes], bytes], skip: int
) -> None:
    line = Tampering(golden()[0], come=First(fault, skip=skip))
    link = Link(line)
    condition = present(link)
    assert (condition.started, condition.result, condition.image) == (1, True, False)
    assert link.repetitions >= 1


def test_repetition_is_unchanged() -> None:
    line = Tampering(golden()[0], come=First(lost, 3))
    Link(line).request(Opcode.STATUS)
    assert len(line.frames) == 4
    assert len(set(line.frames)) == 1


@pytest.mark.parametrize("direction", ["sent", "come"])
def test_what_is_known_to_be_broken_is_repeated_without_waiting(direction: str) -> None:
    line = Tampering(golden()[0])
    setattr(line, direction, First(flipped))
    reads: list[bytes] = []
    corrupt = line.come

    def come(octets: bytes) -> bytes:
        reads.append(octets)
        return corrupt(octets)

    line.come = come
    Link(line).request(Opcode.STATUS)
    # One answer that tells it, and the one that counts; nothing is waited for between them.
    assert len(reads) == 2 and all(reads)


def test_sequence_differs_from_the_one_before_and_is_never_0() -> None:
    line = Tampering(golden()[0])
    link = Link(line)
    for _ in range(600):
        link.request(Opcode.STATUS)
    sequences = [decode(frame.strip(b"\0"))[0] for frame in line.frames]
    assert set(sequences) == set(range(1, 256))
    assert all(a != b for a, b in pairwise(sequences))


def test_late_answer_is_not_taken_for_that_of_another_request() -> None:
    line = Tampering(golden()[0])
    link = Link(line)
    status = link.request(Opcode.STATUS)
    identity = link.request(Opcode.IDENTIFY)
    # The answer to STATUS comes once more, before that to IDENTIFY.
    late = encode(bytes([1, Opcode.STATUS, Status.OK]) + status)
    line.come = First(lambda octets: late + octets)
    assert link.request(Opcode.IDENTIFY) == identity
    assert link.repetitions == 0


def test_answer_of_the_right_sequence_to_another_opcode_is_not_taken() -> None:
    line = Tampering(golden()[0])
    wrong = encode(bytes([1, Opcode.READ, Status.OK]) + b"wrong")
    line.come = First(lambda octets: wrong + octets)
    assert Condition.unpack(Link(line).request(Opcode.STATUS)).started == 0


def test_garbage_before_the_first_request_is_ended() -> None:
    transport = golden()[0]
    transport.write(b"\x07half of a frame")
    link = Link(transport)
    link.synchronise()
    assert transport.emulator._broken == 1
    assert transport.read(0) == b""
    assert Condition.unpack(link.request(Opcode.STATUS)).broken == 1
    assert link.repetitions == 0


SUSPECT = "is it another device, or has it another baud rate?"


def refusal(**faults: Callable[[bytes], bytes]) -> str:
    line = Tampering(golden()[0], **faults)
    with pytest.raises(TransportError) as caught:
        Link(line).request(Opcode.STATUS)
    assert len(line.frames) == ATTEMPTS
    return str(caught.value)


def test_no_answer_is_told() -> None:
    assert refusal(come=lost) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: nothing came in 0.01 s"
    )


def late(transport: Transport) -> Transport:
    """Let a minute pass between any two looks at the clock, as on a machine that is too busy."""
    clock = count(step=60.0)
    transport.clock = lambda: next(clock)
    return transport


def test_answer_that_came_while_the_host_did_not_run_is_taken() -> None:
    link = Link(late(golden()[0]))
    link.synchronise()
    assert Condition.unpack(link.request(Opcode.STATUS)).started == 0
    assert link.repetitions == 0


def test_what_came_while_the_host_did_not_run_is_forgotten() -> None:
    transport = late(golden()[0])
    transport.write(b"\x07half of a frame")
    link = Link(transport)
    link.synchronise()
    assert Condition.unpack(link.request(Opcode.STATUS)).broken == 1


def test_device_that_is_gone_while_the_host_did_not_run_is_told() -> None:
    def gone(_octets: bytes) -> bytes:
        raise TransportError("Device must stay connected")

    with pytest.raises(TransportError, match=r"^Device must stay connected$"):
        Link(late(Tampering(golden()[0], come=gone))).request(Opcode.STATUS)


def test_many_reasons_are_told_as_three() -> None:
    numbers = iter(range(2, 100))

    def renumbered(octets: bytes) -> bytes:
        return octets and b"".join(encode(bytes([next(numbers), 8, 0])) for _ in range(4))

    assert refusal(come=renumbered) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        "an answer to another request came (sequence 2); "
        "an answer to another request came (sequence 3); "
        "an answer to another request came (sequence 4); and 17 more"
    )


def test_bytes_that_are_no_frame_are_counted_and_shown() -> None:
    assert refusal(come=lambda octets: octets and b"\x41" * 1_000_000) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        f"5,000,000 bytes came, but no frame: 41 41 41 41 41 41 41 41 ...; {SUSPECT}"
    )
    assert refusal(come=lambda octets: octets and b"\0\0") == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        f"10 bytes came, but no frame: 00 00 00 00 00 00 00 00 ...; {SUSPECT}"
    )


def test_answers_with_a_wrong_crc_are_told() -> None:
    assert refusal(come=lambda octets: octets and flipped(octets)) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        f"an answer was broken (Frame must have the CRC of its message); {SUSPECT}"
    )


def test_echo_is_told() -> None:
    link = Link(transport := Tampering(golden()[0]))
    transport.come = lambda octets: octets and transport.frames[-1]
    with pytest.raises(TransportError) as caught:
        link.request(Opcode.STATUS)
    assert str(caught.value) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        "the request itself came back, as an echo"
    )


def test_requests_that_arrive_broken_are_told() -> None:
    assert refusal(sent=flipped) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: the request arrived broken"
    )


def test_answers_of_another_sequence_are_told() -> None:
    def renumbered(octets: bytes) -> bytes:
        if not octets:
            return octets
        message = decode(octets.strip(b"\0"))
        return encode(bytes([message[0] + 2]) + message[1:])

    assert refusal(come=renumbered) == (
        "Device at golden must answer STATUS, but did not in 5 attempts: "
        "an answer to another request came (sequence 3)"
    )


@pytest.mark.parametrize("answer", [bytes([1, 8]), bytes([1, 8, 99]), bytes([1, 8, 6, 1, 2])])
def test_answer_that_cannot_be_is_not_taken(answer: bytes) -> None:
    """Too short, of no known status, or with a body though it is a refusal."""
    refusal(come=lambda octets: octets and encode(answer))


def test_refusal_names_request_and_status() -> None:
    link = Link(golden()[0])
    with pytest.raises(RefusedError) as caught:
        link.request(Opcode.PRESENT, bytes(4))
    assert str(caught.value) == "Device at golden must accept PRESENT, not answer NO_IMAGE"
    assert (caught.value.opcode, caught.value.status) == (Opcode.PRESENT, Status.NO_IMAGE)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_are_cut_wherever_the_bytes_are(size: int) -> None:
    messages = [BROKEN_RESPONSE, bytes(range(1, 240)), bytes(200)]
    octets = b"\0" + b"".join(map(encode, messages)) + b"\0\0"
    frames = Frames()
    found = [
        frame for at in range(0, len(octets), size) for frame in frames.feed(octets[at : at + size])
    ]
    assert [decode(frame) for frame in found] == messages


def test_endless_frame_takes_no_memory_and_is_broken() -> None:
    frames = Frames()
    for _ in range(100):
        assert frames.feed(b"\1" * 100) == []
    (frame,) = frames.feed(b"\0")
    assert len(frame) <= BUFFER_BYTES + 2
    with pytest.raises(ProtocolError):
        decode(frame)
    whole = encode(BROKEN_RESPONSE)
    assert frames.feed(whole) == [whole.strip(b"\0")]
