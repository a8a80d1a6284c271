"""The pictures of the report, from the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from prunus_model.spec.labels import pruning_label
from prunus_overhead.energy.operations import UNITS
from prunus_overhead.report.charts import bars, scatter, strip, svg
from prunus_overhead.report.sources import Results
from prunus_overhead.report.table import short
from prunus_overhead.size.resources import logic_of

__all__ = ["POLICIES", "Picture", "pictures", "unit_of"]

Row = dict[str, Any]

#: Policies in the order in which they are shown.
POLICIES = ("none", "adaptive", "lift", "constant", "soft")
#: Units of a learning core that are shown as one, by the name of the synthesised module.
_JOINED = {
    "columns": "store",
    "events": "encoder",
    "refractory": "encoder",
    "stream_key": "encoder",
    "random": "stdp",
    "sweep": "stdp",
    "last_step": "stdp",
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart with what is written around it.

    Attributes
    ----------
    title, caption : str
        Above and below the chart.
    figure : Figure
        The chart.
    """

    title: str
    caption: str
    figure: Figure

    @property
    def svg(self) -> str:
        """The chart as an element of a page."""
        return svg(self.figure, title=self.title)


def unit_of(module: str) -> str:
    """Return the unit under which a synthesised module is shown.

    Examples
    --------
    >>> unit_of("sweep"), unit_of("membrane"), unit_of("memory_port")
    ('stdp', 'membrane', 'other')
    """
    unit = _JOINED.get(module, module)
    return unit if unit in UNITS else "other"


def pictures(results: Results) -> list[Picture]:
    """Return all pictures for which there are results.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    energy = results.rows("energy", "rows")
    return [
        *_accuracy(energy),
        *(picture for mode in ("inference", "learning") for picture in _by_unit(energy, mode)),
        *_reasons(energy),
        *_activity(results.rows("cells", "energy")),
        *_area(results),
        *_speed(results.rows("ablation", "rows")),
    ]


def _accuracy(energy: Sequence[Row]) -> Iterable[Picture]:
    rows = [r for r in energy if r["mode"] == "inference" and pruning_label(r) in POLICIES]
    for kind, what, key, label in (
        ("a", "SOPs", "sops_per_presentation", "forward SOPs per inference"),
        ("b", "energy", "nj_per_presentation", "nJ per inference (class b)"),
    ):
        chosen = sorted((r for r in rows if r["class"] == kind), key=lambda r: r["neurons"])
        if not chosen:
            continue
        series = []
        for policy in POLICIES:
            for hollow in (False, True):
                points = [
                    # Those of the other policies are nearby.
                    (r[key], 100 * r["accuracy"], str(r["neurons"]) * (policy == "adaptive"))
                    for r in chosen
                    if (pruning_label(r), bool(r["early_exit"])) == (policy, hollow)
                ]
                series += [(policy, hollow, points)] if points else []
        technology = f" {chosen[0]['technology']}." if kind == "b" else ""
        yield Picture(
            f"Accuracy against {what}",
            f"{_sizes(chosen)} neurons, from the left; {chosen[0]['workload']}; one seed. Votes "
            f"from training images only.{technology}",
            scatter(series, x=label, y="accuracy, %", rings="early exit after the first spike"),
        )


def _sizes(rows: Sequence[Row]) -> str:
    sizes = sorted({row["neurons"] for row in rows})
    text = ", ".join(map(str, sizes[:-1]))
    return f"{text} and {sizes[-1]}" if text else str(sizes[-1])


def _bar(label: str, parts: Mapping[str, float]) -> tuple[str, Mapping[str, float], str]:
    return label, parts, short(sum(parts.values()))


def _by_unit(energy: Sequence[Row], mode: str) -> Iterable[Picture]:
    rows = [r for r in energy if r["class"] == "b" and r["mode"] == mode]
    if not rows:
        return
    one = max(rows, key=lambda r: r["neurons"])
    what = "inference" if mode == "inference" else "learning presentation"
    shown = [
        _bar(
            f"{_label(pruning_label(r))}{', early exit' if r['early_exit'] else ''}",
            {unit: r["parts"][unit] for unit in UNITS if unit in r["parts"]},
        )
        for r in rows
        if r["neurons"] == one["neurons"]
    ]
    yield Picture(
        f"Energy of {'an' if mode == 'inference' else 'a'} {what}, by unit",
        f"{one['neurons']} neurons, {one['lanes']} lanes, class b, {one['technology']}, "
        f"{one['voltage_v']:g} V; {one['workload']}. Without clock, leakage, wires, control. "
        f"Pruning is charged, but too little to be seen.",
        bars(shown, unit=f"nJ per {what}"),
    )


def _label(policy: str) -> str:
    return "none (dense)" if policy == "none" else policy


def _reasons(energy: Sequence[Row]) -> Iterable[Picture]:
    rows = [r for r in energy if r["class"] == "b" and pruning_label(r) in ("none", "adaptive")]
    if {pruning_label(r) for r in rows} != {"none", "adaptive"}:
        return
    neurons = max(r["neurons"] for r in rows if pruning_label(r) == "adaptive")
    shown: list[tuple[str, Mapping[str, float], str]] = []
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
        shown.append((f"{mode}: SOPs", {"SOPs": sops}, f"{sops:.1f} %"))
        parts = {n: 100 * nj / dense["nj_per_presentation"] for n, nj in pruned["groups"].items()}
        shown.append((f"{mode}: energy", parts, f"{sum(parts.values()):.1f} %"))
    yield Picture(
        "What is left after adaptive pruning",
        f"{neurons} neurons; of the same without pruning. Energy (class b) falls less than SOPs "
        f"where something is done for every input spike or neuron, pruned or not; it falls more "
        f"where the pruned network's memory is smaller, because a smaller memory costs less per "
        f"access.",
        bars(shown, unit="% of dense", whole=100),
    )


def _activity(rows: Sequence[Row]) -> Iterable[Picture]:
    rows = [r for r in rows if not r["early_exit"] and not r["same_decisions"]]
    if not rows:
        return
    one = max(rows, key=lambda r: r["neurons"])
    shown = [
        _bar(f"{r['mode']}, {_label(pruning_label(r))}", _joined(r["units"]))
        for r in rows
        if r["neurons"] == one["neurons"]
    ]
    yield Picture(
        "Energy by switching activity, by unit",
        f"{one['neurons']} neurons, {one['lanes']} lanes, class c, {one['technology']}, "
        f"{one['voltage_v']:g} V; {one['workload']}. Logic with its clock; memories left out.",
        bars(shown, unit="nJ per presentation"),
    )


def _joined(modules: Mapping[str, float]) -> dict[str, float]:
    """Return figures by unit from those by module, in the order of units."""
    sums = dict.fromkeys((*UNITS, "other"), 0.0)
    for module, value in modules.items():
        sums[unit_of(module)] += value
    return {unit: value for unit, value in sums.items() if value}


def _areas(modules: Mapping[str, float], unit: str) -> Figure:
    sums = _joined(modules)
    total = sum(sums.values())
    order = sorted(sums, key=lambda name: (name == "other", -sums[name]))
    shown = [
        (name, {name: sums[name]}, f"{sums[name]:,.0f} ({100 * sums[name] / total:.1f} %)")
        for name in order
    ]
    return bars(shown, unit=unit)


def _area(results: Results) -> Iterable[Picture]:
    cells = [
        r
        for r in results.rows("cells", "ablation")
        if (r["mode"], pruning_label(r)) == ("learning", "adaptive")
    ]
    if cells:
        one = min(cells, key=lambda r: r["neurons"])
        yield Picture(
            "Area of each unit, standard cells",
            f"Learning core, {one['neurons']} neurons, {one['lanes']} lanes, adaptive pruning; "
            f"{one['technology']}, hierarchy kept, without memories, wires and rows.",
            _areas(one["units"], "um2"),
        )
    if rows := results.rows("size", "units"):
        yield Picture(
            "Area of each unit, FPGA",
            "Learning core, 100 neurons, 16 lanes, adaptive pruning; ECP5, LUT4 with those of "
            "carry chains (2 per CCU2C), hierarchy kept. Other: sequencer, memory port, counters.",
            _areas({row["unit"]: logic_of(row) for row in rows}, "LUT4"),
        )


def _speed(ablation: Sequence[Row]) -> Iterable[Picture]:
    rows = [r for r in ablation if r.get("fmax_mhz")]
    if not rows:
        return
    shown = [
        (
            (
                f"{r['neurons']} neurons, {r['lanes']} lanes, {r['mode']}, {pruning_label(r)}: "
                f"{median(r['fmax_mhz']):.1f} MHz"
            ),
            pruning_label(r),
            r["fmax_mhz"],
        )
        for r in rows
    ]
    yield Picture(
        "Clock that is reached",
        f"{rows[0]['technology']}, complete design with link and pins, "
        f"{len(rows[0]['fmax_mhz'])} seeds of place and route each; the mark is the median.",
        strip(shown, x="fmax, MHz"),
    )
