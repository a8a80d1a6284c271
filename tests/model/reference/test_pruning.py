"""Pruning policies: each term of each rule is the one that decides, and its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.reference.pruning import (
    frozen_by_soft,
    kept_by_post,
    prune,
    pruning_threshold,
)
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)

LARGE = 2**31


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(NoPruning(), id="none"),
        pytest.param(SoftPruning(), id="soft"),
        pytest.param(PostPruning(w_prune=255), id="post"),
    ],
)
def test_other_policies_prune_nothing_in_a_sweep(policy: PruningParams) -> None:
    assert pruning_threshold(65535, 199920, LARGE, 255, policy) == 0


@pytest.mark.parametrize(
    ("start", "presentation", "w_prune"),
    [(0, 0, 20), (0, LARGE, 20), (5, 4, 0), (5, 5, 20), (5, 6, 20)],
    ids=["at once", "for ever", "one too early", "at the start", "after the start"],
)
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(ConstantPruning(w_prune=20), id="constant"),
        pytest.param(AdaptivePruning(ramp_gain=20, ramp_shift=0), id="adaptive"),
    ],
)
def test_pruning_begins_at_its_start(
    policy: ConstantPruning | AdaptivePruning, start: int, presentation: int, w_prune: int
) -> None:
    if isinstance(policy, ConstantPruning):
        policy = ConstantPruning(w_prune=policy.w_prune, start=start)
    else:
        policy = AdaptivePruning(ramp_gain=20, ramp_shift=0, start=start)
    assert pruning_threshold(1, 20000, presentation, 255, policy) == w_prune


@pytest.mark.parametrize("w_prune", [0, 1, 255], ids="threshold {}".format)
def test_constant_threshold_is_for_all_neurons_and_times(w_prune: int) -> None:
    policy = ConstantPruning(w_prune=w_prune)
    got = {
        pruning_threshold(post_count, strength, presentation, 255, policy)
        for post_count in (1, 65535)
        for strength in (0, 1, 199920)
        for presentation in (0, 1, 2**32 - 1)
    }
    assert got == {w_prune}


@pytest.mark.parametrize(
    ("post_count", "strength", "w_max", "w_prune"),
    [
        pytest.param(80, 20000, 255, 10, id="ramp is the minimum"),
        pytest.param(79, 20000, 255, 9, id="ramp is floored"),
        pytest.param(7, 20000, 255, 0, id="ramp is still 0"),
        pytest.param(8, 20000, 255, 1, id="ramp begins"),
        pytest.param(80, 1500, 255, 7, id="cap is the minimum"),
        pytest.param(80, 1588, 255, 7, id="cap is floored"),
        pytest.param(80, 1589, 255, 8, id="cap is 8"),
        pytest.param(80, 0, 255, 0, id="cap of a neuron without weight"),
        pytest.param(65535, 199920, 255, 255, id="largest weight is the minimum, 8 bits"),
        pytest.param(65535, 199920, 15, 15, id="largest weight is the minimum, 4 bits"),
        pytest.param(80, 2184, 255, 10, id="ramp equals cap"),
        pytest.param(80, 2184, 10, 10, id="all three are equal"),
    ],
)
def test_adaptive_threshold_is_the_minimum_of_ramp_cap_and_largest_weight(
    post_count: int, strength: int, w_max: int, w_prune: int
) -> None:
    policy = AdaptivePruning(ramp_gain=1, ramp_shift=3, strength_gain=330)
    assert pruning_threshold(post_count, strength, 0, w_max, policy) == w_prune


@pytest.mark.parametrize(
    ("policy", "w_prune"),
    [
        pytest.param(AdaptivePruning(ramp_gain=0, strength_gain=65535), 0, id="no ramp"),
        pytest.param(AdaptivePruning(ramp_gain=65535, strength_gain=0), 0, id="no cap"),
        pytest.param(
            AdaptivePruning(ramp_gain=3, ramp_shift=0, strength_gain=65535), 60, id="ramp of 3"
        ),
        pytest.param(
            AdaptivePruning(ramp_gain=3, ramp_shift=2, strength_gain=65535),
            15,
            id="ramp of three quarters",
        ),
        pytest.param(AdaptivePruning(ramp_gain=65535, ramp_shift=32), 0, id="slowest"),
        pytest.param(AdaptivePruning(ramp_gain=9, ramp_shift=0, strength_gain=65), 1, id="weak"),
        pytest.param(AdaptivePruning(ramp_gain=9, ramp_shift=0, strength_gain=66), 2, id="less so"),
    ],
)
def test_adaptive_gains(policy: AdaptivePruning, w_prune: int) -> None:
    assert pruning_threshold(20, 2000, 0, 255, policy) == w_prune


@pytest.mark.parametrize(
    ("percent", "plastic", "count"),
    [
        pytest.param(0, 10, 0, id="0 percent"),
        pytest.param(100, 10, 10, id="100 percent"),
        pytest.param(70, 10, 7, id="whole number"),
        pytest.param(50, 3, 1, id="half is rounded down"),
        pytest.param(99, 10, 9, id="nine tenths is rounded down"),
        pytest.param(33, 3, 0, id="just below 1 is rounded down"),
        pytest.param(34, 3, 1, id="just above 1"),
        pytest.param(70, 0, 0, id="nothing is left"),
        pytest.param(29, 100, 29, id="no error of floating point"),
    ],
)
def test_soft_pruning_freezes_the_percentage_of_the_plastic_rounded_down(
    percent: int, plastic: int, count: int
) -> None:
    # Three more are not plastic, with the lowest weights of all.
    w = np.concatenate([np.zeros(3, np.int64), np.arange(plastic)[::-1] + 1])
    mask = np.arange(plastic + 3) >= 3
    frozen = frozen_by_soft(w, mask, SoftPruning(percent=percent))
    assert frozen.dtype == np.bool_
    assert np.flatnonzero(frozen).tolist() == list(range(3 + plastic - count, 3 + plastic))


@pytest.mark.parametrize(
    ("percent", "chosen"),
    [(20, [1]), (40, [1, 3]), (60, [0, 1, 3]), (80, [0, 1, 2, 3]), (100, [0, 1, 2, 3, 4])],
    ids=["one", "two", "three", "four", "all"],
)
def test_soft_pruning_gives_ties_to_the_lowest_input(percent: int, chosen: list[int]) -> None:
    frozen = frozen_by_soft(
        np.array([7, 2, 7, 2, 9]), np.ones(5, np.bool_), SoftPruning(percent=percent)
    )
    assert np.flatnonzero(frozen).tolist() == chosen


@given(
    synapses=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40),
    percent=st.integers(0, 100),
)
def test_soft_pruning_freezes_the_first_by_weight_and_input(
    synapses: list[tuple[int, bool]], percent: int
) -> None:
    w, plastic = np.array([w for w, _ in synapses]), np.array([plastic for _, plastic in synapses])
    order = sorted((w, pre) for pre, (w, plastic) in enumerate(synapses) if plastic)
    expected = sorted(pre for _, pre in order[: len(order) * percent // 100])
    frozen = frozen_by_soft(w, plastic, SoftPruning(percent=percent))
    assert np.flatnonzero(frozen).tolist() == expected


@pytest.mark.parametrize("w_prune", [0, 1, 20, 255], ids="threshold {}".format)
def test_post_keeps_weights_at_the_threshold_and_above(w_prune: int) -> None:
    weights = np.arange(256, dtype=np.uint8).reshape(64, 4)
    kept = kept_by_post(weights, PostPruning(w_prune=w_prune))
    assert kept.shape == (64, 4)
    assert kept.ravel().tolist() == [False] * w_prune + [True] * (256 - w_prune)


@pytest.mark.parametrize("w_prune", [0, 2, 8, 153])
def test_plastic_synapses_below_the_threshold_die(w_prune: int) -> None:
    new = np.arange(256)
    alive, frozen = np.arange(256) % 5 != 0, np.arange(256) % 5 == 1
    weights, left = prune(new, np.full(256, w_prune), alive=alive, plastic=alive & ~frozen)
    for pre in range(256):
        if not alive[pre] or frozen[pre]:
            assert (weights[pre], left[pre]) == (0, alive[pre])
        elif pre < w_prune:
            assert (weights[pre], left[pre]) == (0, False)
        else:
            assert (weights[pre], left[pre]) == (pre, True)
