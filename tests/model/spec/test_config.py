"""Configurations: TOML there and back, every range at both ends, every mistake in its words."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from prunus_mistakes import mistake
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
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


@EVERY_RANGE
def test_truth_values_and_floats_are_no_integers(
    key: str, policy: str | None, low: int, high: int
) -> None:
    assert low < high
    for value in (True, float(high)):
        text = tomli_w.dumps(mapping(key, value, policy))
        assert mistake(text) == f"here: {key} must be an integer, not {value!r}"


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
