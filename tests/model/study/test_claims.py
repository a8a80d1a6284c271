"""Claims, judged on rows that are made up."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prunus_model.study.claims import claims, operating
from prunus_model.study.statistics import base_of, compared, groups, interpolated
from prunus_rows import row
from prunus_rows import seeds as some_seeds

#: As many as a claim is judged by.
seeds = partial(some_seeds, count=5)
NOTHING = Path("nowhere")
BASE = seeds("none")
HEADLINE, BEYOND, ACCURACY, SOPS, ADAPTS, BALANCES, UNSUPERVISED, COST = range(8)


def judged(rows: list[dict[str, Any]], claim: int, overhead: Path = NOTHING) -> tuple[str, str]:
    found = claims(rows, overhead=overhead)[claim]
    assert found.keys() == {"claim", "measured", "verdict", "note", "command"}
    assert all("\n" not in text and "|" not in text for text in found.values())
    return found["verdict"], found["measured"]


def test_groups_are_rows_that_differ_in_the_seed_alone() -> None:
    rows = [
        *BASE,
        *seeds("adaptive"),
        *seeds("adaptive", strength=400),
        *seeds("adaptive", early_exit=1),
        *seeds("adaptive", settings={"x": 1}),
        *seeds("adaptive", weight_bits=4),
        *seeds("adaptive", parts={"ablations": "a"}, strength=7),
    ]
    assert [len(group.rows) for group in groups(rows)] == [5] * 7
    assert [g.strength for g in groups(rows, part="pareto", policy="adaptive", early_exit=1)] == [
        "strength_gain 330"
    ]
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


def test_headline_holds_if_one_strength_has_it_all() -> None:
    good = seeds("adaptive", vote=0.9356, inference=0.45, training=0.70)
    verdict, measured = judged([*BASE, *good], HEADLINE)
    assert verdict == "holds"
    assert measured == (
        "55.0 % fewer in inference and 30.0 % fewer in training than dense (55.0 and 30.0 % fewer "
        "than unpruned), for 0.44 ± 0.00 points by vote and 0.44 by hard readout (2 epochs, 5 "
        "paired seeds; strength_gain 330)"
    )
    # What most seeds speak for is said, even if another saves more.
    more = some_seeds("adaptive", count=6, strength=9, inference=0.449, training=0.7, vote=0.9398)
    less = seeds("adaptive", strength=8, inference=0.3, training=0.7, vote=0.9398)
    base = some_seeds("none", count=6)
    assert "6 paired seeds; strength_gain 9)" in judged([*base, *less, *more], HEADLINE)[1]
    # What goes beyond the abstract's rule does not hide what that rule does.
    too = {"policy_strength": {}, "redundancy": {"shift": 12}}
    beyond = some_seeds("adaptive", count=6, inference=0.3, training=0.5, vote=0.94, **too)
    text = judged([*base, *less, *beyond], HEADLINE)[1]
    assert "6 paired seeds; redundancy.shift 12). With the plain rule, most saved within" in text
    assert text.endswith("5 paired seeds; strength_gain 8)")
    # Too few seeds are no evidence.
    assert judged([*BASE, *good[:4]], HEADLINE)[0] == "cannot be compared"


@pytest.mark.parametrize(
    "worse",
    [
        {"vote": 0.9355},
        {"hard": 0.93},
        {"inference": 0.451},
        {"training": 0.701},
        {"count": 2},
        {"weight_bits": 4},
        {"neurons": 400},
        {"early_exit": 1},
        {"data": "fashion-mnist"},
        {"epochs": 3},
        {"policy": "constant"},
    ],
)
def test_headline_does_not_hold_otherwise(worse: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "policy": "adaptive",
        "vote": 0.936,
        "inference": 0.45,
        "training": 0.70,
    }
    values |= worse
    verdict, _ = judged([*BASE, *seeds(**values)], HEADLINE)
    assert verdict != "holds"


def test_what_does_not_hold_is_said_from_both_sides() -> None:
    rows = [
        *BASE,
        *seeds("adaptive", strength=1, inference=0.5, training=0.65),
        *seeds("adaptive", strength=2, inference=0.6, training=0.65),
        *seeds("adaptive", strength=3, inference=0.4, training=0.65, vote=0.93),
        *seeds("adaptive", strength=4, inference=0.4, training=0.65, vote=0.92),
    ]
    verdict, measured = judged(rows, HEADLINE)
    assert verdict == "does not hold"
    within_loss, within_sops = measured.split(". Within the SOPs, least lost: ")
    assert within_loss.startswith("Within the loss, most saved: 50.0 % fewer in inference")
    assert within_sops.startswith("60.0 % fewer in inference and 35.0 % fewer in training than d")
    assert "for 1.00 ± 0.00 points" in within_sops
    best = operating(rows)
    assert best is not None
    assert best["policy_strength"] == {"strength_gain": 1}
    assert judged(rows[:3], HEADLINE)[0] == "cannot be compared"
    assert operating(rows[:3]) is None


def test_aim_is_harder_than_the_abstract() -> None:
    rows = [*BASE, *seeds("adaptive", vote=0.939, inference=0.35, training=0.5)]
    assert judged(rows, BEYOND)[0] == "holds"
    rows = [*BASE, *seeds("adaptive", vote=0.937, inference=0.35, training=0.5)]
    assert (judged(rows, HEADLINE)[0], judged(rows, BEYOND)[0]) == ("holds", "does not hold")


def soft_rows(best: float) -> list[dict[str, Any]]:
    """Soft: 1 point less for each 20 % pruned; adaptive: nothing at 60 %, `best` at 80 %."""
    rows = list(BASE)
    for percent in (20, 40, 60, 80):
        rows += seeds(
            "soft",
            strength=percent,
            vote=0.94 - percent / 2000,
            density=1 - percent / 100,
            inference_sop_fraction_without_frozen=1 - percent / 200,
        )
    rows += seeds("adaptive", strength=1, density=0.4, inference=0.6, training=0.7)
    rows += seeds("adaptive", strength=2, density=0.2, inference=0.4, training=0.6, vote=best)
    # Beyond what soft pruning reaches: no comparison.
    return rows + seeds("adaptive", strength=3, density=0.1, inference=0.1, vote=0.99)


def test_accuracy_is_compared_at_equal_share_pruned() -> None:
    verdict, measured = judged(soft_rows(0.935), ACCURACY)
    assert verdict == "holds"
    assert measured.startswith(
        "adaptive at most +3.50 points, at 80 % pruned (93.80 against 90.30 %)"
    )
    verdict, measured = judged(soft_rows(0.933), ACCURACY)
    assert verdict == "does not hold"
    assert measured.startswith("adaptive at most +3.30 points, at 80 % pruned")
    assert judged(BASE, ACCURACY)[0] == "cannot be compared"


def test_rules_are_compared_one_by_one() -> None:
    better = {"pareto": "by more", "sparse": ""}
    rows = soft_rows(0.92)
    rows += seeds("adaptive", strength=7, density=0.2, inference=0.2, vote=0.936, parts=better)
    rows += seeds("adaptive", strength=8, density=0.3, inference=0.3, vote=0.936, parts=better)
    rows += seeds("soft", strength=0, inference=1.0)
    rows = [r for r in rows if r["policy_strength"] != {"strength_gain": 3}]
    verdict, measured = judged(rows, ACCURACY)
    assert verdict == "holds"
    first, second, *_ = measured.split("; ")
    assert first.startswith("adaptive at most +3.00 points, at 60 % pruned")
    assert second.startswith("by more at most +3.60 points, at 80 % pruned")
    verdict, measured = judged(rows, SOPS)
    assert verdict == "holds"
    assert "% saved by adaptive, " in measured
    assert "80.0 % saved by more, " in measured


def test_difference_at_the_operating_point_is_said_too() -> None:
    rows = [r for r in soft_rows(0.91) if r["policy_strength"] != {"strength_gain": 3}]
    assert judged(rows, ACCURACY) == (
        "does not hold",
        (
            "adaptive at most +3.00 points, at 60 % pruned (94.30 against 91.30 %); +3.00 points "
            "at the 60 % that adaptive pruning removes within the loss of the abstract"
        ),
    )


def test_sops_are_compared_at_equal_accuracy() -> None:
    # Adaptive loses 0.44 at 0.6 - 0.2 * 0.44; soft has no strength that loses so little.
    rows = soft_rows(0.93)
    assert judged(rows, SOPS) == ("cannot be compared", "No strength of one of them keeps 93.86 %")
    rows += seeds("soft", strength=0, inference=1.0)
    rows = [r for r in rows if r["policy_strength"] != {"strength_gain": 3}]
    verdict, measured = judged(rows, SOPS)
    assert verdict == "holds"
    assert measured.startswith(
        "At 93.86 % (a loss of 0.44 points): 4.4 % saved by soft pruning; 48.8 % saved by adaptive"
    )
    for r in rows:
        if r["policy"] == "adaptive":
            r["inference_sop_fraction_without_frozen"] = 0.93
    assert judged(rows, SOPS)[0] == "does not hold"
    assert judged(BASE, SOPS)[0] == "cannot be compared"


def test_schedule_of_the_operating_point_is_compared() -> None:
    rows = soft_rows(0.935)
    # Longer training: a better rule, and soft pruning that loses nothing.
    rows += seeds("none", epochs=6)
    rows += seeds("adaptive", epochs=6, strength=5, inference=0.2, density=0.3, training=0.5)
    assert judged(rows, ACCURACY)[1].startswith("adaptive at most +3.50 points, at 80 % pruned")
    for percent, inference in ((10, 0.9), (90, 0.85)):
        rows += seeds(
            "soft",
            epochs=6,
            strength=percent,
            density=1 - percent / 100,
            inference_sop_fraction_without_frozen=inference,
        )
    rows = [r for r in rows if r["policy_strength"] != {"strength_gain": 3}]
    assert judged(rows, ACCURACY)[1].startswith("adaptive at most +0.00 points, at 70 % pruned")
    assert judged(rows, SOPS) == (
        "holds",
        (
            "At 93.86 % (a loss of 0.44 points): 15.0 % saved by soft pruning; 80.0 % saved by "
            "adaptive, +433 %"
        ),
    )


def adapting(early: int, low: int, middle: int, high: int) -> list[dict[str, Any]]:
    return [
        *BASE,
        *seeds(
            "adaptive",
            parts={"sizes": ""},
            w_prune_early=[early] * 7,
            w_prune_late=[0, low, middle, middle, middle, high, 99],
        ),
    ]


def test_threshold_adapts_if_it_rises_and_differs() -> None:
    assert judged(adapting(10, 40, 50, 60), ADAPTS) == (
        "holds",
        (
            "Median threshold 10.0 after a tenth of the training and 50.0 at its end; then 40.0 to "
            "60.0 between the 10th and 90th percentile of the neurons (5 seeds)"
        ),
    )
    assert judged(adapting(50, 40, 50, 60), ADAPTS)[0] == "does not hold"
    assert judged(adapting(10, 50, 50, 50), ADAPTS)[0] == "does not hold"
    assert judged([*BASE, *seeds("adaptive")], ADAPTS)[0] == "cannot be compared"


@pytest.mark.parametrize(
    ("deviation", "silent", "verdict"),
    [(7999.0, 0, "holds"), (8001.0, 0, "does not hold"), (7999.0, 1, "does not hold")],
)
def test_strengths_are_balanced_against_the_unpruned(
    deviation: float, silent: int, verdict: str
) -> None:
    rows = [
        *BASE,
        *seeds(
            "adaptive", parts={"sizes": ""}, strength_deviation=deviation, silent_neurons=silent
        ),
        *seeds("constant", parts={"sizes": ""}, strength_deviation=20_000.0, silent_neurons=5),
    ]
    found, measured = judged(rows, BALANCES)
    assert found == verdict
    assert measured == (
        f"Deviation of the strengths over their mean: 0.200, {silent:.1f} of 800 neurons failed; "
        f"unpruned 0.200, 0.0 failed; 0.500 with constant pruning, 5.0 failed"
    )


def test_pruning_is_shown_to_be_unsupervised() -> None:
    verdict, measured = judged([], UNSUPERVISED)
    assert verdict == "holds"
    assert measured.startswith("100 neurons, 2000 images of the sample, labels shuffled: 0 state ")
    assert "78,400 synapses, 0 pruned" not in measured


def test_cost_is_that_of_the_hardware(tmp_path: Path) -> None:
    path = tmp_path / "overhead.json"
    assert judged([], COST, path) == ("cannot be compared", f"Needs {path}")
    for of_rules, verdict in (
        ((0.0012, 0.2), "holds"),
        ((1.5, 0.2), "does not hold"),
        ((0.0012, 1.5), "does not hold"),
    ):
        units = [
            {"policy": "adaptive", "redundancy": too, "neurons": neurons, "percent": percent}
            for too, percent in zip((False, True), of_rules, strict=True)
            for neurons in (800, 100)
        ]
        path.write_text(json.dumps({"pruning_unit": units}))
        found, measured = judged([], COST, path)
        assert found == verdict
        first, second = of_rules
        assert measured.startswith(
            f"{first:.4f} % (adaptive) and {second:.4f} % (adaptive + redundancy) of the energy"
        )
        for some in ([], units[:2], units[2:]):
            path.write_text(json.dumps({"pruning_unit": some}))
            assert judged([], COST, path) == ("cannot be compared", f"Needs 800 neurons in {path}")
