"""Configurations: TOML there and back, every range at both ends, every mistake in its words."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams, EncoderParams, EventsParams
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams

#: Key, policy that has it, smallest and largest value.
RANGES = [
    ("inputs", None, 1, 65536),
    ("neurons", None, 1, 65536),
    ("weight_bits", None, 1, 8),
    ("seed", None, 0, 2**32 - 1),
    ("encoder.steps", None, 1, 255),
    ("encoder.gain", None, 1, 65535),
    ("encoder.refractory_steps", None, 0, 255),
    ("membrane.leak_shift", None, 0, 23),
    ("membrane.inhibition_steps", None, 0, 255),
    ("homeostasis.v_th", None, 1, 2**23 - 1),
    ("homeostasis.theta_plus", None, 0, 2**24 - 1),
    ("homeostasis.theta_decay_shift", None, 0, 24),
    ("homeostasis.fire_shift", None, 0, 42),
    ("stdp.trace_window", None, 0, 255),
    ("stdp.potentiation_shift", None, 0, 8),
    ("stdp.depression_shift", None, 0, 8),
    ("pruning.w_prune", "constant", 0, 255),
    ("pruning.start", "constant", 0, 2**32 - 1),
    ("pruning.ramp_gain", "adaptive", 0, 65535),
    ("pruning.ramp_shift", "adaptive", 0, 32),
    ("pruning.strength_gain", "adaptive", 0, 65535),
    ("pruning.start", "adaptive", 0, 2**32 - 1),
    ("pruning.after_presentations", "soft", 1, 65535),
    ("pruning.min_spikes", "soft", 1, 255),
    ("pruning.percent", "soft", 0, 100),
    ("pruning.w_prune", "post", 0, 255),
    ("readout.classes", None, 1, 256),
    ("readout.vote_bits", None, 1, 8),
    ("readout.stop_after", None, 0, 255),
]
EVERY_RANGE = pytest.mark.parametrize(
    ("key", "policy", "low", "high"),
    [pytest.param(*row, id=row[0] + (f" of {row[1]}" if row[1] else "")) for row in RANGES],
)


def mapping(key: str, value: Any, policy: str | None) -> dict[str, Any]:
    part, _, name = key.rpartition(".")
    if not part:
        return {name: value}
    return {part: {name: value} | ({"policy": policy} if policy else {})}


def mistake(text: str) -> str:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_toml(text, source="here")
    return str(info.value)


def policies(w_max: int) -> st.SearchStrategy[PruningParams]:
    start = st.integers(0, 2**32 - 1)
    gain = st.integers(0, 65535)
    return st.one_of(
        st.just(NoPruning()),
        st.builds(ConstantPruning, w_prune=st.integers(0, w_max), start=start),
        st.builds(
            AdaptivePruning,
            ramp_gain=gain,
            ramp_shift=st.integers(0, 32),
            strength_gain=gain,
            start=start,
        ),
        st.builds(
            SoftPruning,
            after_presentations=st.integers(1, 65535),
            min_spikes=st.integers(1, 255),
            percent=st.integers(0, 100),
        ),
        st.builds(PostPruning, w_prune=st.integers(0, w_max)),
    )


@st.composite
def all_configs(draw: st.DrawFn) -> NetworkConfig:
    """Configurations with every number anywhere in its range."""

    def part(kind: Any, name: str) -> Any:
        ranges = {
            key.split(".")[1]: st.integers(low, high)
            for key, _, low, high in RANGES
            if key.startswith(f"{name}.")
        }
        return draw(st.builds(kind, **ranges))

    weight_bits = draw(st.integers(1, 8))
    return NetworkConfig(
        inputs=draw(st.integers(1, 65536)),
        neurons=draw(st.integers(1, 65536)),
        weight_bits=weight_bits,
        seed=draw(st.integers(0, 2**32 - 1)),
        encoder=replace(
            part(EncoderParams, "encoder"),
            spikes=draw(st.sampled_from(["random", "low-discrepancy"])),
        ),
        membrane=part(MembraneParams, "membrane"),
        homeostasis=part(HomeostasisParams, "homeostasis"),
        stdp=part(StdpParams, "stdp"),
        pruning=draw(policies(2**weight_bits - 1)),
        readout=replace(
            part(ReadoutParams, "readout"),
            votes=draw(st.sampled_from(["shares", "logarithms"])),
            margin=draw(st.integers(0, 1)),
        ),
    )


def test_margin_must_be_one_that_the_votes_can_reach() -> None:
    text = "encoder.steps = 9\nreadout.vote_bits = 6\nreadout.margin = {}"
    assert NetworkConfig.from_toml(text.format(9 * 63)).readout.margin == 567
    assert mistake(text.format(568)) == (
        "here: readout.margin must be at most 567, which 9 output spikes reach with 6-bit votes, "
        "not 568"
    )


def test_contrasts_must_be_of_whole_rows_in_two_channels() -> None:
    text = "inputs = {}\n[encoder.contrast]\nimage_width = 7\nwindow = {}"
    got = NetworkConfig.from_toml(text.format(98, 3))
    assert got.encoder.contrast == ContrastParams(image_width=7, window=3)
    assert NetworkConfig.from_toml(got.to_toml()) == got
    assert mistake(text.format(91, 3)) == (
        "here: inputs must be two channels of rows of 7 pixels (encoder.contrast.image_width), "
        "not 91"
    )
    assert mistake(text.format(98, 4)) == "here: encoder.contrast.window must be odd, not 4"


def test_events_must_fit_the_inputs() -> None:
    text = "inputs = {}\n[encoder.events]\nwidth = 7\nheight = 5\nscale = 2\npolarity = '{}'"
    got = NetworkConfig.from_toml(text.format(24, "separate"))
    assert got.encoder.events == EventsParams(width=7, height=5, scale=2)
    assert (got.channels, got.pixels, got.image_levels) == (2, 12, 24)
    assert NetworkConfig.from_toml(got.to_toml()) == got
    assert got.to_identity()["encoder"]["events"]["scale"] == 2
    merged = NetworkConfig.from_toml(text.format(12, "merged"))
    assert (merged.channels, merged.pixels) == (1, 12)
    assert mistake(text.format(25, "separate")) == (
        "here: inputs must be for 24 inputs, 2 x 3 x 4 (channels x rows x columns of "
        "encoder.events), not 25"
    )
    assert "not 24" in mistake(text.format(24, "merged"))
    assert mistake(text.format(24, "separate") + "\n[encoder.contrast]\nimage_width = 4") == (
        "here: encoder.contrast and encoder.events exclude each other: leave one of them out"
    )


def test_events_of_groups_must_fit_the_image() -> None:
    text = (
        "inputs = 8\n[groups]\nimage_width = {}\nimage_height = 3\nwindow_width = 2\n"
        "window_height = 2\nstride = 1\n[encoder.events]\nwidth = 4\nheight = 3\n"
    )
    got = NetworkConfig.from_toml(text.format(4))
    assert (got.image_levels, got.group_count, got.view(1).inputs) == (24, 6, 8)
    assert mistake(text.format(5)) == (
        "here: groups.image_width and image_height must be for 24 inputs, 2 x 3 x 4 (channels x "
        "rows x columns of encoder.events), not 30"
    )


def test_a_new_parameter_at_its_default_is_no_part_of_the_identity() -> None:
    config = NetworkConfig.named("tiny")
    identity = config.to_identity()
    assert set(identity["encoder"]) == {"steps", "gain"}
    assert set(identity["readout"]) == {"classes", "vote_bits", "stop_after"}
    assert NetworkConfig.from_mapping(identity) == config
    encoder = replace(config.encoder, refractory_steps=1, spikes="low-discrepancy")
    used = replace(
        config, encoder=encoder, readout=replace(config.readout, votes="logarithms", margin=1)
    )
    assert used.to_identity()["encoder"] == {
        "steps": 16,
        "gain": 160,
        "spikes": "low-discrepancy",
        "refractory_steps": 1,
    }
    assert used.to_identity()["readout"]["votes"] == "logarithms"
    assert NetworkConfig.from_mapping(used.to_identity()) == used


def test_configurations_of_the_first_version_are_read_or_refused_in_one_line() -> None:
    config = NetworkConfig.named("demo")
    assert NetworkConfig.from_mapping(config.to_mapping() | {"redundancy": None}) == config
    assert mistake("[redundancy]\nshift = 12\n") == (
        "here: redundancy must be left out: pruning of redundant inputs is no longer there; train "
        "the network again without it, or use Prunus 0.1.0"
    )


@given(config=all_configs())
def test_configuration_survives_toml_and_mappings(config: NetworkConfig) -> None:
    assert NetworkConfig.from_toml(config.to_toml()) == config
    assert NetworkConfig.from_mapping(config.to_mapping()) == config
    assert hash(NetworkConfig.from_toml(config.to_toml())) == hash(config)


def test_empty_file_gives_the_defaults_of_the_semantics() -> None:
    assert NetworkConfig.from_toml("").to_mapping() == {
        "inputs": 784,
        "neurons": 100,
        "weight_bits": 8,
        "seed": 1,
        "encoder": {
            "steps": 64,
            "gain": 100,
            "spikes": "random",
            "refractory_steps": 0,
            "contrast": None,
            "events": None,
        },
        "membrane": {"leak_shift": 6, "inhibition_steps": 0},
        "homeostasis": {
            "v_th": 20000,
            "theta_plus": 250,
            "theta_decay_shift": 16,
            "fire_shift": 17,
        },
        "stdp": {"trace_window": 255, "potentiation_shift": 7, "depression_shift": 7},
        "pruning": {
            "policy": "adaptive",
            "ramp_gain": 1,
            "ramp_shift": 3,
            "strength_gain": 330,
            "start": 0,
        },
        "readout": {
            "classes": 10,
            "vote_bits": 4,
            "votes": "shares",
            "stop_after": 0,
            "margin": 0,
        },
        "groups": None,
        "feedforward": None,
    }


def test_what_is_missing_keeps_its_default() -> None:
    got = NetworkConfig.from_toml("neurons = 7\n[encoder]\nsteps = 9\n")
    assert got == replace(NetworkConfig(), neurons=7, encoder=EncoderParams(steps=9))


@EVERY_RANGE
def test_both_ends_of_every_range_are_accepted(
    key: str, policy: str | None, low: int, high: int
) -> None:
    for value in (low, high):
        text = tomli_w.dumps(mapping(key, value, policy))
        got: Any = NetworkConfig.from_toml(text)
        for name in key.split("."):
            got = getattr(got, name)
        assert got == value


@EVERY_RANGE
def test_one_past_both_ends_of_every_range_is_refused(
    key: str, policy: str | None, low: int, high: int
) -> None:
    below = mistake(tomli_w.dumps(mapping(key, low - 1, policy)))
    assert below == f"here: {key} must be at least {low}, not {low - 1}"
    above = mistake(tomli_w.dumps(mapping(key, high + 1, policy)))
    assert above == f"here: {key} must be at most {high}, not {high + 1}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("inputs = '1'", "inputs must be an integer, not '1'", id="text"),
        pytest.param("inputs = nan", "inputs must be an integer, not nan", id="not a number"),
        pytest.param("inputs = [1]", "inputs must be an integer, not [1]", id="list"),
        pytest.param("inputs = {a = 1}", "inputs must be an integer, not {'a': 1}", id="table"),
        pytest.param(
            "inputs = 2020-01-31", "inputs must be an integer, not '2020-01-31'", id="date"
        ),
        pytest.param("pruning = 3", "pruning must be a table, not 3", id="pruning is a number"),
        pytest.param("neuron = 5", "Key 'neuron' is unknown", id="unknown key"),
        pytest.param("[encoders]\nsteps = 1", "Key 'encoders' is unknown", id="unknown part"),
        pytest.param("[encoder]\nstep = 1", "Key 'encoder.step' is unknown", id="key in a part"),
        pytest.param(
            "[pruning]\npolicy = 'adaptive'\nw_prune = 3",
            "Key 'pruning.w_prune' is unknown",
            id="key of another policy",
        ),
        pytest.param(
            "[pruning]\npolicy = 'none'\nadaptive = 3",
            "Key 'pruning.adaptive' is unknown",
            id="key that is the name of a policy",
        ),
        pytest.param(
            "[pruning]\npolicy = 'hard'",
            "pruning.policy must be one of none, constant, adaptive, lift, soft, post, not 'hard'",
            id="unknown policy",
        ),
        pytest.param(
            "[pruning]\npolicy = 3",
            "pruning.policy must be one of none, constant, adaptive, lift, soft, post, not 3",
            id="policy that is a number",
        ),
        pytest.param(
            "[pruning]\nw_prune = 3",
            "pruning.policy must be one of none, constant, adaptive, lift, soft, post, not None",
            id="missing policy",
        ),
        pytest.param("encoder = 3", "encoder must be a table, not 3", id="part is a number"),
        pytest.param("readout = 'x'", "readout must be a table, not 'x'", id="part is text"),
        pytest.param("stdp = true", "stdp must be a table, not True", id="part is a truth value"),
        pytest.param("membrane = []", "membrane must be a table, not []", id="part is a list"),
        pytest.param(
            "[[homeostasis]]\nv_th = 3",
            "homeostasis must be a table, not [{'v_th': 3}]",
            id="part is a list of tables",
        ),
        pytest.param(
            "weight_bits = 4\n[pruning]\npolicy = 'post'",
            "pruning.w_prune must be in 0..15 for weight_bits=4, not 20",
            id="default threshold above narrow weights",
        ),
        pytest.param(
            "seed = 123456789012345678901234567890",
            "Configuration must be TOML: integers must have at most 64 bits",
            id="integer of many words",
        ),
        pytest.param(
            "inputs = 0\nneurons = true\nfoo = 1\n[encoder]\nsteps = 256\nbar = 2\n"
            "[pruning]\npolicy = 'adaptive'\nramp_shift = 33\nw_prune = 3",
            "inputs must be at least 1, not 0; neurons must be an integer, not True; "
            "encoder.steps must be at most 255, not 256; Key 'encoder.bar' is unknown; "
            "pruning.ramp_shift must be at most 32, not 33; Key 'pruning.w_prune' is unknown; "
            "Key 'foo' is unknown",
            id="several mistakes in one line",
        ),
        pytest.param(
            "inputs = ",
            "Configuration must be TOML: Invalid value (at end of document)",
            id="broken at the end",
        ),
        pytest.param(
            "inputs = 5\n[encoder]\nsteps = = 3\n",
            "Configuration must be TOML: Invalid value (at line 3, column 9)",
            id="broken in the middle",
        ),
        pytest.param(
            "inputs = 1\ninputs = 2\n",
            "Configuration must be TOML: Cannot overwrite a value (at line 2, column 11)",
            id="key given twice",
        ),
    ],
)
def test_mistake_is_told_in_one_line(text: str, message: str) -> None:
    assert mistake(text) == f"here: {message}"


@EVERY_RANGE
def test_truth_values_and_floats_are_no_integers(
    key: str, policy: str | None, low: int, high: int
) -> None:
    assert low < high
    for value in (True, float(high)):
        text = tomli_w.dumps(mapping(key, value, policy))
        assert mistake(text) == f"here: {key} must be an integer, not {value!r}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.toml", "must exist"),
        (".", "must be a file, not a folder"),
        ("latin", "must be readable: not UTF-8"),
    ],
    ids=["missing", "folder", "not UTF-8"],
)
def test_unreadable_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "latin").write_bytes("seed = 1 # für".encode("latin-1"))
    with pytest.raises(ConfigError) as info:
        NetworkConfig.read(tmp_path / name)
    assert str(info.value) == f"Configuration file {tmp_path / name} {reason}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = -1", "seed must be at least 0, not -1"),
        ("seed 1", "Configuration must be TOML: {} (at line 1, column 6)"),
    ],
    ids=["out of range", "broken"],
)
def test_mistake_in_a_file_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as info:
        NetworkConfig.read(path)
    reason = "Expected '=' after a key in a key/value pair"
    assert str(info.value) == f"{path}: {message.format(reason)}"


@pytest.mark.parametrize("value", [True, 1.0, "1", None], ids=["bool", "float", "text", "nothing"])
def test_constructor_takes_integers_only(value: Any) -> None:
    with pytest.raises(ValidationError) as info:
        NetworkConfig(inputs=value)
    (error,) = info.value.errors()
    assert (error["type"], error["loc"]) == ("int_type", ("inputs",))


def test_constructor_takes_no_unknown_key() -> None:
    unknown: dict[str, Any] = {"neuron": 5}
    with pytest.raises(ValidationError) as info:
        NetworkConfig(**unknown)
    (error,) = info.value.errors()
    assert (error["type"], error["loc"]) == ("unexpected_keyword_argument", ("neuron",))


def test_configuration_is_frozen() -> None:
    config: Any = NetworkConfig()
    with pytest.raises(FrozenInstanceError, match=r"^cannot assign to field 'seed'$"):
        config.seed = 2
    with pytest.raises(FrozenInstanceError, match=r"^cannot assign to field 'steps'$"):
        config.encoder.steps = 2


def test_readout_alone_is_changed() -> None:
    config = NetworkConfig.named("paper").with_readout(margin=56, vote_bits=6, votes=None)
    assert (config.readout.margin, config.readout.vote_bits) == (56, 6)
    assert config.readout.votes == "shares"
    assert config.with_readout(margin=0, vote_bits=4) == NetworkConfig.named("paper")


def test_readout_that_cannot_be_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        NetworkConfig.named("paper").with_readout(margin=961)
    assert str(caught.value) == (
        "Configuration: readout.margin must be at most 960, which 64 output spikes reach with "
        "4-bit votes, not 961"
    )
