"""The driver, on the emulated device; test_simulator.py does the same on the gateware."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from prunus_boards.driver.checking import Checked, check
from prunus_boards.driver.device import Device
from prunus_boards.driver.requests import DeviceError
from prunus_boards.driver.transports.base import TransportError
from prunus_cli import tiny
from prunus_devices import LEARNING, PACKED, Tampering, device, golden, network, shown
from prunus_model.common.errors import PrunusError
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import predict_vote
from prunus_model.spec.state import State
from prunus_rtl.core.result import pack, result_widths, unpack
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import MAX_BODY, Identity, Opcode, Status, decode, encode


def message(call: Callable[[], object], kind: type[Exception] = DeviceError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def last(device: Device, count: int, *, learn: bool = False, stop_after: int = 0) -> Checked:
    *_, found = check(device, shown(count), learn=learn, stop_after=stop_after)
    return found


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_images_are_shown_as_by_the_engine(options: ExportOptions, stop_after: int) -> None:
    with device(options) as one:
        plan = one.plan
        one.presentation = 100
        engine = Engine(network().config, replace(plan.state, presentation=100))
        outcomes = list(one.present_many(shown(12), stop_after=stop_after))
        for k, (levels, outcome) in enumerate(zip(shown(12), outcomes, strict=True)):
            expected = engine.present(levels, learn=False, stop_after=stop_after)
            got = outcome.presentation
            assert outcome.number == 100 + k
            assert got.spike_steps.tolist() == expected.spike_steps.tolist()
            # What the core calls a neuron is a position.
            assert got.spike_posts.tolist() == plan.neurons[expected.spike_posts].tolist()
            assert got.counters == expected.counters
            counts = got.spike_counts(10)[np.newaxis]
            assert outcome.prediction == predict_vote(counts, network().readout)[0]
            assert outcome.cycles == 0
        assert one.presentation == 112
    if options is PACKED:
        assert plan.permuted


def test_image_without_spikes_is_undecided() -> None:
    with device() as one:
        outcome = one.present(np.zeros(49, dtype=np.uint8))
    assert (outcome.prediction, len(outcome.presentation.spike_steps)) == (-1, 0)


def test_learning_leaves_the_state_of_the_model_and_no_known_network() -> None:
    with device(LEARNING) as one:
        found = last(one, 20, learn=True)
        assert (found.images, found.difference) == (20, "")
        assert one.identity.network == bytes(32)
        assert not one.holds(network())
        engine = Engine(network().config, network().state)
        engine.train(shown(20))
        assert one.read_state().differences(engine.state) == []
        assert engine.state.alive.sum() < network().state.alive.sum()
        assert message(lambda: one.attach(network())) == (
            f"Device at golden must hold network {network().content_hash[:16]}, not none"
        )
        one.load(network())
        assert one.compare(network()) == []
        assert one.holds(network())
        assert last(one, 5).difference == ""


#: One memory of 490 words: more than fit into a request.
DENSE = ExportOptions(lanes=1, store="dense")


@pytest.mark.parametrize("options", [LEARNING, PACKED, DENSE], ids=["learning", "packed", "dense"])
def test_another_network_is_loaded_and_compared(options: ExportOptions) -> None:
    with device(options) as one:
        told: list[tuple[int, int]] = []
        one.load(network(900), progress=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] == max(done for done, _ in told)
        assert one.compare(network(900)) == []
        lines = one.compare(network())
        assert any(line.startswith("VOTES[") for line in lines)
        assert last(one, 10).difference == ""
        assert message(lambda: one.attach(network())).endswith(
            f"not {network(900).content_hash[:16]}"
        )


def test_no_body_is_longer_than_the_protocol_allows() -> None:
    transport, core = golden(DENSE)
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.load(network(900))
    bodies = [decode(frame.strip(b"\0"))[2:] for frame in line.frames[1:]]
    assert MAX_BODY - 2 <= max(map(len, bodies)) <= MAX_BODY


def test_interrupted_load_is_no_network() -> None:
    transport, core = golden(LEARNING)
    line = Tampering(transport)
    with Device(line, core=core) as one:

        def stop(done: int, total: int) -> None:
            if done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            one.load(network(), progress=stop)
        assert not one.holds(network())
        assert one.identity.network == bytes(32)
        with pytest.raises(DeviceError):
            next(one.present_many(shown(1)))
    assert line.closed


def test_network_that_does_not_fit_is_refused_before_anything_is_written() -> None:
    transport, core = golden(PACKED, network(900))
    with Device(transport, core=core) as one:
        one.attach(network(900))
        text = message(lambda: one.load(network(100)), PrunusError)
        assert "words are missing" in text
        assert one.holds(network(900))
        assert one.compare(network(900)) == []
        assert last(one, 2).difference == ""


def test_network_of_other_parameters_is_refused() -> None:
    other = replace(network(), config=tiny("none"))
    with device(LEARNING) as one:
        text = message(lambda: one.load(other), PrunusError)
        assert text == "Network must have the parameters of the core: pruning differ"
        assert one.holds(network())


def test_network_is_needed_before_images() -> None:
    transport, core = golden()
    with Device(transport, core=core) as one:
        assert message(lambda: one.present(shown(1)[0])) == (
            "Network must be attached or loaded before it is used"
        )


def test_core_that_cannot_learn_says_so() -> None:
    with device(PACKED) as one:
        assert message(lambda: one.present(shown(1)[0], learn=True)) == (
            "Core must be able to learn to learn from images"
        )
        assert message(one.read_state) == "Core must be able to learn to have a whole state"
        assert one.holds(network())


def test_arguments_are_checked_before_anything_is_sent() -> None:
    with device() as one:
        for levels in (shown(1), shown(1)[0, :-1]):
            with pytest.raises(ValueError, match="Levels must have shape"):
                one.present(levels)
        with pytest.raises(TypeError, match="Levels must be an array of uint8"):
            one.present(shown(1)[0].astype(np.int64))
        with pytest.raises(ValueError, match="Early exit must be after 0 to 255 spikes, not 256"):
            one.present(shown(1)[0], stop_after=256)
        assert one.condition().started == 0


def test_series_that_is_left_leaves_nothing_behind() -> None:
    with device(LEARNING) as one:
        series = one.present_many(shown(5))
        next(series)
        series.close()
        assert one.condition().image
        number = one.presentation
        levels = shown(3, seed=9)
        outcomes = list(one.present_many(levels))
        engine = Engine(network().config, replace(network().state, presentation=number))
        expected = [engine.present(image, learn=False).counters for image in levels]
        assert [outcome.presentation.counters for outcome in outcomes] == expected
        assert [outcome.number for outcome in outcomes] == [number + k for k in range(3)]


def test_series_cannot_go_on_after_another() -> None:
    with device() as one:
        series = one.present_many(shown(5))
        next(series)
        one.present(shown(1)[0])
        assert message(lambda: next(series)) == (
            "Series of images must not go on after another was begun"
        )
        assert one.condition().started == 2


def test_next_image_is_sent_before_the_result_is_asked_for() -> None:
    transport, core = golden()
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.attach(network())
        line.frames.clear()
        list(one.present_many(shown(3)))
    opcodes = [Opcode(decode(frame.strip(b"\0"))[1]).name for frame in line.frames]
    once = ["PRESENT", "IMAGE", "STATUS", "RESULT", "SPIKES"]
    assert opcodes == ["STATUS", "READ", "IMAGE", *once, *once, "PRESENT", *once[2:]]


def test_more_spikes_than_fit_into_an_answer_are_fetched() -> None:
    transport, core = golden()
    with Device(transport, core=core) as one:
        one.attach(network())
        one.present(shown(1)[0])
        spikes = [(step, step % 10) for step in range(200)]
        transport.emulator._spikes = spikes
        assert one.requests.spikes(200) == spikes


def test_words_are_read_and_written_by_space() -> None:
    with device(LEARNING) as one:
        one.write(Space.THETA, 8, np.array([70000, 5]))
        assert one.read(Space.THETA, 8, 2).tolist() == [70000, 5]
        assert one.identity.network == bytes(32)
        text = message(lambda: one.read(Space.THETA, 9, 2), TransportError)
        assert text == "Device at golden must accept READ, not answer ADDRESS"


def test_presentation_number_is_kept_when_a_series_needs_a_reset() -> None:
    with device(PACKED) as one:
        one.presentation = 4_000_000_000
        series = one.present_many(shown(2))
        assert next(series).number == 4_000_000_000
        series.close()
        assert one.present(shown(1)[0]).number == 4_000_000_001


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
        (Opcode.RESULT, b"\xff" * 14, f"words of 105 bits, not 0x{'ff' * 14}"),
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
        (Opcode.IDENTIFY, b"PRUN\1", "Identity must be 64 bytes, not 5"),
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


def test_difference_is_found_and_told() -> None:
    """A threshold that is wrong in one place."""
    with device(LEARNING) as one:
        theta = one.read(Space.THETA, 0, 10)
        one.write(Space.THETA, 0, theta // 2)
        assert one.compare(network()) == [f"THETA[0] is {theta[0] // 2}, not {theta[0]}"]
        theta[3] += 1
        one.write(Space.THETA, 0, theta)
        assert one.compare(network()) == [f"THETA[3] is {theta[3]}, not {theta[3] - 1}"]
        one.write(Space.THETA, 0, theta // 2)
        found = last(one, 20)
        assert found.difference.startswith("presentation 6")
        assert found.images < 20


def test_wrong_state_after_learning_is_told() -> None:
    with device(LEARNING) as one:
        # Nothing but a count of spikes, which only pruning looks at.
        count = one.read(Space.POST_COUNT, 0, 1)
        one.write(Space.POST_COUNT, 0, count + 1)
        found = last(one, 1, learn=True)
        assert found.difference.startswith("state after 1 images: post_count[0]: ")


def test_core_description_gives_the_plan_of_a_smaller_network() -> None:
    core = CoreDescription.of(link_plan(network(), PACKED))
    plan = core.plan(network(900))
    assert plan.image is not None and core.layout is not None
    assert [[m.depth for m in lane.memories] for lane in plan.image.lanes] == [
        list(depths) for depths in core.layout.depths
    ]
    assert isinstance(plan.state, State)
