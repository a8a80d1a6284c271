"""The figures at the top of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
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
    """

    figure: str
    what: str


def tiles(results: Results) -> list[Tile]:
    """Return the figures for which there are results: overhead first, then savings.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    return [
        *_overhead(results.rows("ablation", "rows")),
        *_pruning_unit(results.rows("energy", "pruning_unit")),
        *_pruning_unit(results.rows("cells", "pruning_unit")),
        *_savings(results.rows("energy", "rows")),
    ]


def _pair(rows: Sequence[Row], rule: str = "adaptive") -> tuple[Row, Row] | None:
    """Return a core without pruning and the same with a pruning rule, the largest.

    Both must have been measured on the same inputs.
    """
    found = {}
    for row in rows:
        found[row["neurons"], row["lanes"], pruning_label(row)] = row
    sizes = sorted({key[:2] for key in found}, reverse=True)
    for size in sizes:
        none, pruned = found.get((*size, "none")), found.get((*size, rule))
        if none and pruned and comparable(none, pruned):
            return none, pruned
    return None


def _overhead(ablation: Sequence[Row]) -> list[Tile]:
    found = []
    learning = [r for r in ablation if r["mode"] == "learning" and r.get("lut")]
    if pair := _pair([r for r in learning if r["technology"].startswith("ECP5")]):
        none, adaptive = pair
        apart = ""
        if "units_logic" in none and "units_logic" in adaptive:
            more = 100 * (adaptive["units_logic"] / none["units_logic"] - 1)
            apart = f"; unit by unit {more:+.2f} %"
        found.append(
            Tile(
                figure=f"{100 * (adaptive['logic'] / none['logic'] - 1):+.2f} %",
                what=f"logic for adaptive pruning ({none['neurons']} neurons, {none['lanes']} "
                f"lanes, ECP5){apart}",
            )
        )
    if pair := _pair([r for r in learning if r.get("cycles_same_decisions")]):
        none, adaptive = pair
        more = adaptive["cycles_same_decisions"] - none["cycles_same_decisions"]
        found.append(Tile(figure=f"{more:+,.0f}", what="cycles, at equal decisions"))
    if pair := _pair([r for r in learning if r.get("fmax_mhz")]):
        none, adaptive = pair
        fmax = [median(r["fmax_mhz"]) for r in pair]
        low, high = min(none["fmax_mhz"]), max(none["fmax_mhz"])
        found.append(
            Tile(
                figure=f"{fmax[1]:.1f} MHz",
                what=f"clock with adaptive pruning; without {fmax[0]:.1f} ({low:.1f} to "
                f"{high:.1f} over seeds)",
            )
        )
    return found


def _pruning_unit(rows: Sequence[Row]) -> list[Tile]:
    adaptive = [r for r in rows if pruning_label(r) == "adaptive"]
    if not adaptive:
        return []
    one = max(adaptive, key=lambda r: r["neurons"])
    return [
        Tile(
            figure=f"{one['percent']:+.3f} %",
            what=f"energy of learning for the pruning unit ({one['neurons']} neurons, class "
            f"{one['class']})",
        )
    ]


def _savings(energy: Sequence[Row]) -> list[Tile]:
    found = []
    modes = (("inference", "inference"), ("learning", "learning presentation"))
    for (mode, what), rule in product(modes, ("adaptive", "lift")):
        rows = [
            r for r in energy if (r["class"], r["mode"], r["early_exit"]) == ("b", mode, 0)
        ]  # fmt: skip
        if not (pair := _pair(rows, rule)):
            continue
        none, pruned = pair
        fall, sops = (
            100 * (1 - pruned[key] / none[key])
            for key in ("nj_per_presentation", "sops_per_presentation")
        )
        found.append(
            Tile(
                figure=f"-{fall:.0f} %",
                what=f"energy per {what}, {rule} ({none['neurons']} neurons, class b); SOPs fall "
                f"by {sops:.0f} %",
            )
        )
    return found
