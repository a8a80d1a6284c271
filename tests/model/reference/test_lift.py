"""Pruning by lift: thresholds by hand, and their limits."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_model.reference.lift import (
    highest_threshold,
    lift_factor,
    lift_thresholds,
    updated_rates,
)
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import LiftPruning

CONFIG = NetworkConfig.named("demo")  # depression_shift 7: learned after 256 spikes.
POLICY = LiftPruning(share=128, length=1024)  # Units of 8 presentations: 128.
#: Four inputs, of which one is never active, and a neuron with the weights of chance.
RATES = np.array([0, 16384, 32768, 65535])
WEIGHTS = 64 + 128 + 255


def thresholds(
    post_count: int, strength: int, presentation: int, config: NetworkConfig = CONFIG
) -> list[int]:
    found = lift_thresholds(RATES, post_count, strength, presentation, POLICY, config)
    return [int(threshold) for threshold in found]


def test_in_the_end_half_of_what_chance_gives() -> None:
    assert thresholds(256, WEIGHTS, 1024) == [0, 31, 63, 127]
    # Neither time after the training nor further spikes change anything.
    assert thresholds(65535, WEIGHTS, 2**32 - 1) == [0, 31, 63, 127]


def test_a_neuron_that_has_learned_half_has_half_of_that() -> None:
    assert thresholds(128, WEIGHTS, 1024) == [0, 15, 31, 63]


@pytest.mark.parametrize(
    ("post_count", "presentation"), [(512, 512), (170, 256), (1536, 768), (65535, 1024)]
)
def test_a_neuron_is_pruned_once_it_has_little_left_to_learn(
    post_count: int, presentation: int
) -> None:
    # 512 spikes more at most, as often as it has fired: at half of the training after 512, at a
    # quarter after a third of them, at three quarters after three times as many.
    level = min(post_count, 256) * 128 // 256
    factor = lift_factor(post_count, 784 * 51, 784 * 51 * 256, presentation, POLICY, CONFIG)
    assert factor == 16 * level
    assert any(thresholds(post_count, WEIGHTS, presentation))
    # One spike more, or one unit less, and it is not.
    if presentation < 1024:
        assert thresholds(post_count + 1, WEIGHTS, presentation) == [0, 0, 0, 0]
    assert thresholds(post_count, WEIGHTS, presentation - 1) == [0, 0, 0, 0]


def test_a_training_of_few_presentations_is_counted_in_these() -> None:
    policy = replace(POLICY, length=3)
    found = [lift_factor(256, WEIGHTS, 4 * WEIGHTS, k, policy, CONFIG) > 0 for k in range(5)]
    assert found == [False, True, True, True, True]


def test_nothing_is_pruned_at_first() -> None:
    assert thresholds(256, WEIGHTS, 0) == [0, 0, 0, 0]
    assert thresholds(0, WEIGHTS, 1024) == [0, 0, 0, 0]
    assert lift_factor(256, WEIGHTS, 0, 1024, POLICY, CONFIG) == 0


def test_a_weak_neuron_has_low_thresholds_and_a_strong_one_high_ones() -> None:
    assert thresholds(256, WEIGHTS // 4, 1024) == [0, 7, 15, 31]
    assert thresholds(256, 2 * WEIGHTS, 1024) == [0, 63, 127, 255]


def test_thresholds_of_few_bits_are_of_those_weights() -> None:
    config = replace(CONFIG, weight_bits=4)
    assert thresholds(256, 4 + 8 + 15, 1024, config) == [0, 1, 3, 7]
    assert thresholds(256, 60, 1024, config) == [0, 4, 8, 15]


def test_factor_and_thresholds_saturate() -> None:
    assert lift_factor(256, 2**18, 1, 1024, POLICY, CONFIG) == 2**14 - 1
    rates = np.array([1, 0, 65535])
    found = lift_thresholds(rates, 256, 2**18, 1024, POLICY, CONFIG)
    assert found.tolist() == [0, 0, 255]


def test_the_highest_threshold_is_that_of_an_input_that_is_always_active() -> None:
    assert highest_threshold(RATES, 256, WEIGHTS, 1024, POLICY, CONFIG) == 127
    assert highest_threshold(RATES[:3], 256, 192, 1024, POLICY, CONFIG) == 127
    assert highest_threshold(RATES, 256, 9 * WEIGHTS, 1024, POLICY, CONFIG) == 255


def test_rates_stay_in_range_and_follow_each_input_alone() -> None:
    rates = np.array([0, 0, 65535, 65535, 1023, 1024, 64512, 64511])
    recent = np.array([True, False, True, False, False, False, True, True])
    assert updated_rates(rates, recent).tolist() == [
        *(63, 0, 65535, 65472, 1023, 1023, 64512, 64512),
    ]
