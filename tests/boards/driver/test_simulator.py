"""The real driver on the real gateware, simulated: what holds for the model holds for it."""

from collections.abc import Iterator

import numpy as np
import pytest

from prunus_boards.driver.checking import check
from prunus_boards.driver.device import Device
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.run import SelfTest
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_devices import LEARNING, PACKED, golden, network, shown
from prunus_model import levels, load_data
from prunus_model.cli.common import load_network
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.result import result_widths
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import LINES, CoreDescription, Line, link_plan
from prunus_rtl.link.protocol.protocol import PRESENT, Opcode, Status, word_bytes
from prunus_rtl.link.protocol.records import Condition

pytestmark = pytest.mark.sim


def through_pins(link: Line) -> Iterator[Device]:
    """The complete top through its pins, as a board has it: a core that learns."""
    core = CoreDescription.of(link_plan(network(), LEARNING), link=link)
    with Device(SimulatorTransport(network(), core, divisor=8), core=core) as device:
        yield device


@pytest.fixture(scope="module")
def uart() -> Iterator[Device]:
    yield from through_pins("uart")


@pytest.fixture(scope="module")
def spi() -> Iterator[Device]:
    yield from through_pins("spi")


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Device:
    """One of these, which the test names."""
    device: Device = request.getfixturevalue(request.param)
    return device


through_lines = pytest.mark.parametrize("board", LINES, indirect=True)


@pytest.fixture(scope="module")
def packed() -> Iterator[Device]:
    """The bytes of the link: a core that holds another network than it is asked for."""
    core = CoreDescription.of(link_plan(network(), PACKED))
    with Device(SimulatorTransport(network(900), core), core=core) as device:
        yield device


@through_lines
def test_board_infers_and_learns_as_the_model(board: Device) -> None:
    artifact = network()
    board.load(artifact)
    assert board.compare(artifact) == []
    *_, found = check(board, shown(50))
    assert (found.images, found.difference) == (50, "")
    assert found.spikes > 50 and found.cycles > 50 * 49

    board.load(artifact)
    alive = int(artifact.state.alive.sum())
    *_, found = check(board, shown(20, seed=4), learn=True)
    assert (found.images, found.difference) == (20, "")
    assert int(board.read_state().alive.sum()) < alive
    assert not board.holds(artifact)
    assert board.requests.link.repetitions == 0


@through_lines
def test_board_tells_its_clock_and_no_broken_frames(board: Device) -> None:
    assert board.clock_hz > 0
    assert board.condition().broken == 0


@pytest.mark.parametrize("options", [PACKED, LEARNING], ids=["inference", "learning"])
def test_gateware_passes_the_self_test(options: ExportOptions) -> None:
    """Every memory takes every pattern and gives it back, as the emulated ones do."""
    core = CoreDescription.of(link_plan(network(), options))
    with CountingTransport(SimulatorTransport(network(), core)) as transport:
        test = SelfTest(transport, core=core, limit=3600.0)
        results = [test.identify(), *test.rest(network(), shown(3))]
        assert [result.verdict for result in results] == ["ok"] * 5, results
        assert set(results[2].figures) == {space.name for space in spaces(core.widths)}
        assert results[3].figures["cycles"] > 3 * 49


@pytest.mark.parametrize("divisor", [None, 8])
def test_presentation_of_any_length_is_answered(divisor: int | None) -> None:
    """It takes longer than an idle device may be silent, and than a command of the bench.

    Then bytes of the next images wait that long, and are not lost. At SPI, whose host polls
    meanwhile, some 500 fillers for each image take no room in the queue.
    """
    artifact = load_network("demo")
    core = CoreDescription.of(link_plan(artifact, ExportOptions(lanes=4)), link="spi")
    images = levels(load_data("sample", "test").head(4).images, artifact.config.encoder)
    transport = SimulatorTransport(artifact, core, divisor=divisor)
    transport.presentation_patience = 300
    with Device(transport, core=core) as device:
        device.attach(artifact)
        *_, found = check(device, images)
        assert device.requests.link.repetitions == 0
    assert (found.images, found.difference) == (4, "")
    assert found.cycles > 4 * 25_000


def test_core_takes_another_network_into_its_store(packed: Device) -> None:
    ours, other = network(), network(900)
    packed.attach(other)
    assert packed.compare(other) == []
    assert packed.compare(ours) != []
    *_, found = check(packed, shown(5), stop_after=1)
    assert found.difference == ""
    packed.load(ours)
    assert packed.compare(ours) == []
    *_, found = check(packed, shown(20), stop_after=2)
    assert (found.images, found.difference) == (20, "")


@pytest.mark.parametrize("kind", [*LINES, "packed"])
def test_device_answers_as_the_emulator(kind: str, request: pytest.FixtureRequest) -> None:
    """Valid requests and wrong ones: status and body of every answer."""
    device: Device = request.getfixturevalue(kind)
    device.load(network())
    device.reset()
    device.presentation = 7
    options = PACKED if kind == "packed" else LEARNING
    transport, core = golden(options, clock_hz=device.clock_hz)
    with Device(transport, core=core) as emulated:
        emulated.load(network())
        emulated.reset()
        emulated.presentation = 7
        here = {int(space) for space in spaces(device.core.widths)}
        rng = np.random.default_rng(5)
        seen = set()
        for _ in range(1500):
            opcode, body = _random_request(rng, here)
            answers = []
            for one in (device, emulated):
                answers.append(one.requests.link.ask(opcode, body))
                if opcode == Opcode.PRESENT:
                    while one.condition().running:
                        pass
            real, expected = answers
            if real[0] is Status.OK and opcode == Opcode.RESULT:
                # The model takes no cycles: the last 32 bits.
                real = (real[0], real[1][:-5])
                expected = (expected[0], expected[1][:-5])
            if real[0] is Status.OK and opcode == Opcode.INFER and len(real[1]) > 2:
                real = (real[0], _without_cycles(real[1], device))
                expected = (expected[0], _without_cycles(expected[1], emulated))
            if real[0] is Status.OK and opcode == Opcode.STATUS:
                assert _without_counts(real[1]) == _without_counts(expected[1])
                continue
            assert real == expected, (opcode, body.hex(" "))
            seen.add((opcode, real[0]))
    assert len(seen) > 25


def _without_cycles(body: bytes, device: Device) -> bytes:
    """Leave the count of presentations since power-on out, and the last field of the result."""
    end = 2 + word_bytes(sum(result_widths(device.core.widths).values()))
    return body[2 : end - 5] + body[end:]


def _without_counts(body: bytes) -> tuple[bool, bool, bool, int]:
    condition = Condition.unpack(body)
    return condition.image, condition.room, condition.result, condition.position


def _random_request(rng: np.random.Generator, here: set[int]) -> tuple[int, bytes]:
    """Mostly sensible requests; not V, which is undefined between reset and presentation."""
    opcode = int(rng.choice([1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 11, 11, 11, 0, 77]))
    if rng.random() < 0.1:
        return opcode, rng.bytes(int(rng.integers(0, 12)))
    space = int(rng.choice([*sorted(here - {int(Space.V), int(Space.SYNAPSES)}), 12, 15]))
    first = int(rng.choice([0, 1, 3, 9, 10, 31, 32, 48, 49, 60, 63, 64, 99, 1 << 20]))
    count = int(rng.choice([0, 1, 1, 2, 7, 61]))
    head = bytes([space, count]) + first.to_bytes(4, "little")
    match opcode:
        case Opcode.READ:
            return opcode, head
        case Opcode.WRITE:
            # The hash of the network, or where nothing is: the network stays what it is.
            head = bytes([15 if rng.random() < 0.8 else 12]) + head[1:]
            return opcode, head + rng.bytes(count)
        case Opcode.IMAGE:
            offset = int(rng.choice([0, 0, 20, 21]))
            return opcode, offset.to_bytes(2, "little") + rng.bytes(
                int(rng.choice([1, 20, 29, 49]))
            )
        case Opcode.PRESENT:
            flags, margin = int(rng.choice([0, 0, 2, 4])), int(rng.choice([0, 0, 8, 30]))
            return opcode, PRESENT.pack(int(rng.integers(0, 3)), flags, margin)
        case Opcode.INFER:
            head = bytes([int(rng.integers(0, 3)), int(rng.choice([0, 0, 2, 4])), 0, 0])
            offset = int(rng.choice([0, 0, 0, 20]))
            # An image, one level too many, parts, half a run.
            code = [
                b"\xa4\x0b" + rng.bytes(12),
                b"\xa4\x0c" + rng.bytes(13),
                b"\x13" + rng.bytes(20),
            ]
            code += [b"\x9c", b"\x1d" + rng.bytes(20)]
            return opcode, head + offset.to_bytes(2, "little") + code[int(rng.integers(5))]
        case Opcode.SPIKES:
            return opcode, bytes([int(rng.integers(0, 9))])
        case _:
            return opcode, b""


def test_simulation_that_does_not_start_tells_why() -> None:
    core = CoreDescription.of(link_plan(network(), PACKED))
    with pytest.raises(TransportError) as caught:
        SimulatorTransport(network(), core, divisor=1)
    assert str(caught.value).startswith("Simulation must start: ")
    assert "--pins" in str(caught.value)
