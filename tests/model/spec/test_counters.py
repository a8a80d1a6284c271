"""Counters: names, sums, fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.spec.counters import COUNTERS, Counters

COUNTS = st.lists(st.integers(0, 2**40), min_size=len(COUNTERS), max_size=len(COUNTERS))


def test_names_and_their_order() -> None:
    assert COUNTERS == (
        "presentations",
        "steps",
        "inhibited_steps",
        "encoder_draws",
        "learning_draws",
        "input_spikes",
        "integrated_spikes",
        "output_spikes",
        "forward_sops",
        "frozen_sops",
        "forward_dense",
        "update_sops",
        "update_dense",
        "pruned",
    )


def test_counters_start_at_0() -> None:
    assert Counters().to_array().tolist() == [0] * len(COUNTERS)


def test_array_has_the_order_of_the_names() -> None:
    counters = Counters.from_array(np.arange(len(COUNTERS)))
    assert [getattr(counters, name) for name in COUNTERS] == list(range(len(COUNTERS)))
    assert counters.to_array().tolist() == list(range(len(COUNTERS)))
    assert counters.to_array().dtype == np.int64
    assert all(type(getattr(counters, name)) is int for name in COUNTERS)


@given(a=COUNTS, b=COUNTS)
def test_sum_adds_each_counter_and_changes_no_operand(a: list[int], b: list[int]) -> None:
    first, second = Counters.from_array(np.array(a)), Counters.from_array(np.array(b))
    assert (first + second).to_array().tolist() == [x + y for x, y in zip(a, b, strict=True)]
    assert first.to_array().tolist() == a
    assert second.to_array().tolist() == b
    assert sum((first, second), Counters()) == first + second


@pytest.mark.parametrize("count", [len(COUNTERS) - 1, len(COUNTERS) + 1], ids=["short", "long"])
def test_array_of_another_length_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is (shorter|longer)"):
        Counters.from_array(np.zeros(count, np.int64))


def test_fractions_are_of_the_dense_equivalent() -> None:
    counters = Counters(forward_sops=3, forward_dense=4, update_sops=5, update_dense=8)
    assert Fraction(counters.forward_fraction) == Fraction(3, 4)
    assert Fraction(counters.update_fraction) == Fraction(5, 8)


def test_fractions_of_nothing_are_1() -> None:
    assert Counters(update_sops=1, update_dense=2).forward_fraction == 1
    assert Counters(forward_sops=1, forward_dense=2).update_fraction == 1


def test_fraction_of_nothing_left_is_0() -> None:
    assert Counters(forward_dense=2, update_dense=2).forward_fraction == 0
    assert Counters(forward_dense=2, update_dense=2).update_fraction == 0


def test_neurons_are_updated_in_the_steps_that_are_not_inhibited() -> None:
    assert Counters(steps=64, inhibited_steps=10).neuron_updates(100) == 5400
    assert Counters(steps=7, inhibited_steps=7).neuron_updates(100) == 0
