"""The figures at the top of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_overhead.report.sources import Results
from prunus_overhead.report.table import comparable

__all__ = ["Tile", "tiles"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure.

    Parameters
    ----------
    figure : str
        The figure, with unit.
    what : str
        What it is.
    cost : str
        What it costs, or what was measured beside it.
    """

    figure: str
    what: str
    cost: str


def tiles(results: Results) -> list[Tile]:
    """Return the figures for which there are results: what pruning saves, and what it takes.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    energy = results.rows("energy", "rows")
    units = results.rows("energy", "pruning_unit"), results.rows("cells", "pruning_unit")
    ablation = results.rows("ablation", "rows")
    learning = [row for row in ablation if row["mode"] == "learning" and row.get("lut")]
    return [*_inference(energy), *_learning(energy, units), *_logic(learning)]


def _pair(rows: Sequence[Row]) -> tuple[Row, Row] | None:
    """Return a core without pruning and the same with adaptive pruning, the largest.

    Both must have been measured on the same inputs.
    """
    found = {}
    for row in rows:
        found[row["neurons"], row["lanes"], pruning_label(row)] = row
    sizes = sorted({key[:2] for key in found}, reverse=True)
    for size in sizes:
        none, pruned = found.get((*size, "none")), found.get((*size, "adaptive"))
        if none and pruned and comparable(none, pruned):
            return none, pruned
    return None


def _fall(energy: Sequence[Row], mode: str) -> tuple[Row, Row, str, str] | None:
    """Return a pair of rows of class b, by how much the energy falls, and what falls."""
    rows = [r for r in energy if (r["class"], r["mode"], r["early_exit"]) == ("b", mode, 0)]
    if not (pair := _pair(rows)):
        return None
    none, pruned = pair
    energy_fall, sops = (
        100 * (1 - pruned[key] / none[key])
        for key in ("nj_per_presentation", "sops_per_presentation")
    )
    told = f"({none['neurons']} neurons, class b); SOPs fall by {sops:.0f} %"
    return none, pruned, f"-{energy_fall:.0f} %", told


def _inference(energy: Sequence[Row]) -> list[Tile]:
    if not (found := _fall(energy, "inference")):
        return []
    none, pruned, figure, told = found
    return [
        Tile(
            figure=figure,
            what=f"energy per inference by adaptive pruning {told}",
            cost=f"Accuracy of this pair of networks: {100 * none['accuracy']:.1f} % without, "
            f"{100 * pruned['accuracy']:.1f} % with. One seed says nothing about a gain or a loss; "
            "the claims are paired over seeds.",
        )
    ]


def _learning(energy: Sequence[Row], units: Sequence[Sequence[Row]]) -> list[Tile]:
    if not (found := _fall(energy, "learning")):
        return []
    *_, figure, told = found
    costs = [cost for rows in units for cost in _pruning_unit(rows)]
    return [
        Tile(
            figure=figure,
            what=f"energy per learning presentation by adaptive pruning {told}",
            cost=f"The pruning unit itself takes {' and '.join(costs)}." if costs else "",
        )
    ]


def _pruning_unit(rows: Sequence[Row]) -> list[str]:
    adaptive = [r for r in rows if pruning_label(r) == "adaptive"]
    if not adaptive:
        return []
    one = max(adaptive, key=lambda r: r["neurons"])
    return [f"{one['percent']:.3f} % (class {one['class']}, {one['neurons']} neurons)"]


def _logic(learning: Sequence[Row]) -> list[Tile]:
    if not (pair := _pair([r for r in learning if r["technology"].startswith("ECP5")])):
        return []
    none, adaptive = pair
    apart = ""
    if "units_logic" in none and "units_logic" in adaptive:
        more = 100 * (adaptive["units_logic"] / none["units_logic"] - 1)
        apart = f"; unit by unit {more:+.2f} %"
    costs = [*_cycles(learning), *_clock(learning)]
    return [
        Tile(
            figure=f"{100 * (adaptive['logic'] / none['logic'] - 1):+.2f} %",
            what=f"logic for adaptive pruning ({none['neurons']} neurons, {none['lanes']} lanes, "
            f"ECP5){apart}",
            cost=" ".join(costs),
        )
    ]


def _cycles(learning: Sequence[Row]) -> list[str]:
    if not (pair := _pair([r for r in learning if r.get("cycles_same_decisions")])):
        return []
    more = pair[1]["cycles_same_decisions"] - pair[0]["cycles_same_decisions"]
    return [f"Cycles at equal decisions: {more:+,.0f}." if more else "No cycle at equal decisions."]


def _clock(learning: Sequence[Row]) -> list[str]:
    if not (pair := _pair([r for r in learning if r.get("fmax_mhz")])):
        return []
    without, pruned = (row["fmax_mhz"] for row in pair)
    low, high = min(without), max(without)
    if median(pruned) < low:
        return [f"Clock: {median(without):.1f} MHz without, {median(pruned):.1f} with."]
    with_ = f"{min(pruned):.1f} to {max(pruned):.1f} with"
    scatter = f"{low:.1f} to {high:.1f} MHz without, {with_}"
    return [f"No loss of clock beyond the scatter of place and route: {scatter}."]
