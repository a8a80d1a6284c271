"""Rows of the results file of the frontier."""

from typing import Any

import pytest

from prunus_model.study.choice import comparable
from prunus_model.study.frontier import frontier
from prunus_model.study.statistics import groups
from prunus_rows import row, seeds

PARTS = {"frontier": ""}
LOGARITHMS: dict[str, Any] = {"votes": "logarithms", "vote_bits": 6, "parts": PARTS}


def test_a_row_is_the_mean_over_the_seeds_with_a_bound() -> None:
    rows = [
        row("adaptive", seed, vote=vote, margin=40, **LOGARITHMS)
        | {
            "forward_sops_per_inference": 1000.0 * seed,
            "forward_sops_per_training_presentation": 5000.0 * seed,
            "neuron_updates_per_inference": 100.0 * seed,
            "output_spikes_per_inference": 1.0 * seed,
        }
        for seed, vote in ((1, 0.91), (2, 0.93), (3, 0.92))
    ]
    (found,) = frontier([*rows, *seeds("adaptive")])
    assert found.pop("accuracy") == pytest.approx(0.92)
    # Student's t with two degrees of freedom is 2.92 at 95 %.
    assert found.pop("accuracy_low") == pytest.approx(0.92 - 2.92 * 0.01 / 3**0.5, abs=1e-6)
    assert found == {
        "data": "mnist",
        "configuration": "paper",
        "rule": "adaptive, 6-bit logarithms, margin",
        "groups": 1,
        "neurons": 800,
        "weights": 627_200,
        "margin": 40,
        "seeds": [1, 2, 3],
        "sops_per_image": 2000.0,
        "training_sops_per_image": 10_000.0,
        "neuron_updates_per_image": 200.0,
        "spikes": 2.0,
    }


def test_each_rule_has_a_row() -> None:
    rows = [
        *seeds("none", parts=PARTS),
        *seeds("none", parts=PARTS, early_exit=2),
        *seeds("none", parts=PARTS, margin=9),
        *seeds("none", **LOGARITHMS),
        *seeds("none", **LOGARITHMS | {"vote_bits": 5}),
    ]
    assert [(found["rule"], found["margin"]) for found in frontier(rows)] == [
        ("none, 4-bit shares, all steps", 0),
        ("none, 4-bit shares, early exit 2", 0),
        ("none, 4-bit shares, margin", 9),
        ("none, 6-bit logarithms, all steps", 0),
        ("none, 5-bit logarithms, all steps", 0),
    ]


def test_one_seed_has_no_bound() -> None:
    (found,) = frontier([row("none", parts=PARTS)])
    assert (found["accuracy"], found["accuracy_low"]) == (0.94, None)


def test_without_its_part_there_is_none() -> None:
    assert frontier(seeds("none", parts={"sizes": ""})) == []


def test_claims_are_judged_by_whole_presentations_and_votes_as_by_default() -> None:
    rows = [
        *seeds("none"),
        *seeds("none", margin=9),
        *seeds("none", early_exit=1),
        *seeds("none", votes="logarithms"),
        *seeds("none", vote_bits=6),
    ]
    assert comparable(rows) == rows[:3]
    # Rows that were written before there were margins are of whole presentations.
    names = ("votes", "vote_bits", "margin")
    old = [{k: v for k, v in row.items() if k not in names} for row in rows[:3]]
    assert comparable(old) == rows[:3]
    assert [group.rows for group in groups(old)] == [tuple(rows[:3])]


WINDOWS: dict[str, Any] = LOGARITHMS | {
    "config": "windows",
    "neurons": 5000,
    "groups": 25,
    "weights": 720_000,
    "network": "w",
}


def test_groups_are_named_and_counted() -> None:
    rows = [
        *seeds("adaptive", **WINDOWS, early_exit=1, margin=145),
        *seeds("adaptive", **WINDOWS, early_exit=1),
        *seeds("adaptive", **WINDOWS),
        *seeds("adaptive", **LOGARITHMS, early_exit=2, margin=9),
    ]
    found = frontier(rows)
    assert [(f["rule"], f["groups"], f["neurons"], f["weights"]) for f in found] == [
        (
            "windows adaptive, 6-bit logarithms, early exit 1 of each view and margin",
            *(25, 5000, 720_000),
        ),
        ("windows adaptive, 6-bit logarithms, early exit 1 of each view", 25, 5000, 720_000),
        ("windows adaptive, 6-bit logarithms, all steps", 25, 5000, 720_000),
        ("adaptive, 6-bit logarithms, early exit 2 and margin", 1, 800, 627_200),
    ]


def test_networks_that_differ_in_their_units_alone_are_apart() -> None:
    rows = [
        *seeds("adaptive", **WINDOWS),
        *seeds("adaptive", **WINDOWS | {"network": "other"}),
    ]
    assert len(frontier(rows)) == 2
    # Nor is a network of 800 neurons in groups the paper's.
    assert comparable(seeds("none", groups=4)) == []
