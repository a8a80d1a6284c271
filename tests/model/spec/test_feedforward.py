"""A feed-forward layer: its configuration, its widths, its state."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from prunus_feedforward import feedforward_configs, feedforward_state
from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import Formats
from prunus_model.spec.presentation import check_learning
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State, state_dtypes

CONFIG = NetworkConfig(
    inputs=3,
    neurons=2,
    weight_bits=4,
    encoder=EncoderParams(steps=10),
    pruning=NoPruning(),
    feedforward=FeedforwardParams(),
)


def extremes(low: bool) -> State:
    """A state in which everything is as small, or as large, as it can be."""
    state = State.initial(CONFIG)
    state.weights[:] = -8 if low else 7
    state.v[:] = -(2**23) if low else 2**23 - 1
    state.v_fire[:] = 1 if low else 2**23 - 1
    state.bias[:] = -(2**15) if low else 2**15 - 1
    return state


def test_toml_has_the_table_and_reads_it_back() -> None:
    text = CONFIG.to_toml()
    assert '[feedforward]\nreset = "zero"\n' in text
    assert NetworkConfig.from_toml(text) == CONFIG
    assert CONFIG.to_identity()["feedforward"] == {"reset": "zero"}
    assert NetworkConfig.from_mapping(CONFIG.to_identity()) == CONFIG


@given(config=feedforward_configs())
def test_configuration_survives_toml_and_mappings(config: NetworkConfig) -> None:
    assert NetworkConfig.from_toml(config.to_toml()) == config
    assert NetworkConfig.from_mapping(config.to_mapping()) == config


def test_networks_that_learn_keep_their_identity() -> None:
    assert "feedforward" not in NetworkConfig().to_identity()
    assert "feedforward" not in NetworkConfig().to_toml()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_bits": 1}, "weight_bits must be 2 or more, as weights are signed, with feedfor"),
        ({"pruning": {"policy": "lift"}}, "pruning.policy must be none, with feedforward, not lif"),
        (
            {"membrane": {"inhibition_steps": 1}},
            "membrane.inhibition_steps must be 0, with feedforward, not 1",
        ),
        (
            {"inputs": 4, "groups": {"window_width": 2, "window_height": 2, "count": 1}},
            "groups must be left out, with feedforward, not given",
        ),
        ({"feedforward": {"reset": "value"}}, "feedforward.reset must be"),
    ],
)
def test_what_contradicts_a_layer_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_mapping(CONFIG.to_mapping() | change, source="here")
    assert message in str(info.value)
    assert "\n" not in str(info.value)


def test_widths_take_the_largest_sums() -> None:
    f = Formats(inputs=784, weight_bits=8, signed=True)
    assert (f.w_min, f.w_max, f.v_min, f.v_max) == (-128, 127, -(2**23), 2**23 - 1)
    low = f.v_min - 784 * 128 - 2**15
    assert -(2 ** (f.v_bits - 1)) <= low
    assert -(2 ** (f.v_bits - 2)) > low
    assert Formats(inputs=65536, weight_bits=8, signed=True).v_bits == 1 + 25
    assert Formats(inputs=1, weight_bits=2, signed=True).v_bits == 1 + 24


def test_scores_and_margins_take_the_spikes_of_all_neurons_in_all_steps() -> None:
    config = replace(CONFIG, readout=ReadoutParams(vote_bits=4))
    assert config.spikes_max == 10 * 2
    assert config.score_bits == 12
    assert config.margin_max == 20 * 15
    many = replace(config, neurons=500)
    assert many.score_bits == 16
    assert many.margin_max == 65535
    assert replace(config, readout=ReadoutParams(stop_after=3)).spikes_max == 3 - 1 + 2
    assert replace(config, readout=ReadoutParams(stop_after=255)).spikes_max == 20
    assert replace(config, readout=ReadoutParams(margin=300)).readout.margin == 300
    with pytest.raises(ValueError, match="at most 300, which 20 output spikes reach"):
        replace(config, readout=ReadoutParams(margin=301))


def test_a_layer_before_its_import_never_fires() -> None:
    state = State.initial(CONFIG)
    assert state.weights.tolist() == [[0, 0]] * 3
    assert state.alive.all()
    assert state.bias.tolist() == [0, 0]
    assert state.v_fire.tolist() == [2**23 - 1] * 2
    assert state.strength.tolist() == [0, 0]
    assert {name: getattr(state, name).dtype.type for name in state_dtypes(CONFIG)} == (
        state_dtypes(CONFIG)
    )
    state.check(CONFIG)


@given(config=feedforward_configs())
def test_states_of_property_tests_are_valid_and_copied_whole(config: NetworkConfig) -> None:
    state = feedforward_state(config, 1)
    copy = state.copy()
    assert copy.differences(state) == state.group(0, config).differences(state) == []
    copy.bias[0] ^= 1
    (line,) = copy.differences(state)
    assert line.startswith("bias[0]: ")


@pytest.mark.parametrize("low", [True, False])
def test_extremes_are_accepted(low: bool) -> None:
    extremes(low).check(CONFIG)


@pytest.mark.parametrize(
    ("low", "change", "message"),
    [
        (True, lambda s: s.weights.__isub__(1), r"weights[0, 0] must be in -8..7, not -9"),
        (False, lambda s: s.weights.__iadd__(1), r"weights[0, 0] must be in -8..7, not 8"),
        (True, lambda s: s.v.__isub__(1), "v[0] must be in -8388608..8388607, not -8388609"),
        (False, lambda s: s.v.__iadd__(1), "v[0] must be in -8388608..8388607, not 8388608"),
        (True, lambda s: s.v_fire.__isub__(1), "v_fire[0] must be in 1..8388607, not 0"),
        (False, lambda s: s.v_fire.__iadd__(1), "v_fire[0] must be in 1..8388607, not 8388608"),
        (True, lambda s: s.bias.__isub__(1), "bias[0] must be in -32768..32767, not -32769"),
        (False, lambda s: s.bias.__iadd__(1), "bias[0] must be in -32768..32767, not 32768"),
        (True, lambda s: s.theta.__iadd__(1), "theta[0] must be in 0..0, not 1"),
        (True, lambda s: s.post_count.__iadd__(1), "post_count[0] must be in 0..0, not 1"),
        (True, lambda s: s.strength.__iadd__(1), "strength[0] must be 0, with feedforward"),
        (True, lambda s: s.alive.fill(False), "weights[0, 0] must be 0 because it is pruned"),
    ],
)
def test_values_out_of_range_are_refused(
    low: bool, change: Callable[[State], object], message: str
) -> None:
    state = extremes(low)
    change(state)
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == message


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("weights", np.zeros((3, 2), np.uint8), "weights must be int8, not uint8"),
        ("bias", np.zeros(0, np.int32), "bias must have shape (2,), not (0,)"),
        ("bias", np.zeros(2, np.int16), "bias must be int32, not int16"),
    ],
)
def test_arrays_of_another_kind_are_refused(name: str, values: Any, message: str) -> None:
    state = State.initial(CONFIG)
    setattr(state, name, values)
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == message


def test_networks_that_learn_have_no_bias() -> None:
    config = NetworkConfig.named("tiny")
    state = State.initial(config)
    assert state.bias.shape == (0,)
    state.bias = np.zeros(10, np.int32)
    with pytest.raises(ValueError, match=r"^bias must have shape \(0,\), not \(10,\)$"):
        state.check(config)


def test_a_layer_does_not_learn() -> None:
    check_learning(False, CONFIG)
    check_learning(True, NetworkConfig())
    with pytest.raises(ConfigError, match=r"^feedforward must be left out to learn: "):
        check_learning(True, CONFIG)
