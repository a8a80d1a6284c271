"""Tables of what was measured of the hardware: sizes, cycles, lockstep, speed of simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prunus_docs.tables import origin, table
from prunus_model.spec.config import pruning_label
from prunus_overhead.report.sources import Results
from prunus_overhead.report.table import comparable
from prunus_rtl.export.budgets import Budget, verdicts

__all__ = ["HARDWARE_BLOCKS"]

_Results = dict[str, Any]

_CELLS = ("LUT4", "CCU2C", "FF", "DP16KD", "DPR16X4")
_SMALL_CELLS = ("LUT4", "carry", "FF", "EBR", "SPRAM")
_FULL = "paper"


def _budgets(results: _Results) -> str:
    return table(
        ["budget", "must", "reach", "measured", "verdict"],
        [
            [
                row["figure"],
                *(f"{row[key]:,.10g}" for key in ("must", "reach", "value")),
                row["verdict"],
            ]
            for row in results["budgets"]
        ],
    )


def _size(results: _Results) -> str:
    def rows(target: str, cells: Sequence[str]) -> list[list[str]]:
        return [
            [
                f"`{row['network']}`, {row['store']}",
                str(row["lanes"]),
                *(f"{row[cell]:,}" for cell in cells),
            ]
            for row in results["rows"]
            if row["target"] == target
        ]

    note = (
        f"A CCU2C is two LUT4 with carry and counts as such in the budgets, a DPR16X4 is a LUT "
        f"RAM. After synthesis, without place and route. {origin(results)}."
    )
    large = table(["ECP5", "lanes", *_CELLS], rows("ecp5", _CELLS))
    small = table(["iCE40", "lanes", *_SMALL_CELLS], rows("ice40", _SMALL_CELLS))
    return "\n\n".join([large, small, _budgets(results), note])


def _learning_budgets(results: _Results) -> str:
    """Return the budgets of cores that learn: the largest, and the largest that was compared."""
    measured = {
        (row["neurons"], pruning_label(row)): row
        for row in Results(content={"ablation": results}).rows("ablation", "rows")
        if (row["technology"], row["lanes"]) == ("ECP5", 16) and "logic" in row
    }
    most = max(row["logic"] for row in measured.values())
    found = [Budget(figure="LUT4 learning, 16 lanes", must=11_000, reach=7_000, value=most)]
    for (neurons, rule), row in measured.items():
        none = measured.get((neurons, "none"))
        if rule == "adaptive" and none and comparable(row, none):
            more = round(100 * (row["logic"] / none["logic"] - 1), 2)
            figure = f"adaptive against none, {neurons} neurons, %"
            found.append(Budget(figure=figure, must=3, reach=1, value=more))
    return f"{_budgets({'budgets': verdicts(found)})}\n\n{origin(results)}."


def _units(results: _Results) -> str:
    return table(
        ["unit", "instances", *_CELLS],
        [
            [row["unit"], str(row["instances"]), *(f"{row[cell]:,}" for cell in _CELLS)]
            for row in results["units"]
        ],
    )


def _cycles(results: _Results) -> str:
    rows = [
        [
            f"`{row['network']}`, {row['neurons']} neurons",
            str(row["lanes"]),
            row["store"],
            f"{row['density']:.3f}",
            "all" if row["early_exit"] == 0 else f"to spike {row['early_exit']}",
            f"{row['forward_sops_per_inference']:,.0f}",
            f"{row['cycles_per_inference']:,.0f}",
            f"{row['lane_use']:.3f}",
        ]
        for row in results["rows"]
        if not row["swept"]
    ]
    head = ["network", "lanes", "store", "density", "steps", "forward SOPs", "cycles", "lane use"]
    return (
        f"{table(head, rows)}\n\n{_budgets(results)}\n\nMean of the {results['images']} images, "
        f"each result equal to the golden model's. {origin(results)}."
    )


def _density(results: _Results) -> str:
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
        line = [
            "learning" if learning else f"packed, {row['store']}",
            str(row["lanes"]),
            f"{row['density']:.2f}",
            f"{row['forward_sops_per_inference']:,.0f}",
            f"{row['cycles_per_inference']:,.0f}",
            f"{row['lane_use']:.3f}",
        ]
        if row["lanes"] == 16 and row is not full:
            sops, cycles = (
                1 - row[key] / full[key]
                for key in ("forward_sops_per_inference", "cycles_per_inference")
            )
            line += [f"{100 * sops:.1f}", f"{100 * cycles:.1f}", f"{cycles / sops:.3f}"]
        else:
            line += ["", "", ""]
        lines.append(line)
    head = ["store", "lanes", "density", "forward SOPs", "cycles", "lane use"]
    return table([*head, "SOPs saved %", "cycles saved %", "cycles / SOPs"], lines)


def _lockstep(results: _Results) -> str:
    rows = [
        [
            row["bench"],
            str(row["lanes"]),
            f"{row['presentations']:,}",
            f"{row['core_cycles']:,}",
            f"{row['cycles_per_presentation']:,.0f}",
            f"{row['values_compared']:,}",
            str(row["differences"]),
        ]
        for row in results["rows"]
    ]
    head = ["scenario", "lanes", "presentations", "cycles", "per presentation", "values compared"]
    return f"{table([*head, 'differences'], rows)}\n\n{origin(results)}."


def _speed(results: _Results) -> str:
    rows = [
        [
            f"{row['what']}, {row['simulator']}",
            f"{row['cycles_per_second']:,}",
            f"{row['presentations_per_second']:,.2f}",
            f"{row['build_seconds']:.0f}",
            f"{100 * row['python_share']:.0f}",
        ]
        for row in results["rows"]
    ]
    head = ["", "cycles/s", "presentations/s", "build s", "of a run in Python %"]
    return f"{table(head, rows)}\n\n{results['processor']}, shared and noisy. {origin(results)}."


def _measured(results: _Results) -> str:
    whole, early = (
        next(
            row
            for row in results["rows"]
            if (row["network"], row["lanes"], row["early_exit"]) == (_FULL, 16, early_exit)
        )
        for early_exit in (0, 1)
    )
    return (
        f"A core with {whole['lanes']} lanes takes {whole['cycles_per_inference']:,.0f} cycles for "
        f"an inference with the pruned network of {whole['neurons']} neurons "
        f"({whole['forward_sops_per_inference']:,.0f} forward SOPs, lanes "
        f"{100 * whole['lane_use']:.0f} % busy while integrating), "
        f"{early['cycles_per_inference']:,.0f} with early exit."
    )


def _compared(results: _Results) -> str:
    shown = sum(row["presentations"] for row in results["rows"])
    values = sum(row["values_compared"] for row in results["rows"])
    differences = sum(row["differences"] for row in results["rows"])
    return f"{shown:,} presentations, {values:,} values compared, {differences} differences"


def _mutants(results: _Results) -> str:
    return (
        f"{results['total']} faults in {len(results['units'])} units: {results['killed']} killed, "
        f"{results['survived']} survived, {len(results['equivalent'])} equivalent, each with its "
        f"reason in the file ({origin(results)})."
    )


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
    energy, sops = "nj_per_presentation", "sops_per_presentation"
    flat = {
        pruning_label(r): r["nj_per_presentation"]
        for r in results["sensitivity"]
        if (r["mode"], r["neurons"], r["exponent"]) == ("inference", one["neurons"], 0)
    }
    redundancy, both = "", "adaptive + redundancy"
    if ("inference", both) in rows:
        redundancy = (
            f" With redundant inputs pruned, too, it is {fall('inference', energy, both)} and "
            f"{fall('learning', energy, both)}, at a cost of {cost(both)}."
        )
    return (
        f"By memory accesses and operations (class b, {one['technology']}, {one['voltage_v']:g} V),"
        f" adaptive pruning at {one['neurons']} neurons takes {fall('inference', energy)} off the "
        f"energy of an inference, whose SOPs fall by {fall('inference', sops)} "
        f"({100 * (1 - flat['adaptive'] / flat['none']):.0f} % if memories of any size cost the "
        f"same per access), and "
        f"{fall('learning', energy)} off a presentation of the training, whose SOPs fall by "
        f"{fall('learning', sops)}; the pruning itself is {cost('adaptive')} of that."
        f"{redundancy}"
    )


#: Blocks by name: the kind of results, and what is made of them.
HARDWARE_BLOCKS: Mapping[str, tuple[str, Callable[[_Results], str]]] = {
    "size": ("size", _size),
    "size-units": ("size", _units),
    "size-learning": ("ablation", _learning_budgets),
    "cycles": ("cycles", _cycles),
    "cycles-density": ("cycles", _density),
    "cycles-headline": ("cycles", _measured),
    "lockstep": ("lockstep", _lockstep),
    "lockstep-headline": ("lockstep", _compared),
    "mutants": ("mutants", _mutants),
    "sim-speed": ("simulation-speed", _speed),
    "energy-headline": ("energy", _energy),
}
