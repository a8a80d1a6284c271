"""A feed-forward layer behind the link: signed words, biases, several output spikes in a step."""

import numpy as np
import pytest

from prunus_boards.driver.contents import state_of, words_of
from prunus_boards.driver.device import Device
from prunus_boards.driver.outcome import by_neuron, contradiction, possible
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.run import SelfTest
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_devices import device, last, shown
from prunus_layer import layer
from prunus_model.engine.engine import Engine
from prunus_model.spec.presentation import Request
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan

DENSE = ExportOptions(lanes=4, store="dense")
LEARNING = ExportOptions(lanes=2, store="learning")
KINDS = {"dense": DENSE, "csr": ExportOptions(lanes=2, store="csr"), "learning store": LEARNING}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "request_",
    [{}, {"stop_after": 3}, {"margin": 25}, {"stop_after": 2, "margin": 60, "keep": True}],
)
def test_images_are_shown_as_by_the_engine(kind: str, request_: dict[str, int]) -> None:
    with device(KINDS[kind], layer()) as one:
        found = last(one, 12, **request_)
    assert (found.images, found.difference) == (12, "")
    assert found.spikes >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_output_spikes_are_those_of_the_network_in_its_order(kind: str) -> None:
    artifact = layer()
    state = artifact.state.copy()
    state.presentation = 0
    engine = Engine(artifact.config, state, artifact.readout.votes)
    with device(KINDS[kind], layer()) as one:
        assert one.plan.permuted
        one.presentation = 0
        for levels, got in zip(shown(5), one.present_many(shown(5)), strict=True):
            want = engine.present(levels, learn=False)
            assert got.presentation.spike_posts.tolist() == want.spike_posts.tolist()
            assert got.presentation.spike_steps.tolist() == want.spike_steps.tolist()
            assert got.presentation.counters == want.counters


@pytest.mark.parametrize("kind", KINDS)
def test_words_hold_the_state(kind: str) -> None:
    plan = link_plan(layer(), KINDS[kind])
    widths = CoreDescription.of(plan).widths
    state = plan.state.copy()
    state.v[:] = np.random.default_rng(1).integers(-(1 << 23), 1 << 23, len(state.v))
    words = words_of(widths, state, plan.votes)
    assert (state.bias < 0).any() and (words[Space.BIAS] >= 0).all()
    base = link_plan(layer(2), KINDS[kind]).state
    back, votes = state_of(widths, words, base)
    assert np.array_equal(votes, plan.votes)
    for name in ("weights", "alive", "v", "v_fire", "bias", "presentation"):
        assert np.array_equal(getattr(back, name), getattr(state, name)), name
    assert back.weights.dtype == np.int8


def test_another_layer_is_loaded_and_compared() -> None:
    with device(DENSE, layer()) as one:
        one.load(layer(2))
        assert one.compare(layer(2)) == []
        found = [line.partition("[")[0] for line in one.compare(layer())]
        assert {"V_FIRE", "BIAS", "STORE"} <= set(found)
        assert last(one, 8).difference == ""


def test_a_result_that_cannot_be_is_told() -> None:
    network = layer().config
    counts = {"steps": 16, "inhibited_steps": 0, "input_spikes": 9, "integrated_spikes": 9}
    told = counts | {"prediction": 1, "lead": 0, "output_spikes": 160, "forward_sops": 0}
    request = Request(learn=False, stop_after=0, margin=0, keep=False)
    assert contradiction(told, network, request) == ""
    wrong = contradiction(told | {"output_spikes": 161}, network, request)
    assert wrong == "has output_spikes in 0..160, not 161"
    wrong = contradiction(told | {"inhibited_steps": 1}, network, request)
    assert wrong == "has inhibited_steps in 0..0, not 1"
    # After the third spike no step begins, and a step has at most ten.
    request["stop_after"] = 3
    wrong = contradiction(told | {"steps": 2, "output_spikes": 13}, network, request)
    assert wrong == "has output_spikes in 0..12, not 13"
    assert network.presentation_spikes() == 160 and network.presentation_spikes(3) == 12


def test_output_spikes_of_a_step_ascend() -> None:
    network = layer().config
    assert possible([(0, 1), (0, 2), (1, 0), (15, 9)], network, 16)
    for wrong in ([(0, 2), (0, 1)], [(0, 1), (0, 1)], [(1, 0), (0, 5)], [(0, 10)], [(16, 0)]):
        assert not possible(wrong, network, 16)
    neurons = np.array([4, 0, 3, 1, 2])
    assert by_neuron([(0, 0), (0, 1), (1, 3)], neurons, network) == [(0, 0), (0, 4), (1, 1)]


@pytest.mark.sim
def test_gateware_behind_the_link_is_the_layer() -> None:
    artifact = layer()
    core = CoreDescription.of(link_plan(artifact, DENSE))
    with Device(SimulatorTransport(layer(2), core), core=core) as one:
        one.load(artifact)
        assert one.compare(artifact) == []
        for request in ({}, {"stop_after": 5}, {"margin": 30}):
            found = last(one, 8, **request)
            assert (found.images, found.difference) == (8, "")


@pytest.mark.sim
def test_gateware_passes_the_self_test() -> None:
    artifact = layer()
    core = CoreDescription.of(link_plan(artifact, DENSE))
    with CountingTransport(SimulatorTransport(artifact, core)) as transport:
        test = SelfTest(transport, core=core, limit=3600.0)
        results = [test.identify(), *test.rest(artifact, shown(3))]
        assert [result.verdict for result in results] == ["ok"] * 5, results
        assert set(results[2].figures) == {space.name for space in spaces(core.widths)}
