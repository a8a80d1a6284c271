"""Events at the driver and at the emulated device; test_simulator_events.py: on the gateware."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.learning import learned
from prunus_boards.driver.requests import DeviceError
from prunus_boards.driver.transports.emulated_inputs import EmulatedEvents
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.measure.broken_devices import KINDS, BrokenDevice, Kind
from prunus_boards.measure.device_trial import CLOCK_HZ, LIMIT
from prunus_devices import LEARNING, PACKED, Tampering, golden, message, network, shown
from prunus_events import event_network, shown_events
from prunus_model.common.errors import ConfigError, PrunusError
from prunus_model.engine.engine import Engine
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.packed_events import PackedEvents
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.items import pack_items
from prunus_rtl.link.protocol.protocol import READ_WRITE, Opcode, Status, decode, encode

#: Many events: more than fit into one request.
DENSE = [list(range(49))] * 16
END = b"\xff\xff"


def device(options: ExportOptions = PACKED) -> Device:
    transport, core = golden(options, event_network())
    opened = Device(transport, core=core)
    opened.attach(event_network())
    return opened


def ask(one: Device, opcode: Opcode, body: bytes = b"") -> tuple[Status, bytes]:
    return one.requests.link.ask(opcode, body)


def at(offset: int, content: bytes) -> bytes:
    return struct.pack("<H", offset) + content


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
@pytest.mark.parametrize(("stop_after", "margin"), [(0, 0), (1, 0), (0, 9)])
def test_events_are_shown_as_by_the_engine(
    options: ExportOptions, stop_after: int, margin: int
) -> None:
    with device(options) as one:
        engine = Engine(event_network().config, one.plan.state, one.plan.votes)
        given = shown_events(8)
        outcomes = list(one.present_many(given, stop_after=stop_after, margin=margin))
        for k, outcome in enumerate(outcomes):
            expected = engine.present_events(
                [pres.tolist() for pres in given.lists(k)],
                learn=False,
                stop_after=stop_after,
                margin=margin,
            )
            assert outcome.prediction == expected.prediction
            assert outcome.presentation.counters == expected.counters
        assert sum(len(o.presentation.spike_steps) for o in outcomes) >= 8
        *_, found = check(one, given, stop_after=stop_after, margin=margin)
        assert (found.images, found.difference) == (8, "")


def test_events_are_learned_from_as_by_the_engine() -> None:
    with device(LEARNING) as one:
        *_, found = check(one, shown_events(20), learn=True)
        assert (found.images, found.difference) == (20, "")
        assert not one.holds(event_network())
        one.load(event_network())
        one.presentation = one.plan.state.presentation
        outcomes = list(one.present_many(shown_events(3), learn=True))
        more = learned(event_network(), one.read_state(), outcomes, correct=None, command="x")
        engine = Engine(event_network().config, event_network().state)
        counters, _ = engine.train(shown_events(3))
        engine.finish()
        assert more.state.differences(engine.state) == []
        assert more.counters == event_network().counters + replace(counters, frozen_sops=0)


def test_one_presentation_takes_what_the_model_takes() -> None:
    with device() as one:
        engine = Engine(event_network().config, one.plan.state, one.plan.votes)
        for events in (DENSE, [[3, 1], [], [2]], []):
            expected = engine.present_events(events, learn=False)
            outcome = one.present_events(events)
            assert outcome.presentation.counters == expected.counters
        assert one.present_events([[5, 0, 5][:2]]).presentation.counters.input_spikes == 2
        for wrong, said in (
            ([[49]], "Events of step 0 must be inputs 0..48"),
            ([[1, 1]], "Events of step 0 must name each input at most once"),
            ([[]] * 17, "Events must have at most 16 steps, not 17"),
        ):
            with pytest.raises(ValueError, match=said):
                one.present_events(wrong)


def test_what_the_core_does_not_take_is_refused() -> None:
    with device() as one:
        said = message(lambda: one.present_many(shown(2)))
        assert said == "Core must take levels to be shown any, not events"
        few = PackedEvents.of([[[1]]], inputs=49, steps=3)
        said = message(lambda: one.present_many(few), ValueError)
        assert said == "Events must be of 16 steps, not 3"
        said = message(lambda: one.present_many(shown_events(1), learn=True))
        assert said == "Core must be able to learn to learn from events"
        for opcode in (Opcode.IMAGE, Opcode.INFER):
            assert ask(one, opcode, bytes(6) + b"\xb0") == (Status.OPCODE, b"")
    transport, core = golden()
    with Device(transport, core=core) as images:
        images.attach(network())
        said = message(lambda: images.present_many(shown_events(1)))
        assert said == "Core must take events to be shown any, not levels"
        assert ask(images, Opcode.EVENTS, at(0, END)) == (Status.OPCODE, b"")


def test_events_are_sent_in_requests_that_are_filled() -> None:
    transport, core = golden(PACKED, event_network())
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.attach(event_network())
        one.present_events(DENSE)
        sent = [decode(frame.strip(b"\0")) for frame in line.frames if len(frame) > 3]
        bodies = [request[2:] for request in sent if request[1] == Opcode.EVENTS]
        items = 16 * 50
        assert [len(body) for body in bodies] == [240] * 6 + [2 + 2 * (items - 6 * 119)]
        assert b"".join(body[2:] for body in bodies) == pack_items(DENSE)
        offsets = [int.from_bytes(body[:2], "little") for body in bodies]
        assert offsets == list(range(0, items, 119))


def test_next_events_are_sent_while_some_are_shown_as_far_as_they_fit() -> None:
    transport, core = golden(PACKED, event_network())
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.attach(event_network())
        given = PackedEvents.of([DENSE] * 2, inputs=49, steps=16)
        counts = [o.presentation.counters for o in one.present_many(given)]
        assert counts[0].input_spikes == counts[1].input_spikes == 16 * 49
        opcodes = [decode(f.strip(b"\0"))[1] for f in line.frames if len(f) > 3]
        first = opcodes.index(Opcode.PRESENT)
        # 7 requests; of the next presentation one that fits, and one that does not.
        assert opcodes[first : first + 10] == [Opcode.PRESENT, *[Opcode.EVENTS] * 9]


def test_unfinished_presentation_is_ended_by_whoever_comes_next() -> None:
    transport, core = golden(LEARNING, event_network())
    first = Device(transport, core=core)
    first.attach(event_network())
    assert ask(first, Opcode.EVENTS, at(0, END * 3))[0] is Status.OK
    assert ask(first, Opcode.PRESENT, bytes(4))[0] is Status.OK
    assert first.condition().running
    # The same host, in the next series.
    one, two = first.present_many(shown_events(2))
    assert (one.presentation.counters.steps, two.presentation.counters.steps) == (16, 16)
    ask(first, Opcode.PRESENT, bytes(4))
    ask(first, Opcode.EVENTS, at(0, b"\1\0"))
    with Device(transport, core=core) as other:
        assert not other.condition().running
        other.attach(event_network())
        other.presentation = other.plan.state.presentation
        *_, found = check(other, shown_events(3), learn=True)
        assert found.difference == ""


def test_series_does_not_go_on_after_another_was_begun() -> None:
    with device() as one:
        series = one.present_many(shown_events(3))
        next(series)
        list(one.present_many(shown_events(2)))
        said = message(lambda: next(series))
        assert said == "Series of images must not go on after another was begun"


def test_emulated_device_refuses_as_the_protocol_says() -> None:
    with device(LEARNING) as one:
        item = struct.pack("<H", 49)
        for body, status in (
            (b"", Status.LENGTH),
            (at(0, b""), Status.LENGTH),
            (at(0, b"\1\0\2"), Status.LENGTH),
            (at(1, END), Status.POSITION),
            (at(0, item), Status.VALUE),
            (at(0, b"\3\0\3\0"), Status.VALUE),
            (at(0, b"\3\0\2\0"), Status.VALUE),
            (at(0, END * 17), Status.VALUE),
        ):
            assert ask(one, Opcode.EVENTS, body) == (status, b"")
        assert one.condition().position == 0
        assert ask(one, Opcode.EVENTS, at(0, b"\3\0")) == (Status.OK, b"\1\0")
        assert ask(one, Opcode.EVENTS, at(9, item)) == (Status.FULL, b"")
        now = one.condition()
        assert (now.image, now.room, now.position) == (True, False, 1)
        assert ask(one, Opcode.PRESENT, bytes(4)) == (Status.OK, b"")
        now = one.condition()
        assert (now.running, now.image, now.room, now.result) == (True, False, True, False)
        for opcode, body in (
            (Opcode.PRESENT, bytes(4)),
            (Opcode.RESULT, b""),
            (Opcode.SPIKES, b"\0"),
            (Opcode.READ, READ_WRITE.pack(Space.THETA, 1, 0)),
            (Opcode.WRITE, READ_WRITE.pack(Space.THETA, 1, 0) + bytes(3)),
        ):
            assert ask(one, opcode, body) == (Status.BUSY, b"")
        assert ask(one, Opcode.EVENTS, at(1, b"\3\0")) == (Status.VALUE, b"")
        assert ask(one, Opcode.EVENTS, at(1, b"\4\0" + END * 16)) == (Status.OK, b"\0\0")
        assert ask(one, Opcode.RESULT)[0] is Status.OK
        ask(one, Opcode.EVENTS, at(0, END))
        one.reset()
        now = one.condition()
        assert (now.running, now.image, now.position, now.result) == (False, False, 0, False)


def test_position_goes_round() -> None:
    inputs = 400
    events = EmulatedEvents(inputs, 255)
    every = struct.pack(f"<{inputs}H", *range(inputs)) + END
    for k in range(164):
        assert events.add(every)
        assert events.take() is None
        assert events.position == 401 * (k + 1) % 65536
    assert events.position == 401 * 164 - 65536


def kinds() -> Iterator[str]:
    """Broken devices that have nothing to do with images."""
    of_images = {"full for ever", "loses images", "levels lost", "more levels than inputs"}
    yield from KINDS.keys() - of_images - {"an image shown and not told", "shown twice"}


def body(opcode: Opcode, change: Callable[[bytes], bytes]) -> Kind:
    return Kind(bodies={opcode: lambda _device, body: change(body)})


BROKEN = {
    "full for ever": Kind(refusals={Opcode.EVENTS: Status.FULL}),
    "knows no events": Kind(refusals={Opcode.EVENTS: Status.OPCODE}),
    "another position": Kind(refusals={Opcode.EVENTS: Status.POSITION}),
    "events lost": body(Opcode.EVENTS, lambda _body: b"\1\0"),
    "short position": body(Opcode.EVENTS, lambda _body: b"\0"),
    **{name: KINDS[name] for name in sorted(kinds())},
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_device_is_told_in_one_line_and_in_time(name: str) -> None:
    plan = link_plan(event_network(), LEARNING)
    core = CoreDescription.of(plan, clock_hz=CLOCK_HZ)
    one = BrokenDevice(BROKEN[name], plan, clock_hz=CLOCK_HZ, patience=0.5)
    with pytest.raises(PrunusError) as caught:
        use(one, core)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert one.now <= LIMIT


def use(transport: BrokenDevice, core: CoreDescription) -> None:
    """Do all that can be done with a device that learns."""
    artifact = event_network()
    with Device(transport, core=core) as one:
        one.load(artifact)
        one.compare(artifact)
        one.reset()
        one.presentation = one.plan.state.presentation
        outcomes = list(one.present_many(shown_events(3), learn=True))
        learned(artifact, one.read_state(), outcomes, correct=None, command="x")


def test_sound_device_is_used_without_an_error() -> None:
    plan = link_plan(event_network(), LEARNING)
    one = BrokenDevice(Kind(), plan, clock_hz=CLOCK_HZ, patience=0.5)
    use(one, CoreDescription.of(plan, clock_hz=CLOCK_HZ))


def test_device_that_is_slow_but_takes_some_is_not_given_up() -> None:
    """All requests together take longer than a presentation may last."""
    plan = link_plan(event_network(), LEARNING)
    late: list[bool] = []

    def line(one: BrokenDevice, request: bytes, answer: bytes) -> bytes:
        if request[1] == Opcode.EVENTS:
            one.now += 5.0
            late[:] = [True] * 3
        elif request[1] == Opcode.STATUS and late:
            # It still runs for a while when everything was sent.
            answer = answer[:3] + bytes([answer[3] | late.pop()]) + answer[4:]
        return encode(answer)

    one = BrokenDevice(Kind(line=line), plan, clock_hz=CLOCK_HZ, patience=20.0)
    core = CoreDescription.of(plan, clock_hz=CLOCK_HZ)
    with Device(one, core=core) as opened:
        opened.attach(event_network())
        outcome = opened.present_events(DENSE)
        assert outcome.presentation.counters.input_spikes == 16 * 49
    assert one.now > 30


def test_description_says_what_the_core_takes(tmp_path: Path) -> None:
    core = CoreDescription.of(link_plan(event_network(), PACKED))
    assert (core.hardware.source, core.options.source) == ("events", "events")
    core.save(tmp_path / "core.json")
    assert CoreDescription.load(tmp_path / "core.json") == core
    text = (tmp_path / "core.json").read_text().replace('"source": "events"', '"source": "levels"')
    (tmp_path / "core.json").write_text(text)
    with pytest.raises(PrunusError, match="source must be 'events' for a network whose inputs are"):
        CoreDescription.load(tmp_path / "core.json")
    # A core for a network of images can be built to take events, too.
    other = CoreDescription.of(link_plan(network(), replace(PACKED, source="events")))
    assert other.digest != CoreDescription.of(link_plan(network(), PACKED)).digest
    with Device(GoldenTransport(other.plan(network())), core=other) as one:
        one.attach(network())
        assert one.present_events(DENSE).presentation.counters.input_spikes == 16 * 49


def test_network_with_groups_is_refused() -> None:
    config = event_network().config
    groups = GroupsParams(image_width=7, image_height=7, window_width=4, window_height=4, stride=3)
    grouped = replace(config, inputs=16, groups=groups)
    artifact = replace(event_network(), config=grouped)
    with pytest.raises(ConfigError, match="source must be 'levels' for a network with groups"):
        link_plan(artifact, PACKED)


def test_deaf_device_error_is_one_line() -> None:
    """A transport that loses every answer to EVENTS."""
    transport, core = golden(PACKED, event_network())
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.attach(event_network())
        line.come = lambda octets: b"" if _is_events(octets) else octets
        with pytest.raises(PrunusError, match="must answer EVENTS, but did not in"):
            one.present_events(DENSE)
        line.come = lambda octets: octets
        # What was begun is ended, and the next is whole.
        outcome = one.present_events(DENSE)
        assert outcome.presentation.counters.input_spikes == 16 * 49


def _is_events(octets: bytes) -> bool:
    frame = octets.strip(b"\0")
    return bool(frame) and decode(frame)[1] == Opcode.EVENTS


def test_noise_does_not_stop_the_emulated_device() -> None:
    rng = np.random.default_rng(3)
    with device() as one:
        for _ in range(500):
            items = rng.choice([0, 1, 2, 48, 49, 0xFFFF], int(rng.integers(0, 12)))
            ask(one, Opcode.EVENTS, at(int(rng.integers(3)), items.astype("<u2").tobytes()))
            if rng.random() < 0.1:
                ask(one, Opcode.PRESENT, bytes(4))
        one.reset()
        *_, found = check(one, shown_events(2))
        assert found.difference == ""


def test_line_that_loses_answers_shows_everything_once() -> None:
    transport, core = golden(LEARNING, event_network())
    rng = np.random.default_rng(9)
    line = Tampering(transport, come=lambda octets: b"" if rng.random() < 0.15 else octets)
    with Device(line, core=core) as one:
        one.attach(event_network())
        *_, found = check(one, shown_events(6), learn=True)
        assert found.difference == ""
        assert one.requests.link.repetitions > 5
        with pytest.raises(DeviceError):
            one.present_many(shown(1))
