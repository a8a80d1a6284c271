"""The figure of accuracy against cost: which points make a curve, and how it is drawn."""

from typing import Any

import pytest
from matplotlib.colors import to_hex

from prunus_model.study.figure_data import figure_data
from prunus_model.study.figures import figure
from prunus_model.study.results_db import ResultStore
from prunus_rows import seeds

PARTS = {"frontier": ""}
LOGARITHMS: dict[str, Any] = {"votes": "logarithms", "vote_bits": 6, "parts": PARTS}
WINDOWS: dict[str, Any] = LOGARITHMS | {
    "config": "windows",
    "neurons": 5000,
    "groups": 25,
    "network": "w",
    "early_exit": 1,
}
ROWS = [
    *seeds("none", parts=PARTS),
    *seeds("none", parts=PARTS, early_exit=1, inference=0.2),
    *seeds("none", parts=PARTS, margin=9, inference=0.3),
    *seeds("none", **LOGARITHMS),
    *seeds("none", **LOGARITHMS, margin=40, inference=0.3),
    *seeds("none", **LOGARITHMS, early_exit=2, inference=0.4),
    *seeds("adaptive", **LOGARITHMS | {"parts": {"frontier": "refractory, adaptive"}}, margin=40),
    *seeds("adaptive", **WINDOWS, margin=60, inference=0.01, vote=0.95),
    *seeds("adaptive", **WINDOWS, margin=145, inference=0.02, vote=0.96),
    *seeds("adaptive", **WINDOWS, inference=0.07, vote=0.962),
    *seeds("adaptive", **WINDOWS | {"data": "fashion-mnist"}, margin=60, inference=0.05),
]


@pytest.fixture
def values(tmp_path: Any) -> dict[str, Any]:
    return figure_data("accuracy-sops", [], ResultStore(tmp_path / "store", ""), ROWS)


def test_curves_are_by_rule_votes_and_what_ends_a_presentation(values: dict[str, Any]) -> None:
    assert {
        name: [(point["early_exit"], point["margin"]) for point in points]
        for name, points in values["series"].items()
    } == {
        # From cheap to dear; all steps are where a curve ends.
        "none, 4-bit shares, early exit": [(1, 0), (0, 0)],
        "none, 4-bit shares, margin": [(0, 9)],
        "none, 6-bit logarithms, margin": [(0, 40), (0, 0)],
        "none, 6-bit logarithms, early exit": [(2, 0)],
        "refractory, adaptive, 6-bit logarithms, margin": [(0, 40)],
        "windows adaptive, 6-bit logarithms, margin": [(1, 60), (1, 145), (1, 0)],
    }
    assert values["styles"]["refractory, adaptive, 6-bit logarithms, margin"] == {
        "rule": "refractory, adaptive",
        "votes": "logarithms",
        "groups": 1,
        "end": "margin",
    }
    assert values["about"] == "800 or 5,000 neurons, mnist, 2 epochs, mean and range of 3 seeds"


def test_second_data_set_has_a_figure_of_its_own(tmp_path: Any) -> None:
    store = ResultStore(tmp_path / "store", "")
    found = figure_data("accuracy-sops-fashion", [], store, ROWS)
    assert list(found["series"]) == ["windows adaptive, 6-bit logarithms, margin"]
    assert str(found["about"]).startswith("5,000 neurons, fashion-mnist, ")


def test_rules_are_told_by_colour_and_costs_are_logarithmic(values: dict[str, Any]) -> None:
    drawn = figure("accuracy-sops", values)
    (axis,) = drawn.axes
    assert axis.get_xscale() == "log"
    lines = {bars.get_label(): bars for bars in axis.containers}
    assert list(lines) == list(values["series"])
    windows, _, (bars,) = lines["windows adaptive, 6-bit logarithms, margin"]
    assert windows.get_xdata().tolist() == [20_000, 40_000, 140_000]
    assert windows.get_ydata().tolist() == pytest.approx([95.2, 96.2, 96.4])
    # Half the range of three seeds that are 0.1 points apart.
    (low, high), *_ = [segment[:, 1] for segment in bars.get_segments()]
    assert (high - low) / 2 == pytest.approx(0.1)
    colors = {name: to_hex(line[0].get_color()) for name, line in lines.items()}
    assert len(set(colors.values())) == 3
    assert len({colors[name] for name in colors if str(name).startswith("none")}) == 1
    styles = {name: (line[0].get_marker(), line[0].get_linestyle()) for name, line in lines.items()}
    assert styles["none, 4-bit shares, early exit"] == ("s", "--")
    assert styles["none, 4-bit shares, margin"] == ("s", "-")
    assert styles["windows adaptive, 6-bit logarithms, margin"] == ("D", "-")
    assert styles["none, 6-bit logarithms, margin"] == ("o", "-")
