"""Events on the real gateware, simulated: what holds for the model holds for it."""

from collections.abc import Iterator

import numpy as np
import pytest

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_devices import LEARNING, PACKED, golden
from prunus_events import event_network, shown_events
from prunus_model.spec.packed_events import PackedEvents
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.items import pack_items
from prunus_rtl.link.protocol.protocol import OFFSET, PRESENT, Opcode, Status
from prunus_rtl.link.protocol.records import Condition

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    """The complete top through its pins, as a board has it: a core that learns."""
    core = CoreDescription.of(link_plan(event_network(), LEARNING))
    with Device(SimulatorTransport(event_network(), core, divisor=8), core=core) as device:
        yield device


@pytest.fixture(scope="module")
def packed() -> Iterator[Device]:
    """The bytes of the link: a core that holds a packed store."""
    core = CoreDescription.of(link_plan(event_network(), PACKED))
    with Device(SimulatorTransport(event_network(), core), core=core) as device:
        yield device


def test_board_infers_and_learns_as_the_model(board: Device) -> None:
    board.load(event_network())
    *_, found = check(board, shown_events(12))
    assert (found.images, found.difference) == (12, "")
    assert found.spikes > 12
    board.load(event_network())
    *_, found = check(board, shown_events(12, seed=4), learn=True)
    assert (found.images, found.difference) == (12, "")
    assert board.requests.link.repetitions == 0
    assert board.condition().broken == 0


@pytest.mark.parametrize(("stop_after", "margin"), [(0, 0), (1, 0), (2, 0), (0, 9)])
def test_packed_core_leaves_early_and_takes_the_rest(
    packed: Device, stop_after: int, margin: int
) -> None:
    packed.load(event_network())
    dense = PackedEvents.of([[range(49)] * 16, [], [range(0, 49, 2)] * 9], inputs=49, steps=16)
    for given in (shown_events(8), dense):
        *_, found = check(packed, given, stop_after=stop_after, margin=margin)
        assert (found.images, found.difference) == (len(given), "")


@pytest.mark.parametrize("kind", ["board", "packed"])
def test_device_answers_as_the_emulator(kind: str, request: pytest.FixtureRequest) -> None:
    """Valid requests and wrong ones: status and body of every answer, and the condition after."""
    device: Device = request.getfixturevalue(kind)
    options = LEARNING if kind == "board" else PACKED
    transport, core = golden(options, event_network(), clock_hz=device.clock_hz)
    with Device(transport, core=core) as emulated:
        for one in (device, emulated):
            one.load(event_network())
            one.reset()
            one.presentation = 7
        rng = np.random.default_rng(5)
        seen = set()
        for _ in range(700):
            opcode, body = _request(rng, emulated.condition().position)
            real, expected = (one.requests.link.ask(opcode, body) for one in (device, emulated))
            if real[0] is Status.OK and opcode == Opcode.RESULT:
                # The model takes no cycles: the last 32 bits.
                real, expected = ((s, b[:-5]) for s, b in (real, expected))
            assert real == expected, (opcode, body.hex(" "))
            seen.add((opcode, real[0]))
            want = _visible(emulated.condition())
            polls = 0
            while _visible(device.condition()) != want:
                polls += 1
                assert polls < 500, (opcode, body.hex(" "), device.condition(), want)
    events = {status for opcode, status in seen if opcode == Opcode.EVENTS}
    wanted = {Status.OK, Status.LENGTH, Status.VALUE, Status.POSITION, Status.FULL}
    assert events == wanted
    assert {(Opcode.RESULT, Status.OK), (Opcode.RESULT, Status.BUSY)} <= seen
    assert {(Opcode.PRESENT, Status.OK), (Opcode.PRESENT, Status.BUSY)} <= seen


def _visible(condition: Condition) -> tuple[object, ...]:
    return (
        condition.running,
        condition.image,
        condition.room,
        condition.result,
        condition.position,
    )


def _request(rng: np.random.Generator, position: int) -> tuple[int, bytes]:
    """Mostly events that go on where they are, of few steps and many."""
    opcode = int(rng.choice([10] * 12 + [4, 5, 5, 5, 6, 7, 9, 77]))
    match opcode:
        case Opcode.EVENTS:
            steps = int(rng.choice([1, 1, 3, 5, 16]))
            pres = [
                np.flatnonzero(rng.random(49) < rng.choice([0, 0.2, 0.4])) for _ in range(steps)
            ]
            content = pack_items(pres)[:238]
            if rng.random() < 0.1:
                content = rng.choice([0, 48, 49, 0xFFFE], 3).astype("<u2").tobytes()
            if rng.random() < 0.05:
                content = content[:-1]
            offset = position if rng.random() < 0.9 else position + 1
            return opcode, OFFSET.pack(offset) + content
        case Opcode.PRESENT:
            flags, margin = int(rng.choice([0, 0, 2, 4])), int(rng.choice([0, 0, 8, 30]))
            return opcode, PRESENT.pack(int(rng.integers(0, 3)), flags, margin)
        case Opcode.SPIKES:
            return opcode, bytes([int(rng.integers(0, 9))])
        case _:
            return opcode, b""
