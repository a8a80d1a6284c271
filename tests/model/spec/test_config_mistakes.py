"""Mistakes in configurations: each is told in one line."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prunus_mistakes import mistake
from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams, EventsParams


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


def test_readout_that_cannot_be_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        NetworkConfig.named("paper").with_readout(margin=961)
    assert str(caught.value) == (
        "Configuration: readout.margin must be at most 960, which 64 output spikes reach with "
        "4-bit votes, not 961"
    )
