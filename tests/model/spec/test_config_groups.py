"""Configurations with groups: what follows from them, and what contradicts them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams, EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.labels import size_label
from prunus_model.spec.readout import ReadoutParams
from prunus_strategies import configs, group_configs

TEXT = """
inputs = {inputs}
neurons = {neurons}
seed = 4294967295
encoder.steps = {steps}
readout = {{ vote_bits = 6, stop_after = {stop_after}, margin = {margin} }}
[groups]
image_width = 8
image_height = 7
window_width = 3
window_height = 2
stride = 3
{more}
"""
VALUES: dict[str, Any] = {
    "inputs": 6,
    "neurons": 5,
    "steps": 9,
    "stop_after": 0,
    "margin": 0,
    "more": "looks = [[0, 0], [1, 0], [0, -1]]",
}


def parsed(**values: Any) -> NetworkConfig:
    return NetworkConfig.from_toml(TEXT.format(**VALUES | values), source="here")


def mistake(**values: Any) -> str:
    with pytest.raises(ConfigError) as info:
        parsed(**values)
    return str(info.value)


def test_sizes_follow_from_groups_and_looks() -> None:
    config = parsed()
    assert (config.group_count, config.view_count) == (4, 12)
    assert (config.rows, config.all_neurons) == (24, 20)
    assert (config.channels, config.pixels, config.image_levels) == (1, 56, 56)
    assert config.view_indices.shape == (12, 6)
    assert config.view_indices[0].tolist() == [0, 1, 2, 8, 9, 10]
    assert config.view_indices[4].tolist() == [8, 9, 10, 16, 17, 18]
    # Widths are those of one group.
    assert config.formats.strength_bits == (6 * 255).bit_length()
    assert size_label(config) == "4 groups of 5 neurons"


def test_contrasts_are_two_levels_of_each_pixel() -> None:
    config = parsed(inputs=12, more="[encoder.contrast]\nimage_width = 8\nwindow = 3")
    assert (config.channels, config.pixels, config.image_levels) == (2, 56, 112)
    assert config.view_indices[1].tolist() == [
        *[3, 4, 5, 11, 12, 13],
        *[59, 60, 61, 67, 68, 69],
    ]


@pytest.mark.parametrize(
    ("steps", "vote_bits", "bits"), [(1, 6, 14), (21, 6, 14), (22, 6, 15), (85, 6, 16), (85, 8, 16)]
)
def test_scores_hold_the_votes_of_all_views_up_to_16_bits(
    steps: int, vote_bits: int, bits: int
) -> None:
    """12 views; never fewer bits than without groups."""
    config = parsed(steps=steps)
    config = replace(config, readout=replace(config.readout, vote_bits=vote_bits))
    assert config.score_bits == bits
    assert (config.spikes_max, config.margin_max) == (
        12 * steps,
        min(12 * steps * (2**vote_bits - 1), 2**bits - 1),
    )
    assert replace(config, groups=None).score_bits == vote_bits + 8


def test_a_network_without_groups_is_one() -> None:
    config = NetworkConfig(
        inputs=98, neurons=7, encoder=EncoderParams(contrast=ContrastParams(image_width=7))
    )
    assert (config.group_count, config.view_count) == (1, 1)
    assert (config.rows, config.all_neurons) == (98, 7)
    assert (config.channels, config.pixels, config.image_levels) == (2, 49, 98)
    assert config.view_indices.tolist() == [list(range(98))]
    assert size_label(config) == "7 neurons"


def test_a_view_is_a_network_of_its_own() -> None:
    config = parsed(inputs=12, margin=5, more="[encoder.contrast]\nimage_width = 8")
    view = config.view(3)
    # 2**32 - 1 + 3
    assert (view.seed, config.view(0).seed) == (2, 2**32 - 1)
    assert (view.groups, view.encoder.contrast) == (None, None)
    assert (view.inputs, view.neurons, view.group_count) == (12, 5, 1)
    assert view == replace(
        config,
        seed=2,
        groups=None,
        encoder=replace(config.encoder, contrast=None),
        readout=replace(config.readout, margin=0),
    )


def test_largest_network_of_groups() -> None:
    groups = GroupsParams(window_width=16, window_height=16, count=16)
    config = NetworkConfig(inputs=256, neurons=256, groups=groups)
    assert (config.rows, config.all_neurons) == (65536, 65536)
    with pytest.raises(ValueError, match="neurons must be at most 65536 in all groups, not 65792"):
        NetworkConfig(inputs=256, neurons=257, groups=groups)
    # 17 * 17 windows of 16 * 16 pixels.
    wide = replace(groups, image_width=32, image_height=32, stride=1, count=None)
    with pytest.raises(ValueError, match="inputs must be at most 65536 in all groups, not 73984"):
        NetworkConfig(inputs=256, neurons=1, groups=wide)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {"inputs": 7}, "inputs must be 6, which a group sees, not 7", id="inputs of another"
        ),
        pytest.param(
            {"more": "[encoder.contrast]\nimage_width = 8"},
            "inputs must be 12, which a group sees, not 6",
            id="inputs of grey levels",
        ),
        pytest.param(
            {"inputs": 12, "more": "[encoder.contrast]\nimage_width = 7"},
            "encoder.contrast.image_width must be groups.image_width, 8, not 7",
            id="contrasts of another image",
        ),
        pytest.param(
            {"steps": 86},
            "encoder.steps must be at most 85 for 3 looks, not 86",
            id="steps of all looks",
        ),
        pytest.param(
            {"margin": 12 * 9 * 63 + 1},
            "readout.margin must be at most 6804, which 108 output spikes reach with 6-bit votes, "
            "not 6805",
            id="margin beyond all spikes",
        ),
        pytest.param(
            {"stop_after": 1, "margin": 12 * 63 + 1},
            "readout.margin must be at most 756, which 12 output spikes reach with 6-bit votes, "
            "not 757",
            id="margin beyond one spike of each view",
        ),
        pytest.param(
            {"steps": 85, "margin": 64261},
            "readout.margin must be at most 64260, which 1020 output spikes reach with 6-bit "
            "votes, not 64261",
            id="margin beyond the most spikes",
        ),
    ],
)
def test_contradiction_is_told_in_one_line(values: dict[str, Any], message: str) -> None:
    assert mistake(**values) == f"here: {message}"


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 85},
        {"margin": 12 * 9 * 63},
        {"stop_after": 1, "margin": 12 * 63},
        {"stop_after": 10, "margin": 12 * 9 * 63},
        {"steps": 85, "margin": 64260},
    ],
    ids=str,
)
def test_what_is_just_possible_is_accepted(values: dict[str, Any]) -> None:
    config = parsed(**values)
    assert config.readout.margin == values.get("margin", 0)


@given(config=group_configs())
def test_groups_survive_toml_and_mappings(config: NetworkConfig) -> None:
    assert NetworkConfig.from_toml(config.to_toml()) == config
    assert NetworkConfig.from_mapping(config.to_mapping()) == config
    assert NetworkConfig.from_mapping(config.to_identity()) == config
    assert config.to_identity()["groups"] == config.to_mapping()["groups"]
    assert hash(NetworkConfig.from_toml(config.to_toml())) == hash(config)


@given(config=configs())
def test_without_groups_the_identity_has_no_such_key(config: NetworkConfig) -> None:
    assert "groups" not in config.to_identity()
    assert NetworkConfig.from_mapping(config.to_identity()) == config


@given(config=group_configs())
def test_views_are_numbered_by_look_and_group(config: NetworkConfig) -> None:
    assert config.groups is not None
    assert config.view_count == config.group_count * len(config.groups.looks)
    assert config.view_indices.shape == (config.view_count, config.inputs)
    assert config.view_indices.max() < config.image_levels
    for number in range(config.view_count):
        view = config.view(number)
        assert view.seed == (config.seed + number) % 2**32
        assert np.array_equal(view.view_indices[0], np.arange(config.inputs))


def test_readout_is_changed_with_its_reach_by_views() -> None:
    config = parsed(stop_after=1)
    assert config.with_readout(margin=756).readout == ReadoutParams(
        vote_bits=6, stop_after=1, margin=756
    )
    with pytest.raises(ConfigError, match="which 12 output spikes reach"):
        config.with_readout(margin=757)
