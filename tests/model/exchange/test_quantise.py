"""Floating-point layers in integers, and what that has cost."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.exchange.quantise import can_fire, quantised
from prunus_model.exchange.simulate import FloatLayer, simulate
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.units import MembraneParams


def config(inputs: int, neurons: int, **changes: Any) -> NetworkConfig:
    values: dict[str, Any] = {
        "encoder": EncoderParams(steps=10),
        "membrane": MembraneParams(leak_shift=0),
        "pruning": NoPruning(),
        "feedforward": FeedforwardParams(),
    }
    return NetworkConfig(inputs=inputs, neurons=neurons, **values | changes)


def floats(weight: Any, **changes: Any) -> FloatLayer:
    neurons = len(weight)
    values = {
        "bias": 0.0,
        "leak": 0.0,
        "gain": 1.0,
        "v_leak": 0.0,
        "v_threshold": 1.0,
        "v_reset": 0.0,
    } | changes
    subtract = bool(values.pop("subtract", False))
    arrays = {name: np.broadcast_to(np.float64(v), neurons) for name, v in values.items()}
    return FloatLayer(weight=np.array(weight, dtype=np.float64), subtract=subtract, **arrays)


def test_one_scale_for_all_by_hand() -> None:
    layer = floats([[0.5, -1.0, 0.003], [0.25, 0.0, 0.5]], bias=[0.1, -0.2], v_threshold=[1, 0.75])
    state, loss = quantised(layer, config(3, 2))
    assert loss.scale == 127
    assert state.weights.T.tolist() == [[64, -127, 0], [32, 0, 64]]
    assert state.alive.T.tolist() == [[True, True, False], [True, False, True]]
    assert state.bias.tolist() == [13, -25]
    # Above 127 and above 95.25, in integers.
    assert state.v_fire.tolist() == [128, 96]
    assert (loss.zeros, loss.rounded_to_zero) == (2, 1)
    assert loss.weight_error == pytest.approx(0.5 / 127)
    assert loss.bias_error == pytest.approx(25.4 / 127 - 25 / 127)
    assert loss.threshold_error == pytest.approx(0.5 / 127)
    assert (loss.biases_clipped, loss.thresholds_clipped, loss.never_fire) == (0, 0, 0)
    assert loss.to_mapping()["largest_weight"] == 1.0


def test_gain_and_rest_go_into_weights_and_bias() -> None:
    layer = floats([[2.0], [1.0]], gain=[0.5, 0.25], bias=[1.0, 1.0], leak=0.5, v_leak=[0.0, 0.5])
    state, loss = quantised(layer, config(1, 2))
    assert loss.largest_weight == 1.0
    assert state.weights.tolist() == [[127, 32]]
    assert state.bias.tolist() == [64, 64]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_largest_weight_is_the_largest_integer(bits: int) -> None:
    layer = floats([[-0.3, 0.1]])
    state, _ = quantised(layer, config(2, 1, weight_bits=bits))
    assert state.weights[0, 0] == -(2 ** (bits - 1) - 1)


def test_what_does_not_fit_is_clipped_and_counted() -> None:
    layer = floats([[1e-4], [1.0]], bias=[500.0, -500.0], v_threshold=[1e6, 1.0])
    state, loss = quantised(layer, config(1, 2))
    assert state.bias.tolist() == [32767, -32768]
    assert state.v_fire.tolist() == [2**23 - 1, 128]
    assert (loss.biases_clipped, loss.thresholds_clipped) == (2, 1)
    assert loss.bias_error == pytest.approx(500 - 32767 / 127)
    # The first by its bias alone would need 257 steps.
    assert loss.never_fire == 2


def test_neurons_that_can_never_fire_are_found() -> None:
    layer = floats([[1.0, -1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]], bias=[0, 0, 0.5, 0])
    ten = config(2, 4)
    state, loss = quantised(replace(layer, v_threshold=np.array([9.9, 20.0, 5.0, 0.0])), ten)
    assert can_fire(state, ten).tolist() == [True, False, True, False]
    assert loss.never_fire == 2
    leaky = replace(ten, membrane=MembraneParams(leak_shift=1))
    # Half is left in each step: never 2.
    two = quantised(floats([[1.0]], v_threshold=2.0), replace(leaky, inputs=1, neurons=1))
    assert two[1].never_fire == 1


def test_a_layer_without_weights_is_all_pruned() -> None:
    state, loss = quantised(floats([[0.0, 0.0]]), config(2, 1))
    assert not state.alive.any()
    assert (loss.scale, loss.never_fire, loss.rounded_to_zero) == (1.0, 1, 0)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.integers(0, 3),
    subtract=st.booleans(),
    neurons=st.integers(1, 5),
)
def test_layers_of_small_integers_do_the_same_without_a_leak_or_with_dyadic_ones(
    seed: int, shift: int, subtract: bool, neurons: int
) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-4, 5, (neurons, 6)).astype(np.float64)
    weight[0, 0] = 127
    layer = floats(
        weight,
        bias=rng.integers(-2, 3, neurons),
        # A little less than an integer: it is that which a reset takes.
        v_threshold=rng.integers(1, 13, neurons) - 1e-9,
        leak=2.0**-shift if shift else 0.0,
        subtract=subtract,
    )
    params = config(
        6,
        neurons,
        # One step: what a leak rounds is not seen.
        encoder=EncoderParams(steps=1 if shift else 10),
        membrane=MembraneParams(leak_shift=shift),
        feedforward=FeedforwardParams(reset="subtract" if subtract else "zero"),
    )
    state, loss = quantised(layer, params)
    assert (loss.scale, loss.weight_error, loss.bias_error) == (1.0, 0.0, 0.0)
    spikes = rng.random((1, params.encoder.steps, 6)) < 0.4
    events = [np.flatnonzero(step).tolist() for step in spikes[0]]
    got = Network(params, state).present_events(events, learn=False)
    steps, posts = np.nonzero(simulate(layer, spikes)[0])
    assert got.spike_steps.tolist() == steps.tolist()
    assert got.spike_posts.tolist() == posts.tolist()
