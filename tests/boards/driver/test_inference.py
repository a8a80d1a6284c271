"""Images by INFER: sent ahead of the answers, few round trips, and right whatever is lost."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.outcome import Outcome
from prunus_boards.driver.transports.base import Transport, TransportError
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.measure.slow_line import SlowLine
from prunus_devices import LEARNING, PACKED, Tampering, golden, message, network, shown
from prunus_model.cli.common import bundled
from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.spec.levels import levels as levels_of
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    QUEUE_BYTES,
    Opcode,
    Status,
    decode,
    encode,
)

#: Early exit of the bundled network takes so many cycles.
CYCLES, CLOCK_HZ = 5_000, 30_000_000


def expected(levels: npt.NDArray[np.uint8], first: int = 0, **how: Any) -> list[Any]:
    engine = Engine(network().config, replace(network().state, presentation=first))
    return [engine.present(image, learn=False, **how).counters for image in levels]


def counters(outcomes: list[Outcome]) -> list[Any]:
    return [outcome.presentation.counters for outcome in outcomes]


def assert_series_is_as_one_by_one(one: Device, images: npt.NDArray[np.uint8]) -> None:
    many = list(one.present_many(images, stop_after=1))
    one.presentation = 0
    single = [one.present(image, stop_after=1) for image in images]
    assert counters(many) == counters(single)


def frames(octets: bytes) -> list[bytes]:
    return [decode(frame) for frame in octets.split(b"\0") if frame]


def line(
    *, latency: float, baud: int = 3_000_000, cycles: int = CYCLES
) -> tuple[SlowLine, Artifact, npt.NDArray[np.uint8]]:
    artifact = Artifact.load(bundled("demo"))
    images = levels_of(load("sample", "test").images[:80], artifact.config.encoder)
    emulator = Emulator(link_plan(artifact, ExportOptions()))
    slow = SlowLine(emulator, baud=baud, latency=latency, clock_hz=CLOCK_HZ, cycles=cycles)
    return slow, artifact, images


@pytest.mark.parametrize("latency", [0.0, 0.001, 0.016])
@pytest.mark.parametrize("baud", [115_200, 3_000_000])
def test_few_round_trips_and_nothing_is_lost(latency: float, baud: int) -> None:
    slow, artifact, images = line(latency=latency, baud=baud)
    with Device(slow, core=slow._emulator.description) as one:
        one.attach(artifact)
        trips, began = slow.round_trips, slow.now
        outcomes = list(one.present_many(images, stop_after=1))
    assert len(outcomes) == len(images)
    assert (slow.round_trips - trips) / len(images) <= 1.1
    assert slow.lost == 0
    assert one.requests.link.repetitions == 0
    if (latency, baud) == (0.001, 3_000_000):
        # In the time of the line, which is the same on every machine.
        assert len(images) / (slow.now - began) >= 400


def test_images_of_any_content_fit_the_queue_of_the_device() -> None:
    slow, artifact, images = line(latency=0.016)
    images[::3] = np.random.default_rng(1).integers(1, 256, images[::3].shape)
    with Device(slow, core=slow._emulator.description) as one:
        one.attach(artifact)
        assert_series_is_as_one_by_one(one, images)
    assert (slow.lost, one.requests.link.repetitions) == (0, 0)


def test_part_of_an_image_that_is_lost_is_sent_again_with_the_others() -> None:
    slow, artifact, images = line(latency=0.001)
    images = np.random.default_rng(2).integers(1, 256, images[:4].shape).astype(np.uint8)
    number = 0

    def second_of_all(octets: bytes) -> bytes:
        nonlocal number
        kept = b""
        for frame in frames(octets):
            number += frame[1] == Opcode.INFER
            kept += b"" if (frame[1], number) == (Opcode.INFER, 2) else encode(frame)
        return kept

    tampering = Tampering(slow, sent=second_of_all)
    with Device(tampering, core=slow._emulator.description) as one:
        one.attach(artifact)
        assert_series_is_as_one_by_one(one, images)
    assert one.requests.link.repetitions == 1


def test_series_may_take_longer_than_an_image() -> None:
    slow, artifact, images = line(latency=0.001, cycles=6_000_000)
    with Device(slow, core=slow._emulator.description) as one:
        one.attach(artifact)
        assert len(list(one.present_many(images, stop_after=1))) == len(images)
    assert slow.now > 2 * slow.presentation_patience
    assert one.requests.link.repetitions == 0


def test_line_loses_what_finds_the_queue_full() -> None:
    slow, _, _ = line(latency=0.0, cycles=10_000_000)
    slow.write(encode(bytes([1, Opcode.INFER]) + bytes(6) + b"\xff" * 6 + b"\x8f"))
    full = encode(bytes([2, Opcode.STATUS]) + bytes(200))
    for _ in range(QUEUE_BYTES // len(full)):
        slow.write(full)
    assert slow.lost == 0
    slow.write(full)
    assert slow.lost == 1


def test_several_images_are_sent_in_one_piece() -> None:
    transport, core = golden()
    tampering = Tampering(transport)
    with Device(tampering, core=core) as one:
        one.attach(network())
        tampering.frames.clear()
        assert len(list(one.present_many(shown(3)))) == 3
    sent = [[Opcode(frame[1]).name for frame in frames(octets)] for octets in tampering.frames]
    assert sent == [["STATUS"], ["READ"], ["INFER"] * 3]


def test_no_more_is_sent_than_the_device_queues() -> None:
    transport, core = golden()
    tampering = Tampering(transport)
    with Device(tampering, core=core) as one:
        one.attach(network())
        tampering.frames.clear()
        next(one.present_many(np.full((40, 49), 200, dtype=np.uint8)))
    _, _, first, second = tampering.frames
    size = len(first) // len(frames(first))
    # As many whole frames as fit; then as many as were answered.
    assert QUEUE_BYTES - size < len(first) <= QUEUE_BYTES
    assert len(frames(second)) == 1


class Damage:
    """Damages frames on the way, with a probability."""

    def __init__(self, change: Callable[[bytes], bytes], *, seed: int, chance: float) -> None:
        self._change = change
        self._rng = np.random.default_rng(seed)
        self._chance = chance
        self.active = False
        self.done = 0

    def __call__(self, octets: bytes) -> bytes:
        if not self.active or not octets:
            return octets
        whole = b""
        for frame in octets.split(b"\0"):
            if frame:
                one = b"\0" + frame + b"\0"
                hit = self._rng.random() < self._chance
                self.done += hit
                whole += self._change(one) if hit else one
        # What was lost was read none the less.
        return whole or b"\0"


def flipped(frame: bytes) -> bytes:
    return frame[:3] + bytes([frame[3] ^ 4]) + frame[4:]


def lost(_frame: bytes) -> bytes:
    return b""


def unended(frame: bytes) -> bytes:
    return frame[:-1]


def doubled(frame: bytes) -> bytes:
    return frame * 2


@pytest.mark.parametrize("change", [flipped, lost, unended, doubled])
@pytest.mark.parametrize("way", ["sent", "come"])
@pytest.mark.parametrize("stop_after", [0, 1])
def test_whatever_is_lost_outcomes_are_those_of_the_engine(
    change: Callable[[bytes], bytes], way: str, stop_after: int
) -> None:
    transport, core = golden()
    transport.attempts = 30
    damage = Damage(change, seed=5, chance=0.25)
    tampering = Tampering(transport)
    setattr(tampering, way, damage)
    levels = shown(30)
    with Device(tampering, core=core) as one:
        one.attach(network())
        one.presentation = 40
        damage.active = True
        outcomes = list(one.present_many(levels, stop_after=stop_after))
        damage.active = False
        assert counters(outcomes) == expected(levels, 40, stop_after=stop_after)
        assert [outcome.number for outcome in outcomes] == list(range(40, 70))
        assert one.presentation == 70
        assert damage.done > 5
        if change is not doubled:
            assert one.requests.link.repetitions > 0


@pytest.mark.parametrize("change", [flipped, lost, doubled])
@pytest.mark.parametrize("way", ["sent", "come"])
def test_learning_survives_losses_with_the_state_of_the_model(
    change: Callable[[bytes], bytes], way: str
) -> None:
    transport, core = golden(LEARNING)
    transport.attempts = 30
    damage = Damage(change, seed=6, chance=0.3)
    tampering = Tampering(transport)
    setattr(tampering, way, damage)
    with Device(tampering, core=core) as one:
        one.attach(network())
        damage.active = True
        outcomes = list(one.present_many(shown(15), learn=True))
        damage.active = False
        engine = Engine(network().config, network().state)
        engine.train(shown(15))
        assert len(outcomes) == 15
        assert one.read_state().differences(engine.state) == []
        assert damage.done > 3


def test_scores_go_on_one_image_at_a_time() -> None:
    transport, core = golden()
    tampering = Tampering(transport)
    levels = shown(5)
    with Device(tampering, core=core) as one:
        one.attach(network())
        outcomes = list(one.present_many(levels, keep=True, margin=9))
        plan = one.plan
    engine = Engine(plan.network, plan.state, plan.votes)
    want = [engine.present(image, learn=False, keep=True, margin=9) for image in levels]
    assert [o.presentation.lead for o in outcomes] == [one.lead for one in want]
    assert all(len(frames(octets)) <= 1 for octets in tampering.frames)


@pytest.mark.parametrize("between", ["condition", "read", "presentation", "requests"])
def test_device_can_be_asked_between_two_images_of_a_series(between: str) -> None:
    transport, core = golden()
    levels = shown(8)
    with Device(transport, core=core) as one:
        one.attach(network())
        one.presentation = 5
        outcomes = []
        for k, outcome in enumerate(one.present_many(levels)):
            outcomes.append(outcome)
            if k in (2, 3):
                match between:
                    case "condition":
                        assert one.condition().position == 0
                    case "read":
                        assert one.read(Space.PRESENTATION, 0, 1).tolist() == [6 + k]
                    case "presentation":
                        assert one.presentation == 6 + k
                    case _:
                        assert one.requests.identify().neurons == 10
        assert counters(outcomes) == expected(levels, 5)


def test_refusal_is_told() -> None:
    transport, core = golden()
    with Device(transport, core=core) as one:
        one.attach(network())
        one.requests.link.request(Opcode.IMAGE, b"\0\0" + shown(1).tobytes())
        feed = transport.emulator.feed

        def full(octets: bytes) -> bytes:
            asked = frames(octets)
            if asked and asked[0][1] == Opcode.INFER:
                return b"".join(encode(frame[:2] + bytes([Status.FULL])) for frame in asked)
            return feed(octets)

        transport.emulator.feed = full  # type: ignore[method-assign]
        text = message(lambda: list(one.present_many(shown(3))), TransportError)
    assert text == "Device at golden must accept INFER, not answer FULL"


def _answers(transport: Transport, change: Callable[[bytes], bytes]) -> Tampering:
    """Change the answers to INFER."""

    def come(octets: bytes) -> bytes:
        changed = [
            change(frame) if frame[1] == Opcode.INFER else encode(frame) for frame in frames(octets)
        ]
        return b"".join(changed)

    return Tampering(transport, come=come)


def test_device_that_never_answers_is_given_up_in_a_line() -> None:
    slow, artifact, images = line(latency=0.001)
    core = slow._emulator.description
    with Device(_answers(slow, lambda _frame: b"\0"), core=core) as one:
        one.attach(artifact)
        began = slow.now
        text = message(lambda: list(one.present_many(images)), TransportError)
    assert text.startswith("Device at line must answer INFER, but did not in ")
    assert slow.now - began < 10


def test_device_that_answers_only_when_asked_again_is_given_up() -> None:
    slow, artifact, images = line(latency=0.001)
    state = {"images": 0}

    def every_other(frame: bytes) -> bytes:
        state["images"] += 1
        return encode(frame) if state["images"] % 6 == 0 else b"\0"

    with Device(_answers(slow, every_other), core=slow._emulator.description) as one:
        one.attach(artifact)
        began = slow.now
        text = message(lambda: list(one.present_many(images)), TransportError)
    assert "must answer" in text
    assert slow.now - began < 30


@pytest.mark.parametrize("instead", [encode(BROKEN_RESPONSE), b"\0"], ids=["broken", "lost"])
def test_missing_answer_is_asked_for_again_without_waiting(instead: bytes) -> None:
    slow, artifact, images = line(latency=0.001)
    hits = []

    def once(frame: bytes) -> bytes:
        hits.append(frame)
        return instead if len(hits) == 3 else encode(frame)

    with Device(_answers(slow, once), core=slow._emulator.description) as one:
        one.attach(artifact)
        began = slow.now
        assert len(list(one.present_many(images, stop_after=1))) == len(images)
    assert slow.now - began < 0.5
    assert one.requests.link.repetitions == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda b: b[:2], "must answer INFER with"),
        (lambda b: b[:-1], "must answer INFER with"),
        (lambda b: b[:-3], "must answer INFER with"),
        (
            lambda b: b"\x09\x09" + b[2:],
            "must have started presentation 1 since power-on, not 2313",
        ),
    ],
)
def test_answer_that_cannot_be_is_told(change: Callable[[bytes], bytes], text: str) -> None:
    transport, core = golden()
    line = _answers(transport, lambda frame: encode(frame[:3] + change(frame[3:])))
    with Device(line, core=core) as one:
        one.attach(network())
        assert text in message(lambda: list(one.present_many(shown(3))))


def test_part_of_an_image_that_went_elsewhere_is_told() -> None:
    slow, artifact, images = line(latency=0.0)
    images[0] = np.random.default_rng(1).integers(1, 256, images[0].shape)

    def moved(frame: bytes) -> bytes:
        return encode(frame[:3] + b"\1\0") if len(frame) == 5 else encode(frame)

    with Device(_answers(slow, moved), core=slow._emulator.description) as one:
        one.attach(artifact)
        text = message(lambda: list(one.present_many(images[:1])))
    assert re.fullmatch(
        "Device at line must have [0-9]{2,} levels of an image, but answers 01 00", text
    )


def test_more_spikes_than_fit_are_asked_for() -> None:
    """As if only one spike fitted behind a result."""
    core = CoreDescription.of(link_plan(network(), PACKED))
    transport, _ = golden()

    def cut(frame: bytes) -> bytes:
        head = 3 + 2 + 1 * ((bits + 7) // 8)
        return encode(frame[: head + 3])

    tampering = _answers(transport, cut)
    with Device(tampering, core=core) as one:
        one.attach(network())
        presenter = one._presenter
        bits, presenter._beside = presenter._result_bits, 1
        tampering.frames.clear()
        outcomes = list(one.present_many(shown(6)))
    assert counters(outcomes) == expected(shown(6))
    assert any(len(o.presentation.spike_steps) > 1 for o in outcomes)
    asked = [frame[1] for octets in tampering.frames for frame in frames(octets)]
    assert Opcode.SPIKES in asked
