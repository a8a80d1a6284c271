"""Tables of what was measured of the hardware: sizes, cycles, lockstep, speed of simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prunus_docs.tables import origin
from prunus_docs.templates import filled, filled_by
from prunus_model.spec.labels import pruning_label
from prunus_overhead.report.sources import Results
from prunus_overhead.report.table import comparable
from prunus_overhead.size.resources import LUTS_OF_LUT_RAM
from prunus_rtl.export.budgets import Budget, verdicts

__all__ = ["HARDWARE_BLOCKS"]

_Results = dict[str, Any]
_FULL = "paper"


def _learning_budgets(results: _Results) -> str:
    """Return the budgets of cores that learn: the largest, and the largest that was compared."""
    measured = {
        (row["neurons"], pruning_label(row)): row
        for row in Results(content={"ablation": results}).rows("ablation", "rows")
        if (row["technology"], row["lanes"]) == ("ECP5", 16) and "logic" in row
    }
    most = max(row["logic"] + LUTS_OF_LUT_RAM * row["lut_ram"] for row in measured.values())
    found = [Budget(figure="LUTs learning, 16 lanes", must=11_000, reach=7_000, value=most)]
    for (neurons, rule), row in measured.items():
        none = measured.get((neurons, "none"))
        if rule == "adaptive" and none and comparable(row, none):
            more = round(100 * (row["logic"] / none["logic"] - 1), 2)
            figure = f"adaptive against none, {neurons} neurons, %"
            found.append(Budget(figure=figure, must=3, reach=1, value=more))
    return filled("size-learning", budgets=verdicts(found), origin=origin(results))


def _density(results: _Results) -> str:
    """Return what each density saves, against all synapses in 16 lanes of the same store."""
    swept = [row for row in results["rows"] if row["swept"]]
    lines = []
    for row in swept:
        learning = row["store"] == "learning"
        (full,) = [
            other
            for other in swept
            if (other["store"] == "learning") == learning
            and other["lanes"] == 16
            and other["density"] == 1
        ]
        saved = {
            name: 1 - row[f"{key}_per_inference"] / full[f"{key}_per_inference"]
            for name, key in (("sops", "forward_sops"), ("cycles", "cycles"))
        }
        lines.append((row, saved if row["lanes"] == 16 and row is not full else {}))
    return filled("cycles-density", swept=lines)


def _measured(results: _Results) -> str:
    (whole,), (early,) = (
        [
            row
            for row in results["rows"]
            if (row["network"], row["lanes"], row["early_exit"], row["swept"])
            == (_FULL, 16, early_exit, False)
        ]
        for early_exit in (0, 1)
    )
    return filled("cycles-headline", whole=whole, early=early)


def _energy(results: _Results) -> str:
    """Return what pruning saves in the largest network, and what it costs."""
    rows = {
        (r["mode"], pruning_label(r)): r
        for r in sorted(results["rows"], key=lambda r: r["neurons"])
        if r["class"] == "b" and not r["early_exit"]
    }

    def fall(mode: str, key: str, policy: str = "adaptive") -> str:
        return f"{100 * (1 - rows[mode, policy][key] / rows[mode, 'none'][key]):.0f} %"

    def cost(policy: str) -> str:
        (unit,) = [
            r
            for r in results["pruning_unit"]
            if (pruning_label(r), r["neurons"]) == (policy, one["neurons"])
        ]
        return f"{unit['percent']:.3f} %"

    one = rows["inference", "adaptive"]
    flat = {
        pruning_label(r): r["nj_per_presentation"]
        for r in results["sensitivity"]
        if (r["mode"], r["neurons"], r["exponent"]) == ("inference", one["neurons"], 0)
    }
    return filled(
        "energy-headline",
        one=one,
        fall=fall,
        cost=cost,
        flat=f"{100 * (1 - flat['adaptive'] / flat['none']):.0f} %",
        lift=("inference", "lift") in rows,
    )


#: Blocks by name: the kind of results, and what is made of them.
HARDWARE_BLOCKS: Mapping[str, tuple[str, Callable[[_Results], str]]] = {
    **{
        name: (kind, partial(filled_by, name))
        for name, kind in (
            ("size", "size"),
            ("size-units", "size"),
            ("core-options", "core-options"),
            ("cycles", "cycles"),
            ("lockstep", "lockstep"),
            ("lockstep-headline", "lockstep"),
            ("mutants", "mutants"),
            ("sim-speed", "simulation-speed"),
            ("buses", "buses"),
            ("core-sizes", "core-sizes"),
        )
    },
    "lockstep-groups": ("lockstep-groups", partial(filled_by, "lockstep")),
    "size-learning": ("ablation", _learning_budgets),
    "cycles-density": ("cycles", _density),
    "cycles-headline": ("cycles", _measured),
    "energy-headline": ("energy", _energy),
}
