"""Parameters of pruning: defaults, limits that depend on the weights, labels."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.pruning import (
    POLICIES,
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
    scheduled,
)


@pytest.mark.parametrize(
    ("policy", "params"),
    [
        ("none", NoPruning()),
        ("constant", ConstantPruning(w_prune=20, start=0)),
        ("adaptive", AdaptivePruning(ramp_gain=1, ramp_shift=3, strength_gain=330, start=0)),
        ("lift", LiftPruning(share=176, length=None)),
        ("soft", SoftPruning(after_presentations=40, min_spikes=2, percent=70)),
        ("post", PostPruning(w_prune=20)),
    ],
    ids=["none", "constant", "adaptive", "lift", "soft", "post"],
)
def test_policy_alone_gives_its_defaults(policy: str, params: PruningParams) -> None:
    got = NetworkConfig.from_toml(f"[pruning]\npolicy = '{policy}'")
    assert got.pruning == params == POLICIES[policy]
    assert got.pruning.policy == policy


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


def test_change_that_contradicts_is_refused() -> None:
    config = replace(NetworkConfig(), pruning=ConstantPruning(w_prune=16))
    with pytest.raises(ValidationError) as info:
        replace(config, weight_bits=4)
    (error,) = info.value.errors()
    expected = "Value error, pruning.w_prune must be in 0..15 for weight_bits=4, not 16"
    assert error["msg"] == expected


@pytest.mark.parametrize("policy", POLICIES)
def test_label_names_the_policy(policy: str) -> None:
    assert pruning_label(replace(NetworkConfig(), pruning=POLICIES[policy])) == policy
    assert pruning_label({"policy": policy}) == policy


@pytest.mark.parametrize(
    ("presentations", "shift", "units"),
    [
        (1, 0, 1),
        (255, 0, 255),
        (256, 1, 128),
        (511, 1, 255),
        (120_000, 9, 234),
        (2**32 - 1, 24, 255),
    ],
)
def test_lift_counts_time_by_the_length_of_a_training(
    presentations: int, shift: int, units: int
) -> None:
    policy = scheduled(LiftPruning(share=7), presentations)
    assert policy == LiftPruning(share=7, length=presentations)
    assert isinstance(policy, LiftPruning)
    assert (policy.unit_shift, policy.units) == (shift, units)
    # What is given stays, and other policies have none.
    given = LiftPruning(length=3)
    assert scheduled(given, presentations) == given
    assert scheduled(AdaptivePruning(), presentations) == AdaptivePruning()


def test_lift_without_a_length_can_not_be_used() -> None:
    for value in ("units", "unit_shift"):
        with pytest.raises(ConfigError, match=r"pruning\.length must be set, as a training sets"):
            getattr(LiftPruning(), value)
