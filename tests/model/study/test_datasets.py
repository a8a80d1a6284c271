"""Rows of the results file of the data sets."""

from typing import Any

import pytest

from prunus_docs.schemas import SCHEMAS
from prunus_model.common.provenance import header
from prunus_model.study.datasets import datasets
from prunus_rows import seeds

PARTS = {"datasets": ""}


def test_losses_are_paired_by_seed_and_have_a_bound() -> None:
    none = seeds("none", parts=PARTS)
    lift = seeds("lift", parts=PARTS, inference=0.5, training=0.75, density=0.25)
    for number, (base, row) in enumerate(zip(none, lift, strict=True)):
        base["vote"], row["vote"] = (
            0.9 + 0.01 * number,
            0.9 + 0.01 * number - (0.001, 0.003)[number % 2],
        )
    found = datasets([*none, *lift])
    assert [row["rule"] for row in found] == ["none", "lift"]
    row = found[1]
    losses = [(0.001, 0.003)[number % 2] for number in range(len(lift))]
    assert row["loss"] == pytest.approx(sum(losses) / len(losses))
    assert row["loss"] < row["loss_high"] < 0.01
    assert (row["inference_sop_fraction"], row["training_sop_fraction"]) == (0.5, 0.75)
    assert row["unpruned_share"] == 0.25
    assert row["seeds"] == [one["seed"] for one in lift]
    SCHEMAS["datasets"].model_validate(
        {
            "provenance": header(
                "datasets", command="x", inputs={"model": "0" * 16}, tools={"numpy": "2"}
            ),
            "rows": found,
        }
    )


def test_data_sets_are_not_mixed_and_other_parts_left_out() -> None:
    rows = [
        *seeds("none", parts=PARTS),
        *seeds("none", parts=PARTS, data="fashion-mnist"),
        *seeds("lift", parts=PARTS, data="fashion-mnist"),
        *seeds("lift", parts={"sizes": ""}),
    ]
    assert [(row["data"], row["rule"]) for row in datasets(rows)] == [
        ("mnist", "none"),
        ("fashion-mnist", "none"),
        ("fashion-mnist", "lift"),
    ]


def test_a_rule_without_an_unpruned_network_has_no_loss_and_no_row() -> None:
    assert datasets(seeds("lift", parts=PARTS)) == []


def test_what_has_fewer_inputs_or_spikes_is_compared_with_all_of_them_unpruned() -> None:
    half: dict[str, Any] = {
        "data": "mnist-chessboard",
        "weights": 313_600,
        "inference": 0.5,
        "network": "half",
    }
    thin: dict[str, Any] = {
        "settings": {"encoder": {"refractory_steps": 5}},
        "network": "thin",
        "inference": 0.4,
    }
    label = {"datasets": "lift, refractory inputs"}
    rows = [
        *seeds("none", parts=PARTS),
        *seeds("none", parts=PARTS, vote=0.93, **half),
        *seeds("lift", parts=label, density=0.5, vote=0.92, **thin),
        # Of the same sort, but pruned in nothing: it is no base for others.
        *seeds("none", parts={"datasets": "refractory inputs"}, vote=0.5, **thin),
    ]
    for order in (rows, rows[::-1]):
        found = {row["rule"]: row for row in datasets(order)}
        board = found["none, on a chessboard of the inputs"]
        assert (board["data"], board["unpruned_share"]) == ("mnist", 0.5)
        assert (board["loss"], board["inference_sop_fraction"]) == (pytest.approx(0.01), 0.5)
        thinned = found["lift, refractory inputs"]
        assert (thinned["loss"], thinned["unpruned_share"]) == (pytest.approx(0.02), 0.5)
        assert thinned["inference_sop_fraction"] == pytest.approx(0.4)
        assert found["none"]["loss"] == 0
