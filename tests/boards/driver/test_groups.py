"""A network with groups behind the link: everything is sent, read back and told for all of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from prunus_boards.driver.contents import blocks, state_of, words_of
from prunus_boards.driver.device import Device
from prunus_boards.driver.outcome import contradiction, possible
from prunus_boards.driver.requests import DeviceError
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_cli import tiny_views, windows
from prunus_devices import LEARNING, PACKED, Tampering, device, golden, last, message, shown
from prunus_model.common.errors import ConfigError
from prunus_model.spec.presentation import Request
from prunus_model.spec.state import State
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import Opcode, decode

CONFIG = tiny_views()
DENSE = ExportOptions(lanes=2, store="learning")
KINDS = {"learning": LEARNING, "packed": PACKED, "dense": DENSE}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "request_",
    [{}, {"stop_after": 1}, {"margin": 25}, {"stop_after": 2, "margin": 60, "keep": True}],
)
def test_images_are_shown_as_by_the_engine(kind: str, request_: dict[str, int]) -> None:
    with device(KINDS[kind], windows()) as one:
        found = last(one, 12, **request_)
    assert (found.images, found.difference) == (12, "")
    assert found.spikes >= 12


def test_learning_leaves_the_state_of_the_model() -> None:
    with device(LEARNING, windows()) as one:
        found = last(one, 20, learn=True)
        assert (found.images, found.difference) == (20, "")
        assert not np.array_equal(one.read_state().theta, windows().state.theta)


@pytest.mark.parametrize("kind", KINDS)
def test_another_network_is_loaded_and_compared(kind: str) -> None:
    with device(KINDS[kind], windows()) as one:
        one.load(windows(900))
        assert one.compare(windows(900)) == []
        assert any(line.startswith("V_FIRE[") for line in one.compare(windows()))
        assert last(one, 8).difference == ""


@pytest.mark.parametrize("kind", KINDS)
def test_words_hold_the_state(kind: str) -> None:
    plan = link_plan(windows(), KINDS[kind])
    widths = CoreDescription.of(plan).widths
    state = plan.state.copy()
    rng = np.random.default_rng(1)
    state.v[:] = rng.integers(0, 1000, 5)
    state.v_fire[:] = rng.integers(0, 1 << 23, 20)
    state.last_step[:] = rng.integers(-1, 16, 16)
    words = words_of(widths, state, plan.votes)
    # Five neurons of a group have an address of three bits.
    for group in range(4):
        got = words[Space.V_FIRE][group << 3 : (group << 3) + 5]
        assert got.tolist() == state.v_fire[5 * group : 5 * group + 5].tolist()
    if kind != "packed":
        assert words[Space.SYNAPSES][(2 * 16 + 3) << 3 | 4] == (
            int(state.alive[35, 4]) << 8 | int(state.weights[35, 4])
        )
    blank = State.initial(CONFIG)
    blank.weights[:], blank.alive[:] = 0, False
    found, votes = state_of(widths, words, blank)
    assert np.array_equal(votes, plan.votes)
    differing = {line.partition("[")[0].partition(":")[0] for line in found.differences(state)}
    learned = {"theta", "strength", "post_count", "last_step"}
    assert differing == (set() if kind == "learning" else learned)


def test_blocks_leave_out_the_addresses_between_groups() -> None:
    widths = CoreDescription.of(link_plan(windows(), LEARNING)).widths
    assert list(blocks(widths, Space.V_FIRE)) == [(group << 3, 5) for group in range(4)]
    assert list(blocks(widths, Space.SYNAPSES)) == [(row << 3, 5) for row in range(64)]
    assert list(blocks(widths, Space.THETA)) == [(0, 20)]


def test_order_of_neurons_is_of_each_group() -> None:
    plan = link_plan(windows(), PACKED)
    assert plan.permuted
    assert (plan.neurons // 5).tolist() == np.repeat(range(4), 5).tolist()
    assert sorted(plan.neurons.tolist()) == list(range(20))
    trained = windows().state
    for group in range(4):
        rows, posts = slice(16 * group, 16 * group + 16), slice(5 * group, 5 * group + 5)
        index = plan.neurons[posts] - 5 * group
        assert np.array_equal(plan.state.weights[rows], trained.weights[rows][:, index])
        assert np.array_equal(plan.state.theta[posts], trained.theta[posts][index])
    assert np.array_equal(plan.votes, windows().readout.votes[plan.neurons])


def test_identity_tells_neurons_of_all_groups_and_levels_of_an_image() -> None:
    with device(PACKED, windows()) as one:
        assert (one.identity.neurons, one.identity.inputs, one.identity.steps) == (20, 49, 16)


def test_more_than_255_spikes_are_fetched() -> None:
    config = replace(CONFIG, encoder=replace(CONFIG.encoder, steps=100))
    artifact = replace(windows(), config=config)
    transport, core = golden(PACKED, artifact)
    line = Tampering(transport)
    with Device(line, core=core) as one:
        one.attach(artifact)
        one.present(shown(1)[0])
        spikes = [(step % 100, step % 20) for step in range(700)]
        transport.emulator._spikes = spikes
        assert one.requests.spikes(700, 800) == spikes
    asked = [decode(frame.strip(b"\0"))[1:] for frame in line.frames[1:]]
    assert [Opcode.SPIKES, *(640).to_bytes(2, "little")] in [list(each) for each in asked]


@pytest.mark.parametrize(
    ("spikes", "steps", "fine"),
    [
        ([], 128, True),
        ([(3, 0), (9, 4), (2, 5), (15, 19)], 128, True),
        # Group 0 again: the second look.
        ([(3, 0), (3, 1)], 128, True),
        ([(3, 19), (2, 19), (4, 10)], 128, False),
        ([(3, 19), (2, 19)], 128, True),
        ([(0, 0), (0, 0), (0, 0)], 128, False),
        ([(16, 0)], 128, False),
        ([(3, 20)], 128, False),
        # View 3 begins after three steps or more.
        ([(2, 15)], 6, True),
        ([(2, 15)], 5, False),
    ],
)
def test_spikes_must_follow_the_views(
    spikes: Sequence[tuple[int, int]], steps: int, *, fine: bool
) -> None:
    assert possible(spikes, CONFIG, steps) is fine


@pytest.mark.parametrize(
    ("options", "steps", "spikes", "wrong"),
    [
        ({}, 128, 128, ""),
        ({}, 127, 0, "has steps in 128..128, not 127"),
        ({"learn": True}, 128, 0, "has steps in 64..64, not 128"),
        ({"stop_after": 1}, 8, 8, ""),
        ({"stop_after": 1}, 7, 7, "has steps in 8..128, not 7"),
        ({"stop_after": 1}, 128, 9, "has output_spikes in 0..8, not 9"),
        ({"stop_after": 1, "learn": True}, 64, 5, "has output_spikes in 0..4, not 5"),
        ({"margin": 1}, 1, 1, ""),
    ],
)
def test_counts_of_all_views_are_limited(
    options: dict[str, bool | int], steps: int, spikes: int, wrong: str
) -> None:
    told = dict.fromkeys(
        (
            "prediction",
            "lead",
            "inhibited_steps",
            "input_spikes",
            "integrated_spikes",
            "forward_sops",
        ),
        0,
    )
    told |= {"steps": steps, "output_spikes": spikes}
    plain = {"learn": False, "stop_after": 0, "margin": 0, "keep": False}
    request = cast(Request, plain | options)
    assert contradiction(told, CONFIG, request) == wrong


def test_spikes_out_of_order_are_refused() -> None:
    transport, core = golden(PACKED, windows())
    with Device(transport, core=core) as one:
        one.attach(windows())
        show = transport.emulator._start_presentation

        def start(request: Request) -> None:
            show(request)
            transport.emulator._spikes.reverse()

        transport.emulator._start_presentation = start  # type: ignore[method-assign]
        text = message(lambda: one.present(shown(1)[0]), DeviceError)
    assert "must tell spikes in ascending steps of 8 views below 128 of neurons below 20" in text


def test_what_the_protocol_cannot_count_is_refused() -> None:
    groups = replace(
        tiny_views().groups or pytest.fail(),
        stride=None,
        positions=((0, 0),) * 4000,
        looks=((0, 0),),
    )
    network = replace(CONFIG, groups=groups, encoder=replace(CONFIG.encoder, steps=17))
    plan = link_plan(windows(), LEARNING)
    core = CoreDescription.of(plan)
    with pytest.raises(ConfigError) as caught:
        replace(core, network=network)
    assert str(caught.value) == (
        "output spikes of a presentation must be at most 65535 for a core behind a link, not 68000"
    )


@pytest.mark.sim
@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
def test_gateware_does_as_the_model(options: ExportOptions) -> None:
    core = CoreDescription.of(link_plan(windows(), options))
    with Device(SimulatorTransport(windows(900), core), core=core) as one:
        one.attach(windows(900))
        assert one.compare(windows(900)) == []
        one.load(windows())
        assert one.compare(windows()) == []
        for request in ({}, {"margin": 25}, {"stop_after": 1, "margin": 60, "keep": True}):
            # Scores of before are not kept.
            one.reset()
            found = last(one, 10, **request)
            assert (found.images, found.difference) == (10, "")
        if options is LEARNING:
            one.load(windows())
            found = last(one, 10, learn=True)
            assert (found.images, found.difference) == (10, "")
