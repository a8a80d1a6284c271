"""A feed-forward layer, by hand: values small enough to be worked out on paper."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_model.common.errors import ConfigError
from prunus_model.reference.feedforward import fire, settle
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import MembraneParams

CONFIG = NetworkConfig(
    inputs=2,
    neurons=3,
    encoder=EncoderParams(steps=4),
    membrane=MembraneParams(leak_shift=2),
    pruning=NoPruning(),
    readout=ReadoutParams(classes=2, vote_bits=4),
    feedforward=FeedforwardParams(reset="subtract"),
)
VOTES = np.array([[3, 0], [0, 1], [1, 1]], np.uint8)


def layer(reset: Any = "subtract", **changes: Any) -> Network:
    state = State.initial(CONFIG)
    state.weights[:] = [[10, -7, 3], [-2, 20, 0]]
    state.alive[1, 2] = False
    state.bias[:] = [1, 0, -4]
    state.v_fire[:] = [9, 12, 1]
    config = replace(CONFIG, feedforward=FeedforwardParams(reset=reset), **changes)
    return Network(config, state, VOTES)


@pytest.mark.parametrize(
    ("v", "v_fire", "reset", "fires", "after"),
    [
        pytest.param([4, 5, 7], 5, "zero", [False, True, True], [4, 0, 0], id="to 0"),
        pytest.param([4, 5, 7], 5, "subtract", [False, True, True], [4, 0, 2], id="subtract"),
        pytest.param([-9, 0, 1], 1, "subtract", [False, False, True], [-9, 0, 0], id="negative"),
    ],
)
def test_all_that_reach_their_threshold_fire(
    v: list[int], v_fire: int, reset: Any, fires: list[bool], after: list[int]
) -> None:
    got, left = fire(np.array(v), np.full(3, v_fire), reset)
    assert got.tolist() == fires
    assert left.tolist() == after


@pytest.mark.parametrize(
    ("before", "shift", "after"),
    [
        pytest.param(-1, 0, -1, id="no leak"),
        pytest.param(-1, 2, 0, id="what leaks is floored: -1 leaks"),
        pytest.param(-8, 2, -6, id="negative"),
        pytest.param(-9, 2, -6, id="negative, floored"),
        pytest.param(3, 2, 3, id="too little to leak"),
        pytest.param(2**23, 0, 2**23 - 1, id="largest"),
        pytest.param(-(2**23) - 1, 0, -(2**23), id="smallest"),
        pytest.param(2**24, 1, 2**23 - 1, id="saturates after the leak"),
        pytest.param(-(2**24), 1, -(2**23), id="saturates after the leak, negative"),
        pytest.param(2**24 - 2, 1, 2**23 - 1, id="leak just enough"),
    ],
)
def test_potentials_leak_then_saturate(before: int, shift: int, after: int) -> None:
    assert settle(np.array([before]), shift).tolist() == [after]


def test_one_presentation_by_hand() -> None:
    net = layer()
    steps = list(net.steps_events([[0], [0, 1], [], [0]], learn=False))
    # Step 0: u = 11, -7, -1; neuron 0 fires, 2 left. Leak: 2 - 0, -7 + 2, -1 + 1.
    # Step 1: u = 2 + 8 + 1 = 11, -5 + 13 = 8, 0 + 3 - 4 = -1; neuron 0 fires. 2, 8 - 2, 0.
    # Step 2: u = 3, 6, -4; none. 3 - 0, 6 - 1, -4 + 1.
    # Step 3: u = 14, -2, -4; neuron 0 fires: 5. 5 - 1, -2 + 1, -3.
    assert [step.posts for step in steps] == [(0,), (0,), (), (0,)]
    assert [step.fired for step in steps] == [(0,), (0,), (), (0,)]
    assert {(step.post, step.w_prune, step.inhibited, step.view) for step in steps} == {
        (-1, 0, False, 0)
    }
    assert net.state.v.tolist() == [4, -1, -3]
    assert net.state.last_step.tolist() == [3, 1]
    assert net.state.presentation == 1
    assert net.scores.tolist() == [9, 0]


def test_reset_to_zero_by_hand() -> None:
    net = layer("zero")
    result = net.present_events([[1], [1], [0, 1], [0, 1]], learn=False)
    # Step 0: -1, 20, -4: neuron 1. -1 + 1, 0, -4 + 1. Step 1: -1, 20, -7: neuron 1. 0, 0, -7 + 2.
    # Step 2: 9, 13, -6: neurons 0 and 1. 0, 0, -6 + 2. Step 3: 9, 13, -5: both. 0, 0, -5 + 2.
    assert result.spike_steps.tolist() == [0, 1, 2, 2, 3, 3]
    assert result.spike_posts.tolist() == [1, 1, 0, 1, 0, 1]
    assert net.state.v.tolist() == [0, 0, -3]
    assert net.scores.tolist() == [6, 4]
    assert (result.prediction, result.lead) == (0, 2)
    assert result.counters == Counters(
        presentations=1,
        steps=4,
        input_spikes=6,
        integrated_spikes=6,
        output_spikes=6,
        forward_sops=4 * 2 + 2 * 3,
        forward_dense=6 * 3,
    )


def test_exits_are_looked_at_once_at_the_end_of_a_step() -> None:
    spikes = [[0, 1]] * 4
    # With reset to 0, neurons 0 and 1 fire in every step: 9 and 13.
    three = layer("zero").present_events(spikes, learn=False, stop_after=3)
    assert three.spike_posts.tolist() == [0, 1, 0, 1]
    assert three.counters.steps == 2
    # The lead is 3 after neuron 0 of the first step, 2 at its end, and 4 at that of the second.
    led = layer("zero").present_events(spikes, learn=False, margin=3)
    assert (led.counters.steps, led.lead) == (2, 4)
    reached = layer("zero").present_events(spikes, learn=False, margin=2)
    assert (reached.counters.steps, reached.lead) == (1, 2)
    # A lead that is there from before ends the first step in which a neuron fires.
    net = layer("zero")
    net.scores = np.array([20, 0])
    result = net.present_events([[], [], [1]], learn=False, margin=9, keep=True)
    assert (result.counters.steps, result.lead) == (3, 19)


def test_silent_inputs_leave_the_bias() -> None:
    net = layer("zero", membrane=MembraneParams(leak_shift=0))
    result = net.present(np.zeros(2, np.uint8), learn=False)
    assert net.state.v.tolist() == [4, 0, -16]
    assert result.counters == Counters(presentations=1, steps=4, encoder_draws=4)


def test_a_layer_is_shown_and_not_trained() -> None:
    net = layer()
    image = np.zeros(2, np.uint8)
    with pytest.raises(ConfigError, match="to learn"):
        net.present(image, learn=True)
    with pytest.raises(ConfigError, match="to learn"):
        net.train(image[np.newaxis])
    assert net.presentation == 0


def test_at_rest_a_layer_keeps_its_thresholds() -> None:
    net = layer()
    net.present_events([[0], [0, 1]], learn=False)
    assert net.finish() == 0
    assert net.state.v.tolist() == [0, 0, 0]
    assert net.state.last_step.tolist() == [-1, -1]
    assert net.state.v_fire.tolist() == [9, 12, 1]
