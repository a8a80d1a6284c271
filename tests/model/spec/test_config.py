"""Configurations: TOML there and back, every range at both ends, every mistake in its words."""

import tomllib
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import (
    NAMED,
    POLICIES,
    AdaptivePruning,
    ConstantPruning,
    EncoderParams,
    HomeostasisParams,
    MembraneParams,
    NetworkConfig,
    NoPruning,
    PostPruning,
    PruningParams,
    ReadoutParams,
    RedundancyParams,
    SoftPruning,
    StdpParams,
    pruning_label,
)

#: Key, policy that has it, smallest and largest value.
RANGES = [
    ("inputs", None, 1, 65536),
    ("neurons", None, 1, 65536),
    ("weight_bits", None, 1, 8),
    ("seed", None, 0, 2**32 - 1),
    ("encoder.steps", None, 1, 255),
    ("encoder.gain", None, 1, 65535),
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
    ("redundancy.shift", None, 1, 15),
    ("redundancy.image_width", None, 1, 65536),
    ("redundancy.start", None, 0, 2**32 - 1),
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
        encoder=part(EncoderParams, "encoder"),
        membrane=part(MembraneParams, "membrane"),
        homeostasis=part(HomeostasisParams, "homeostasis"),
        stdp=part(StdpParams, "stdp"),
        pruning=draw(policies(2**weight_bits - 1)),
        redundancy=part(RedundancyParams, "redundancy") if draw(st.booleans()) else None,
        readout=part(ReadoutParams, "readout"),
    )


@given(config=all_configs())
def test_configuration_survives_toml_and_mappings(config: NetworkConfig) -> None:
    assert NetworkConfig.from_toml(config.to_toml()) == config
    assert NetworkConfig.from_mapping(config.to_mapping()) == config
    assert hash(NetworkConfig.from_toml(config.to_toml())) == hash(config)


@pytest.mark.parametrize("config", NAMED.values(), ids=NAMED.keys())
def test_configuration_survives_a_file(config: NetworkConfig, tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert NetworkConfig.read(path) == config


def test_empty_file_gives_the_defaults_of_the_semantics() -> None:
    assert NetworkConfig.from_toml("").to_mapping() == {
        "inputs": 784,
        "neurons": 100,
        "weight_bits": 8,
        "seed": 1,
        "encoder": {"steps": 64, "gain": 100},
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
        "redundancy": None,
        "readout": {"classes": 10, "vote_bits": 4, "stop_after": 0},
    }


def test_what_is_missing_keeps_its_default() -> None:
    got = NetworkConfig.from_toml("neurons = 7\n[encoder]\nsteps = 9\n")
    assert got == replace(NetworkConfig(), neurons=7, encoder=EncoderParams(steps=9))


@pytest.mark.parametrize(
    ("policy", "params"),
    [
        ("none", NoPruning()),
        ("constant", ConstantPruning(w_prune=20, start=0)),
        ("adaptive", AdaptivePruning(ramp_gain=1, ramp_shift=3, strength_gain=330, start=0)),
        ("soft", SoftPruning(after_presentations=40, min_spikes=2, percent=70)),
        ("post", PostPruning(w_prune=20)),
    ],
    ids=["none", "constant", "adaptive", "soft", "post"],
)
def test_policy_alone_gives_its_defaults(policy: str, params: PruningParams) -> None:
    got = NetworkConfig.from_toml(f"[pruning]\npolicy = '{policy}'")
    assert got.pruning == params == POLICIES[policy]
    assert got.pruning.policy == policy


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
    assert config == NAMED[name]
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


def test_sparse_is_the_paper_s_size_without_redundant_inputs() -> None:
    params = RedundancyParams(shift=12, image_width=28, start=40_000)
    assert NetworkConfig.named("sparse") == replace(NetworkConfig.named("paper"), redundancy=params)


def test_all_named_configurations_are_tested_above() -> None:
    assert list(NAMED) == ["tiny", "demo", "400", "up5k", "paper", "sparse", "1600"]


@pytest.mark.parametrize("name", ["", "Paper", "800"], ids=["empty", "upper case", "unknown"])
def test_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.named(name)
    names = "tiny, demo, 400, up5k, paper, sparse, 1600"
    expected = f"Configuration must be one of {names}, not {name!r}"
    assert str(info.value) == expected


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


@EVERY_RANGE
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("true", "True"),
        ("false", "False"),
        ("1.0", "1.0"),
        ("1.5", "1.5"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("'1'", "'1'"),
        ("[1]", "[1]"),
        ("{a = 1}", "{'a': 1}"),
        ("2020-01-31", "'2020-01-31'"),
    ],
    ids=[
        "true",
        "false",
        "whole float",
        "float",
        "not a number",
        "infinity",
        "minus infinity",
        "text",
        "list",
        "table",
        "date",
    ],
)
def test_everything_but_an_integer_is_refused(
    key: str, policy: str | None, low: int, high: int, value: str, shown: str
) -> None:
    assert low < high
    text = f"{key} = {value}\n" + (f"pruning.policy = '{policy}'\n" if policy else "")
    assert mistake(text) == f"here: {key} must be an integer, not {shown}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
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
            "pruning.policy must be one of none, constant, adaptive, soft, post, not 'hard'",
            id="unknown policy",
        ),
        pytest.param(
            "[pruning]\npolicy = 3",
            "pruning.policy must be one of none, constant, adaptive, soft, post, not 3",
            id="policy that is a number",
        ),
        pytest.param(
            "[pruning]\nw_prune = 3",
            "pruning.policy must be one of none, constant, adaptive, soft, post, not None",
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
            "weight_bits = 4\n[pruning]\npolicy = 'constant'\nw_prune = 16",
            "pruning.w_prune must be in 0..15 for weight_bits=4, not 16",
            id="constant threshold above narrow weights",
        ),
        pytest.param(
            "weight_bits = 1\n[pruning]\npolicy = 'post'\nw_prune = 2",
            "pruning.w_prune must be in 0..1 for weight_bits=1, not 2",
            id="post threshold above narrow weights",
        ),
        pytest.param(
            "weight_bits = 4\n[pruning]\npolicy = 'post'",
            "pruning.w_prune must be in 0..15 for weight_bits=4, not 20",
            id="default threshold above narrow weights",
        ),
        pytest.param(
            "seed = 123456789012345678901234567890",
            "seed must be at most 4294967295, not 123456789012345678901234567890",
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
    ("value", "shown"),
    [("3", "3"), ("'none'", "'none'"), ("[]", "[]")],
    ids=["number", "text", "list"],
)
def test_pruning_that_is_no_table_is_told_as_for_other_parts(value: str, shown: str) -> None:
    assert mistake(f"pruning = {value}") == f"here: pruning must be a table, not {shown}"


@pytest.mark.parametrize("weight_bits", range(1, 9), ids="{} bits".format)
@pytest.mark.parametrize("policy", ["constant", "post"])
def test_threshold_may_be_the_largest_weight_and_no_more(policy: str, weight_bits: int) -> None:
    top = 2**weight_bits - 1
    values = {"weight_bits": weight_bits, "pruning": {"policy": policy, "w_prune": top}}
    assert NetworkConfig.from_mapping(values).to_mapping()["pruning"]["w_prune"] == top
    values = {"weight_bits": weight_bits, "pruning": {"policy": policy, "w_prune": top + 1}}
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_mapping(values)
    if weight_bits == 8:
        assert str(info.value) == "config: pruning.w_prune must be at most 255, not 256"
    else:
        assert str(info.value) == (
            f"config: pruning.w_prune must be in 0..{top} for weight_bits={weight_bits}, "
            f"not {top + 1}"
        )


def test_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError) as info:
        NetworkConfig.read(path)
    expected = f"Configuration file {path} must be readable: No such file or directory"
    assert str(info.value) == expected


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.read(tmp_path)
    assert str(info.value) == f"Configuration file {tmp_path} must be readable: Is a directory"


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("seed = 1 # für".encode("latin-1"))
    with pytest.raises(ConfigError) as info:
        NetworkConfig.read(path)
    assert str(info.value) == f"Configuration file {path} must be readable: not UTF-8"


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


def test_mistake_without_a_source_is_in_the_config() -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_mapping({"seed": -1})
    assert str(info.value) == "config: seed must be at least 0, not -1"


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


def test_change_that_contradicts_is_refused() -> None:
    config = replace(NetworkConfig(), pruning=ConstantPruning(w_prune=16))
    with pytest.raises(ValidationError) as info:
        replace(config, weight_bits=4)
    (error,) = info.value.errors()
    expected = "Value error, pruning.w_prune must be in 0..15 for weight_bits=4, not 16"
    assert error["msg"] == expected


def test_configuration_is_frozen() -> None:
    config: Any = NetworkConfig()
    with pytest.raises(FrozenInstanceError, match=r"^cannot assign to field 'seed'$"):
        config.seed = 2
    with pytest.raises(FrozenInstanceError, match=r"^cannot assign to field 'steps'$"):
        config.encoder.steps = 2


def test_redundancy_is_beside_every_policy() -> None:
    text = "[pruning]\npolicy = 'none'\n[redundancy]\nshift = 3\n"
    config = NetworkConfig.from_toml(text)
    assert config.pruning == NoPruning()
    assert config.redundancy == RedundancyParams(shift=3, image_width=28, start=0)
    assert NetworkConfig.from_toml("").redundancy is None
    assert "redundancy" not in tomllib.loads(NetworkConfig().to_toml())


@pytest.mark.parametrize("policy", POLICIES)
def test_label_names_policy_and_redundancy(policy: str) -> None:
    config = replace(NetworkConfig(), pruning=POLICIES[policy])
    both = replace(config, redundancy=RedundancyParams())
    expected = "redundancy" if policy == "none" else f"{policy} + redundancy"
    assert (pruning_label(config), pruning_label(both)) == (policy, expected)
    row: dict[str, Any] = {"policy": policy, "redundancy": None}
    assert pruning_label(row) == policy
    assert pruning_label(row | {"redundancy": {"shift": 1}}) == expected
