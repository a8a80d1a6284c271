"""The pictures of the report, from the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from prunus_model.spec.config import pruning_label
from prunus_overhead.energy.operations import UNITS
from prunus_overhead.report.charts import (
    Axis,
    Bar,
    Bars,
    Part,
    Point,
    Scatter,
    Series,
    Strip,
    short,
)
from prunus_overhead.report.sources import Results
from prunus_overhead.size.resources import logic_of

__all__ = ["COLOURED", "Chart", "pictures", "unit_of"]

Chart = Scatter | Bars | Strip
Row = dict[str, Any]

#: Policies in the order in which they are shown.
COLOURED = ("none", "adaptive", "adaptive + redundancy", "constant", "soft")
#: Units of a learning core that are shown as one, by the name of the synthesised module.
_JOINED = {
    "columns": "store",
    "events": "encoder",
    "stream_key": "encoder",
    "random": "stdp",
    "sweep": "stdp",
    "last_step": "stdp",
}


def unit_of(module: str) -> str:
    """Return the unit under which a synthesised module is shown.

    Examples
    --------
    >>> unit_of("sweep"), unit_of("membrane"), unit_of("memory_port")
    ('stdp', 'membrane', 'other')
    """
    unit = _JOINED.get(module, module)
    return unit if unit in UNITS else "other"


def pictures(results: Results) -> list[Chart]:
    """Return all pictures for which there are results.

    Parameters
    ----------
    results : Results
        What was measured.

    Returns
    -------
    list of Scatter, Bars or Strip
    """
    energy = results.rows("energy", "rows")
    found: list[Chart] = []
    found += _accuracy(energy)
    for mode in ("inference", "learning"):
        found += _by_unit(energy, mode)
    found += _reasons(energy)
    found += _activity(results.rows("cells", "energy"))
    found += _area(results)
    found += _speed(results.rows("ablation", "rows"))
    return found


def _policies(rows: Iterable[Row]) -> list[str]:
    there = {pruning_label(row) for row in rows}
    return [policy for policy in COLOURED if policy in there]


def _accuracy(energy: Sequence[Row]) -> list[Chart]:
    rows = [r for r in energy if r["mode"] == "inference" and pruning_label(r) in COLOURED]
    found: list[Chart] = []
    for kind, key, label in (
        ("a", "sops_per_presentation", "forward SOPs per inference"),
        ("b", "nj_per_presentation", "nJ per inference (class b)"),
    ):
        chosen = [r for r in rows if r["class"] == kind]
        if not chosen:
            continue
        x = Axis.around([r[key] for r in chosen], label=label, log=True)
        y = Axis.around([100 * r["accuracy"] for r in chosen], label="accuracy, %")
        series = []
        for policy in _policies(chosen):
            points = []
            for r in sorted(chosen, key=lambda r: (r["early_exit"], r["neurons"])):
                if pruning_label(r) == policy:
                    points.append(_point(r, key))
            series.append(Series(name=policy, points=points))
        found.append(
            Scatter(
                title=f"Accuracy against {'SOPs' if kind == 'a' else 'energy'}",
                caption=f"{_sizes(chosen)} neurons, from the left; {chosen[0]['workload']}; one "
                f"seed. Votes from training images only."
                + (f" {chosen[0]['technology']}." if kind == "b" else ""),
                x=x,
                y=y,
                series=series,
                rings="early exit after the first output spike",
            )
        )
    return found


def _point(row: Row, key: str) -> Point:
    early = f", early exit after {row['early_exit']}" if row["early_exit"] else ""
    return Point(
        x=row[key],
        y=100 * row["accuracy"],
        # Those of the other policies are nearby.
        label=str(row["neurons"]) if pruning_label(row) == "adaptive" else "",
        tip=f"{row['neurons']} neurons, {pruning_label(row)}{early}: "
        f"{100 * row['accuracy']:.2f} %, {short(row[key])}",
        hollow=bool(row["early_exit"]),
    )


def _sizes(rows: Sequence[Row]) -> str:
    sizes = sorted({row["neurons"] for row in rows})
    text = ", ".join(map(str, sizes[:-1]))
    return f"{text} and {sizes[-1]}" if text else str(sizes[-1])


def _by_unit(energy: Sequence[Row], mode: str) -> list[Chart]:
    rows = [r for r in energy if r["class"] == "b" and r["mode"] == mode]
    if not rows:
        return []
    neurons = max(r["neurons"] for r in rows)
    bars = []
    for r in rows:
        if r["neurons"] != neurons:
            continue
        early = ", early exit" if r["early_exit"] else ""
        parts = [Part(name=u, value=r["parts"].get(u, 0.0)) for u in UNITS if u in r["parts"]]
        bars.append(Bar(label=f"{_label(pruning_label(r))}{early}", parts=parts))
    one = rows[-1]
    what = "inference" if mode == "inference" else "learning presentation"
    return [
        Bars(
            title=f"Energy of {'an' if mode == 'inference' else 'a'} {what}, by unit",
            caption=f"{neurons} neurons, {one['lanes']} lanes, class b, {one['technology']}, "
            f"{one['voltage_v']:g} V; {one['workload']}. Without clock, leakage, wires, control. "
            f"Pruning is charged, but too little to be seen.",
            unit=f"nJ per {what}",
            bars=bars,
        )
    ]


def _label(policy: str) -> str:
    return "none (dense)" if policy == "none" else policy


def _reasons(energy: Sequence[Row]) -> list[Chart]:
    rows = [r for r in energy if r["class"] == "b" and pruning_label(r) in ("none", "adaptive")]
    if {pruning_label(r) for r in rows} != {"none", "adaptive"}:
        return []
    neurons = max(r["neurons"] for r in rows if pruning_label(r) == "adaptive")
    bars = []
    for mode in ("inference", "learning"):
        pair = {
            pruning_label(r): r
            for r in rows
            if (r["mode"], r["neurons"], r["early_exit"]) == (mode, neurons, 0)
        }
        if len(pair) < 2:
            continue
        dense, pruned = pair["none"], pair["adaptive"]
        sops = 100 * pruned["sops_per_presentation"] / dense["sops_per_presentation"]
        bars.append(
            Bar(label=f"{mode}: SOPs", parts=[Part(name="SOPs", value=sops)], text=f"{sops:.1f} %")
        )
        nj = dense["nj_per_presentation"]
        parts = [Part(name=name, value=100 * v / nj) for name, v in pruned["groups"].items()]
        bar = Bar(label=f"{mode}: energy", parts=parts)
        bars.append(Bar(label=bar.label, parts=parts, text=f"{bar.total:.1f} %"))
    return [
        Bars(
            title="What is left after adaptive pruning",
            caption=f"{neurons} neurons; of the same without pruning. Energy (class b) falls less "
            f"than SOPs where something is done for every input spike or neuron, pruned or not; it "
            f"falls more where the pruned network's memory is smaller, because a smaller memory "
            f"costs less per access.",
            unit="% of dense",
            bars=bars,
            whole=100,
        )
    ]


def _activity(rows: Sequence[Row]) -> list[Chart]:
    rows = [r for r in rows if not r["early_exit"] and not r["same_decisions"]]
    if not rows:
        return []
    neurons = max(r["neurons"] for r in rows)
    bars = [
        Bar(
            label=f"{r['mode']}, {_label(pruning_label(r))}",
            parts=[Part(name=n, value=nj) for n, nj in _joined(r["units"]).items()],
        )
        for r in rows
        if r["neurons"] == neurons
    ]
    one = rows[0]
    return [
        Bars(
            title="Energy by switching activity, by unit",
            caption=f"{neurons} neurons, {one['lanes']} lanes, class c, {one['technology']}, "
            f"{one['voltage_v']:g} V; {one['workload']}. Logic with its clock; memories left out.",
            unit="nJ per presentation",
            bars=bars,
        )
    ]


def _joined(modules: Mapping[str, float]) -> dict[str, float]:
    """Return figures by unit from those by module, in the order of units."""
    sums = dict.fromkeys((*UNITS, "other"), 0.0)
    for module, value in modules.items():
        sums[unit_of(module)] += value
    return {unit: value for unit, value in sums.items() if value}


def _areas(modules: Mapping[str, float]) -> list[Bar]:
    sums = _joined(modules)
    total = sum(sums.values())
    return [
        Bar(
            label=unit,
            parts=[Part(name=unit, value=sums[unit])],
            text=f"{sums[unit]:,.0f} ({100 * sums[unit] / total:.1f} %)",
        )
        for unit in sorted(sums, key=lambda unit: (unit == "other", -sums[unit]))
    ]


def _area(results: Results) -> list[Chart]:
    found: list[Chart] = []
    cells = [
        r
        for r in results.rows("cells", "ablation")
        if (r["mode"], pruning_label(r)) == ("learning", "adaptive")
    ]
    if cells:
        one = min(cells, key=lambda r: r["neurons"])
        found.append(
            Bars(
                title="Area of each unit, standard cells",
                caption=f"Learning core, {one['neurons']} neurons, {one['lanes']} lanes, adaptive "
                f"pruning; {one['technology']}, hierarchy kept, without memories, wires and rows.",
                unit="um2",
                bars=_areas(one["units"]),
            )
        )
    rows = results.rows("size", "units")
    if not rows:
        return found
    bars = _areas({row["unit"]: logic_of(row) for row in rows})
    return [
        *found,
        Bars(
            title="Area of each unit, FPGA",
            caption="Learning core, 100 neurons, 16 lanes, adaptive pruning; ECP5, LUT4 with "
            "those of carry chains (2 per CCU2C), hierarchy kept. Other: sequencer, memory port, "
            "counters.",
            unit="LUT4",
            bars=bars,
        ),
    ]


def _speed(ablation: Sequence[Row]) -> list[Chart]:
    rows = [r for r in ablation if r.get("fmax_mhz")]
    if not rows:
        return []
    values = [mhz for r in rows for mhz in r["fmax_mhz"]]
    return [
        Strip(
            title="Clock that is reached",
            caption=f"{rows[0]['technology']}, complete design with link and pins, "
            f"{len(rows[0]['fmax_mhz'])} seeds of place and route each; the mark is the median.",
            x=Axis.around(values, label="fmax, MHz"),
            rows=[
                (
                    (
                        f"{r['neurons']} neurons, {r['lanes']} lanes, {r['mode']}, "
                        f"{pruning_label(r)}: {median(r['fmax_mhz']):.1f} MHz"
                    ),
                    pruning_label(r),
                    r["fmax_mhz"],
                )
                for r in rows
            ],
        )
    ]
