"""Tests of means against margins, by numbers that can be looked up."""

from typing import Any

import pytest

from prunus_model.study.statistics import (
    at_least,
    at_most,
    base_of,
    compared,
    groups,
    interpolated,
    losses,
    same_setting,
)
from prunus_rows import row, seeds

BASE = seeds("none", 5)


def test_bound_is_that_of_students_t() -> None:
    # Ten values of mean 1 and standard deviation 1.5 (9 degrees of freedom: t = 1.8331129).
    values = [-0.5, 2.5] * 4 + [1.0, 1.0]
    assert sum(values) == 10
    deviation = (8 * 1.5**2 / 9) ** 0.5
    tested = at_most(values, 2.0)
    assert (tested.estimate, tested.n) == (1.0, 10)
    assert tested.bound == pytest.approx(1 + 1.8331129 * deviation / 10**0.5, abs=1e-7)


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [
        # Two values, mean 1, standard error 0.1: t = 6.3137515 for one degree of freedom.
        (1.632, "holds"),
        (1.631, "not established"),
        (1.0, "not established"),
        (0.369, "not established"),
        (0.368, "does not hold"),
    ],
)
def test_verdict_needs_the_bound_and_not_the_mean(margin: float, verdict: str) -> None:
    assert at_most([0.9, 1.1], margin).verdict == verdict
    turned = at_least([-0.9, -1.1], -margin)
    assert (turned.verdict, turned.estimate) == (verdict, -1.0)
    assert turned.bound == pytest.approx(-1.6313752, abs=1e-6)


def test_too_few_values_establish_nothing() -> None:
    for test in (at_most, at_least):
        nothing, one = test([], 1.0), test([0.5], 1.0)
        assert (nothing.estimate, nothing.bound, nothing.n) == (None, None, 0)
        assert (one.estimate, one.bound, one.n) == (0.5, None, 1)
        assert nothing.verdict == one.verdict == "not established"


def test_equal_values_need_no_margin() -> None:
    assert at_most([0.0, 0.0], 0.0).verdict == at_least([0.0, 0.0], 0.0).verdict == "holds"
    assert at_most([0.1, 0.1], 0.0).verdict == "does not hold"


def test_losses_are_paired_by_seed() -> None:
    (base,) = groups([row("none", n, vote=0.94 + 0.01 * n) for n in (1, 2, 3)])
    (group,) = groups([row("adaptive", n, vote=0.93, hard=0.9) for n in (3, 2, 7)])
    assert losses(group, base, "vote") == pytest.approx([3.0, 4.0])
    assert losses(group, base, "hard") == pytest.approx([5.7, 6.7])


def test_validation_is_never_put_together_with_tests() -> None:
    rows = [*seeds("adaptive"), *seeds("adaptive", split="validation", chose=True)]
    tests, validation = groups(rows)
    assert {tests["split"], validation["split"]} == {"test", "validation"}
    assert same_setting(validation, [r for r in rows if r["split"] == "test"]) == tests
    assert same_setting(validation, seeds("adaptive", setting=9)) is None
    assert same_setting(validation, seeds("adaptive", epochs=3)) is None


def test_groups_are_rows_that_differ_in_the_seed_alone() -> None:
    rows = [
        *BASE,
        *seeds("adaptive", 5),
        *seeds("adaptive", 5, setting=400),
        *seeds("adaptive", 5, early_exit=1),
        *seeds("adaptive", 5, settings={"x": 1}),
        *seeds("adaptive", 5, weight_bits=4),
        *seeds("adaptive", 5, parts={"ablations": "a"}, setting=7),
    ]
    assert [len(group.rows) for group in groups(rows)] == [5] * 7
    assert [
        g.policy_setting for g in groups(rows, part="pareto", policy="adaptive", early_exit=1)
    ] == ["strength_gain 330"]
    (labelled,) = groups(rows, part="ablations")
    assert (labelled.label("ablations"), labelled.label("pareto")) == ("a", "")
    (first, *_) = groups(rows[::-1], policy="none")
    assert first.seeds == (1, 2, 3, 4, 5)
    assert first.mean("vote") == pytest.approx(0.943)
    assert first.half_range("vote") == pytest.approx(0.002)


def test_networks_are_compared_seed_by_seed() -> None:
    pruned = [
        row("adaptive", seed, vote=vote, inference=0.5, training=0.6)
        for seed, vote in ((3, 0.941), (2, 0.942), (9, 0.5))
    ]
    (group,) = groups(pruned)
    base = base_of(group, [*BASE, *pruned])
    assert base is not None
    difference = compared(group, base)
    assert difference is not None
    assert difference.seeds == (2, 3)
    # 0.942 - 0.942 and 0.943 - 0.941.
    assert difference.vote == pytest.approx(0.1)
    assert difference.vote_error == pytest.approx(0.1)
    assert difference.hard == pytest.approx(0.1)
    assert (difference.inference, difference.training) == pytest.approx((0.5, 0.6))
    (stranger,) = groups([row("adaptive", 9)])
    assert compared(stranger, base) is None


@pytest.mark.parametrize("change", [{"epochs": 3}, {"settings": {"a": 1}}, {"data": "sample"}])
def test_base_is_of_the_same_schedule(change: dict[str, Any]) -> None:
    (group,) = groups([row("adaptive", **change)])
    assert base_of(group, BASE) is None
    assert base_of(group, [*BASE, row("none", **change)]) is not None


def test_line_is_not_prolonged() -> None:
    points = [(1.0, 10.0), (2.0, 20.0)]
    assert [interpolated(points, x) for x in (0.9, 1.0, 1.5, 2.0, 2.1)] == [None, 10, 15, 20, None]
    assert interpolated([], 1.0) is None
