"""Every opcode and every status of the emulated device, in bytes."""

import struct
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from prunus_boards.driver.transports.emulator import Emulator
from prunus_devices import LEARNING, PACKED, network, shown
from prunus_model.engine.engine import Engine
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    IDENTITY_SPACE,
    Opcode,
    Status,
    decode,
    encode,
)
from prunus_rtl.link.protocol.records import Condition, Identity

HASH = bytes.fromhex(network().content_hash)


class Host:
    """Asks without any retry."""

    def __init__(self, options: ExportOptions = LEARNING) -> None:
        self.plan = link_plan(network(), options)
        self.emulator = Emulator(self.plan, clock_hz=12_000_000)
        self.sequence = 0

    def ask(self, opcode: int, body: bytes = b"") -> tuple[Status, bytes]:
        self.sequence = self.sequence % 255 + 1
        answer = self.raw(encode(bytes([self.sequence, opcode]) + body))
        assert answer[:2] == bytes([self.sequence, opcode])
        return Status(answer[2]), answer[3:]

    def raw(self, octets: bytes) -> bytes:
        (frame,) = [f for f in self.emulator.feed(octets).split(b"\0") if f]
        return decode(frame)

    def read(self, space: int, count: int, first: int) -> tuple[Status, bytes]:
        return self.ask(Opcode.READ, struct.pack("<BBI", space, count, first))

    def write(self, space: int, first: int, words: bytes, count: int) -> Status:
        status, body = self.ask(Opcode.WRITE, struct.pack("<BBI", space, count, first) + words)
        assert body == b""
        return status

    def image(self, offset: int, levels: Sequence[int]) -> tuple[Status, bytes]:
        return self.ask(Opcode.IMAGE, struct.pack("<H", offset) + bytes(levels))

    def condition(self) -> Condition:
        status, body = self.ask(Opcode.STATUS)
        assert status is Status.OK
        return Condition.unpack(body)


@pytest.fixture
def host() -> Host:
    return Host()


def test_identity_tells_core_and_network(host: Host) -> None:
    status, body = host.ask(Opcode.IDENTIFY)
    assert status is Status.OK
    identity = Identity.unpack(body)
    assert identity == host.emulator.description.identity(HASH)
    assert (identity.neurons, identity.inputs, identity.steps, identity.lanes) == (10, 49, 16, 4)
    assert (identity.learn, identity.clock_hz) == (True, 12_000_000)


def test_hash_can_be_written_and_the_rest_of_the_identity_not(host: Host) -> None:
    assert host.write(IDENTITY_SPACE, 32, bytes(32), 32) is Status.OK
    assert Identity.unpack(host.ask(Opcode.IDENTIFY)[1]).network == bytes(32)
    assert host.write(IDENTITY_SPACE, 40, b"\x11\x22", 2) is Status.OK
    assert host.read(IDENTITY_SPACE, 4, 39) == (Status.OK, b"\0\x11\x22\0")
    before = host.ask(Opcode.IDENTIFY)
    assert host.write(IDENTITY_SPACE, 31, b"\x11\x22", 2) is Status.ADDRESS
    assert host.write(IDENTITY_SPACE, 63, b"\x11\x22", 2) is Status.ADDRESS
    assert host.read(IDENTITY_SPACE, 2, 63) == (Status.ADDRESS, b"")
    assert host.ask(Opcode.IDENTIFY) == before


def test_words_are_read_and_written(host: Host) -> None:
    theta = host.plan.state.theta
    status, body = host.read(Space.THETA, 10, 0)
    assert status is Status.OK
    assert [int.from_bytes(body[k : k + 3], "little") for k in range(0, 30, 3)] == theta.tolist()
    assert host.write(Space.THETA, 8, b"\1\2\3\4\5\6", 2) is Status.OK
    assert host.read(Space.THETA, 3, 7)[1] == int(theta[7]).to_bytes(3, "little") + bytes(
        [1, 2, 3, 4, 5, 6]
    )


@pytest.mark.parametrize(
    ("space", "first", "count"),
    [(Space.THETA, 9, 2), (Space.THETA, 1 << 24, 1), (Space.SYNAPSES, 8, 3), (13, 0, 1)],
)
def test_words_that_do_not_exist_are_refused_all_or_none(
    host: Host, space: int, first: int, count: int
) -> None:
    before = host.emulator._memories.words
    before = {name: words.copy() for name, words in before.items()}
    assert host.read(space, count, first) == (Status.ADDRESS, b"")
    size = 2 if space == Space.SYNAPSES else 3
    assert host.write(space, first, bytes([1] * (size * count)), count) is Status.ADDRESS
    after = host.emulator._memories.words
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_counts_and_lengths_of_words_are_checked(host: Host) -> None:
    assert host.read(Space.THETA, 0, 0)[0] is Status.VALUE
    assert host.write(Space.THETA, 0, b"", 0) is Status.VALUE
    assert host.write(Space.THETA, 0, b"\1\2\3\4", 1) is Status.LENGTH
    assert host.write(Space.THETA, 0, b"\1\2", 1) is Status.LENGTH


def test_words_are_looked_for_before_they_are_too_many(host: Host) -> None:
    """100 votes of a byte each are less than fit; those of a larger core are more."""
    assert host.read(Space.VOTES, 100, 0)[0] is Status.OK
    assert host.read(Space.VOTES, 101, 0)[0] is Status.ADDRESS
    assert host.write(Space.VOTES, 0, bytes(99), 100) is Status.LENGTH
    assert host.write(Space.VOTES, 0, bytes(99), 101) is Status.ADDRESS
    large = Host(ExportOptions(lanes=1, store="dense"))
    assert large.read(Space.STORE, 120, 0)[0] is Status.OK
    assert large.read(Space.STORE, 121, 0)[0] is Status.VALUE
    assert large.read(Space.STORE, 121, 369)[0] is Status.VALUE
    assert large.read(Space.STORE, 121, 370)[0] is Status.ADDRESS
    assert large.write(Space.STORE, 0, bytes(200), 121) is Status.LENGTH


@pytest.mark.parametrize(
    ("opcode", "body"),
    [
        (Opcode.IDENTIFY, b"x"),
        (Opcode.READ, b"12345"),
        (Opcode.READ, b"1234567"),
        (Opcode.WRITE, b"12345"),
        (Opcode.IMAGE, b""),
        (Opcode.IMAGE, b"\0\0"),
        (Opcode.INFER, b""),
        (Opcode.INFER, bytes(6)),
        (Opcode.PRESENT, b"\0"),
        (Opcode.PRESENT, b"\0\0\0\0\0"),
        (Opcode.RESULT, b"x"),
        (Opcode.SPIKES, b""),
        (Opcode.SPIKES, b"\0\0"),
        (Opcode.STATUS, b"x"),
        (Opcode.RESET, b"x"),
    ],
)
def test_wrong_lengths_are_refused(host: Host, opcode: Opcode, body: bytes) -> None:
    assert host.ask(opcode, body) == (Status.LENGTH, b"")


@pytest.mark.parametrize("opcode", [0, 10, 255])
def test_unknown_opcodes_are_refused(host: Host, opcode: int) -> None:
    assert host.ask(opcode, b"anything") == (Status.OPCODE, b"")


def test_image_comes_in_parts_and_two_fit(host: Host) -> None:
    levels = shown(1)[0].tolist()
    assert host.image(1, levels[:5]) == (Status.POSITION, b"")
    assert host.image(0, levels[:20]) == (Status.OK, b"\x14\0")
    assert host.condition().position == 20
    assert host.image(0, levels[:5]) == (Status.POSITION, b"")
    assert host.image(20, [*levels[20:], 1]) == (Status.VALUE, b"")
    assert host.ask(Opcode.PRESENT, b"\0\0\0\0") == (Status.NO_IMAGE, b"")
    assert host.image(20, levels[20:]) == (Status.OK, b"\0\0")
    condition = host.condition()
    assert (condition.image, condition.room, condition.position) == (True, True, 0)
    assert host.image(0, levels) == (Status.OK, b"\0\0")
    assert not host.condition().room
    assert host.image(0, levels) == (Status.FULL, b"")


def test_presentation_is_that_of_the_engine(host: Host) -> None:
    (levels,) = shown(1)
    assert host.ask(Opcode.RESULT) == (Status.NO_RESULT, b"")
    assert host.ask(Opcode.SPIKES, b"\0") == (Status.NO_RESULT, b"")
    host.image(0, levels.tolist())
    assert host.ask(Opcode.PRESENT, b"\0\1\0\0") == (Status.OK, b"")
    engine = Engine(network().config, host.plan.state, host.plan.votes)
    expected = engine.present(levels, learn=True)
    spikes = zip(expected.spike_steps.tolist(), expected.spike_posts.tolist(), strict=True)
    want = b"".join(struct.pack("<BH", *spike) for spike in spikes)
    assert len(want) >= 6
    assert host.ask(Opcode.SPIKES, b"\0") == (Status.OK, want)
    assert host.ask(Opcode.SPIKES, b"\1") == (Status.OK, want[3:])
    assert host.ask(Opcode.SPIKES, b"\xff") == (Status.OK, b"")
    status, result = host.ask(Opcode.RESULT)
    # Class in 4 bits, `undecided`, the lead in 12, steps in 5; cycles, which are last, are 0.
    word = int.from_bytes(result, "little")
    assert status is Status.OK
    assert word >> 5 & 4095 == expected.lead
    assert word >> 17 & 31 == expected.counters.steps == 16
    assert host.ask(Opcode.RESULT) == (Status.OK, result)
    condition = host.condition()
    assert (condition.started, condition.result, condition.image) == (1, True, False)
    assert host.read(Space.PRESENTATION, 1, 0)[1] == (601).to_bytes(4, "little")


def test_learning_is_refused_by_a_core_that_cannot() -> None:
    host = Host(PACKED)
    host.image(0, shown(1)[0].tolist())
    assert host.ask(Opcode.PRESENT, b"\0\1\0\0") == (Status.VALUE, b"")
    assert host.ask(Opcode.PRESENT, b"\0\0\0\0") == (Status.OK, b"")


def test_learn_must_be_0_or_1(host: Host) -> None:
    host.image(0, shown(1)[0].tolist())
    assert host.ask(Opcode.PRESENT, b"\0\4\0\0") == (Status.VALUE, b"")


def test_reset_forgets_images_result_and_number_but_no_memory(host: Host) -> None:
    levels = shown(1)[0].tolist()
    host.image(0, levels)
    host.ask(Opcode.PRESENT, b"\0\0\0\0")
    host.write(Space.THETA, 0, b"\1\2\3", 1)
    host.image(0, levels)
    host.image(0, levels[:7])
    assert host.ask(Opcode.RESET) == (Status.OK, b"")
    condition = host.condition()
    assert (condition.image, condition.position, condition.result) == (False, 0, False)
    assert (condition.room, condition.started) == (True, 1)
    assert host.read(Space.PRESENTATION, 1, 0)[1] == (600).to_bytes(4, "little")
    assert host.read(Space.THETA, 1, 0)[1] == b"\1\2\3"


def test_state_that_the_model_cannot_be_in_is_refused_when_it_is_shown(host: Host) -> None:
    host.image(0, shown(1)[0].tolist())
    before = host.read(Space.STRENGTH, 1, 0)[1]
    host.write(Space.STRENGTH, 0, b"\1\0", 1)
    assert host.ask(Opcode.PRESENT, b"\0\0\0\0") == (Status.VALUE, b"")
    host.write(Space.STRENGTH, 0, before, 1)
    assert host.ask(Opcode.PRESENT, b"\0\0\0\0") == (Status.OK, b"")


def test_broken_frames_are_counted_answered_and_not_carried_out(host: Host) -> None:
    reset = encode(bytes([1, Opcode.RESET]))
    host.image(0, shown(1)[0].tolist())
    for at in range(1, len(reset) - 1):
        wrong = bytearray(reset)
        wrong[at] ^= 0x20
        assert host.raw(bytes(wrong)) == BROKEN_RESPONSE
    assert host.raw(b"\0" + b"\1" * 300 + b"\0") == BROKEN_RESPONSE
    assert host.raw(encode(b"")) == BROKEN_RESPONSE
    condition = host.condition()
    assert (condition.broken, condition.image) == (len(reset), True)


def test_empty_frames_are_not_answered(host: Host) -> None:
    assert host.emulator.feed(bytes(100)) == b""


def test_repetition_is_answered_again_and_not_carried_out(host: Host) -> None:
    host.image(0, shown(1)[0].tolist())
    host.image(0, shown(1)[0].tolist())
    frame = encode(bytes([200, Opcode.PRESENT, 0, 0, 0, 0]))
    first = host.raw(frame)
    host.raw(b"\0broken\0")
    assert host.raw(frame) == first
    assert host.condition().started == 1
    # After another request it is a new one.
    assert host.raw(frame) == first
    assert host.condition().started == 2


def test_no_bytes_whatever_stop_the_device() -> None:
    """Noise, sound frames of noise, and requests whose body is noise."""
    host, rng, known = Host(PACKED), np.random.default_rng(14), list(Opcode)
    want = host.ask(Opcode.IDENTIFY)
    for _ in range(3000):
        body = rng.bytes(int(rng.choice([0, 1, 2, 6, 7, 60, 300])))
        head = bytes([int(rng.integers(256)), int(rng.choice(known))])
        noise: list[bytes] = [body, encode(body), encode(head + body), encode(head + body)[:-2]]
        host.emulator.feed(noise[int(rng.integers(4))])
    host.emulator.feed(b"\0")
    # Only the hash of the network, which is to be written, may be another.
    assert replace(Identity.unpack(host.ask(Opcode.IDENTIFY)[1]), network=HASH) == replace(
        Identity.unpack(want[1]), network=HASH
    )
