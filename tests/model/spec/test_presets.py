"""Presets: what each is, in a file and by its name."""

from dataclasses import replace
from pathlib import Path

import pytest

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams


@pytest.mark.parametrize(
    ("name", "inputs", "neurons", "steps", "theta_plus", "ramp", "strength_gain"),
    [
        ("tiny", 49, 10, 16, 500, (1, 3), 330),
        ("demo", 784, 100, 64, 250, (1, 6), 250),
        ("400", 784, 400, 64, 500, (1, 4), 330),
        ("up5k", 784, 400, 64, 500, (17, 8), 330),
        ("paper", 784, 800, 64, 1000, (1, 3), 330),
        ("1600", 784, 1600, 64, 2000, (1, 2), 330),
    ],
    ids=["tiny", "demo", "four hundred", "up5k", "paper", "sixteen hundred"],
)
def test_named_configurations(
    name: str,
    inputs: int,
    neurons: int,
    steps: int,
    theta_plus: int,
    ramp: tuple[int, int],
    strength_gain: int,
) -> None:
    config = NetworkConfig.named(name)
    assert config.encoder.steps == steps
    assert (config.inputs, config.neurons) == (inputs, neurons)
    assert config.homeostasis.theta_plus == theta_plus
    assert config.pruning == AdaptivePruning(
        ramp_gain=ramp[0], ramp_shift=ramp[1], strength_gain=strength_gain
    )
    if name == "tiny":
        assert config.encoder.gain == 160
        assert config.stdp == StdpParams(potentiation_shift=4, depression_shift=4)
    else:
        assert config.encoder == EncoderParams()
        assert config.stdp == StdpParams()
    assert (config.membrane, config.readout) == (MembraneParams(), ReadoutParams())
    assert replace(config.homeostasis, theta_plus=250) == HomeostasisParams()
    assert (config.weight_bits, config.seed) == (8, 1)


@pytest.mark.parametrize(
    ("name", "groups", "views", "neurons", "weight_bits", "pruning", "margin"),
    [
        ("windows", 25, 75, 200, 4, AdaptivePruning(ramp_shift=9, strength_gain=250), 145),
        ("windows-xl", 25, 125, 800, 8, AdaptivePruning(ramp_shift=4, strength_gain=250), 170),
        ("windows-16", 16, 80, 300, 8, AdaptivePruning(ramp_shift=5, strength_gain=250), 95),
        ("windows-large", 25, 75, 400, 8, AdaptivePruning(ramp_shift=4, strength_gain=250), 80),
        ("lean", 9, 45, 128, 4, AdaptivePruning(ramp_shift=10, strength_gain=250), 120),
    ],
    ids=["windows", "sixteen windows", "large windows", "largest windows", "lean"],
)
def test_groups_on_windows_of_12_by_12(
    name: str,
    groups: int,
    views: int,
    neurons: int,
    weight_bits: int,
    pruning: AdaptivePruning,
    margin: int,
) -> None:
    config = NetworkConfig.named(name)
    assert (config.inputs, config.neurons, config.weight_bits) == (144, neurons, weight_bits)
    assert (config.group_count, config.view_count, config.image_levels) == (groups, views, 784)
    assert config.encoder == EncoderParams(steps=8, gain=200, spikes="low-discrepancy")
    assert config.membrane == MembraneParams(leak_shift=0)
    assert config.homeostasis == HomeostasisParams(theta_plus=neurons * 5 // 4, fire_shift=18)
    assert config.stdp == StdpParams(potentiation_shift=6, depression_shift=6)
    assert config.pruning == pruning
    assert config.readout == ReadoutParams(
        votes="logarithms", vote_bits=6, stop_after=1, margin=margin
    )
    assert config.groups is not None
    # The places of a grid, whatever the order.
    side = {25: 5, 16: 4, 9: 3}[groups]
    grid = replace(config.groups, count=side, positions=None, order="given")
    assert sorted(config.groups.places()) == grid.places()


def test_windows_on_edges_of_fashion_mnist() -> None:
    config = NetworkConfig.named("windows-fashion")
    assert (config.inputs, config.neurons, config.weight_bits) == (392, 1600, 8)
    assert (config.group_count, config.view_count, config.image_levels) == (9, 9, 1568)
    assert config.encoder.contrast is not None
    assert (config.encoder.contrast.image_width, config.encoder.contrast.window) == (28, 11)
    assert (config.encoder.steps, config.encoder.gain) == (16, 100)
    assert config.homeostasis == HomeostasisParams(theta_plus=4000, fire_shift=19)
    assert config.pruning == AdaptivePruning(ramp_shift=3, strength_gain=250)
    assert config.readout == ReadoutParams(votes="logarithms", vote_bits=6, stop_after=1, margin=80)
    assert config.groups is not None
    grid = replace(config.groups, count=3, positions=None)
    assert sorted(config.groups.places()) == grid.places()


def test_all_named_configurations_are_tested_above() -> None:
    assert list(PRESETS) == [
        *("tiny", "demo", "400", "up5k", "paper", "1600"),
        *("windows", "windows-large", "windows-xl", "windows-16", "lean", "windows-fashion"),
    ]


@pytest.mark.parametrize("name", ["", "Paper", "800"], ids=["empty", "upper case", "unknown"])
def test_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.named(name)
    names = (
        "tiny, demo, 400, up5k, paper, 1600, windows, windows-large, windows-xl, "
        "windows-16, lean, windows-fashion"
    )
    expected = f"Configuration must be one of {names}, not {name!r}"
    assert str(info.value) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_preset_survives_a_file(name: str, tmp_path: Path) -> None:
    config = NetworkConfig.named(name)
    path = tmp_path / "network.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert NetworkConfig.read(path) == config
