"""Tables of energy: what pruning adds, what it saves, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_overhead.energy.reasons import GROUPS
from prunus_overhead.report.table import Row, Table, count, percent, short

__all__ = [
    "energy_table",
    "pruning_unit_table",
    "reasons_table",
    "savings_table",
    "sensitivity_table",
    "technology_table",
]


def pruning_unit_table(rows: Sequence[Row]) -> Table | None:
    """Return what the pruning unit adds to the energy of learning."""
    return Table(
        name="pruning-unit",
        title="What pruning adds to the energy of learning",
        headings=["pruning", "neurons", "class", "nJ with it", "nJ without", "more"],
        rows=[
            [
                pruning_label(r),
                str(r["neurons"]),
                r["class"],
                f"{r['with_nj']:,.2f}",
                f"{r['without_nj']:,.2f}",
                f"{r['percent']:+.4f} %",
            ]
            for r in rows
        ],
        note="The same decisions and the same density; only what the unit does, and the rows that "
        "it writes, is the difference.",
    )


def savings_table(energy: Sequence[Row]) -> Table | None:
    """Return what pruning saves, and how that compares with SOPs."""
    dense = {_setting(r): r for r in energy if pruning_label(r) == "none"}
    rows = []
    for r in energy:
        base = dense.get(_setting(r))
        if r["class"] != "b" or pruning_label(r) == "none" or base is None:
            continue
        sops = 1 - r["sops_per_presentation"] / base["sops_per_presentation"]
        fall = 1 - r["nj_per_presentation"] / base["nj_per_presentation"]
        rows.append(
            [
                r["mode"],
                str(r["neurons"]),
                pruning_label(r),
                str(r["early_exit"] or "never"),
                f"{base['nj_per_presentation']:,.0f}",
                f"{r['nj_per_presentation']:,.0f}",
                percent(fall),
                percent(sops),
                f"{fall / sops:.2f}" if sops else "--",
                f"{100 * (r['accuracy'] - base['accuracy']):+.2f}" if "accuracy" in r else "--",
            ]
        )
    return Table(
        name="savings",
        title="What pruning saves, its own cost included (class b)",
        headings=[
            "mode",
            "neurons",
            "pruning",
            "early exit",
            "nJ dense",
            "nJ",
            "energy falls by",
            "SOPs fall by",
            "ratio",
            "accuracy, points",
        ],
        rows=rows,
        note="Against the network trained without pruning, from the same seed. Constant and soft "
        "run with their default strengths, not with their best ones.",
    )


def _setting(row: Row) -> tuple[Any, ...]:
    return row["class"], row["mode"], row["neurons"], row["early_exit"]


def reasons_table(energy: Sequence[Row]) -> Table | None:
    """Return the energy by purpose, without pruning and with it."""
    rows = []
    chosen = [r for r in energy if r["class"] == "b" and not r["early_exit"]]
    names = [name for name in GROUPS if any(name in r["groups"] for r in chosen)]
    for r in chosen:
        if pruning_label(r) in ("none", "adaptive", "lift"):
            groups = (r["groups"].get(name, 0.0) for name in names)
            rows.append(
                [
                    r["mode"],
                    str(r["neurons"]),
                    pruning_label(r),
                    r["store"],
                    f"{r['pj_per_sop']:.2f}",
                    *(f"{nj:,.1f}" for nj in groups),
                ]
            )
    return Table(
        name="reasons",
        title="Why energy falls as it does: nJ by purpose",
        headings=["mode", "neurons", "pruning", "store", "pJ/SOP", *names],
        rows=rows,
        note="Synapses: weights of SOPs, potentials read and written for them, additions. All "
        "other columns do not fall with SOPs, or not as much.",
    )


def sensitivity_table(rows: Sequence[Row]) -> Table | None:
    """Return how savings depend on the law of memories."""
    dense = {
        (r["mode"], r["neurons"], r["exponent"]): r for r in rows if pruning_label(r) == "none"
    }
    exponents = sorted({r["exponent"] for r in rows})
    lines: dict[tuple[str, int], list[str]] = {}
    for r in sorted(rows, key=lambda r: (r["mode"], r["neurons"], r["exponent"])):
        base = dense.get((r["mode"], r["neurons"], r["exponent"]))
        if pruning_label(r) != "adaptive" or base is None:
            continue
        key = r["mode"], r["neurons"]
        if key not in lines:
            sops = 1 - r["sops_per_presentation"] / base["sops_per_presentation"]
            lines[key] = [r["mode"], str(r["neurons"]), percent(sops)]
        fall = 1 - r["nj_per_presentation"] / base["nj_per_presentation"]
        lines[key].append(percent(fall))
    return Table(
        name="sensitivity",
        title="How much of that is the law of memories: fall of energy by exponent",
        headings=["mode", "neurons", "SOPs fall by", *(f"exponent {x:g}" for x in exponents)],
        rows=list(lines.values()),
        note="Adaptive against none, class b. The energy of an access of a memory grows with its "
        "size to this power; 0.5 is the one that is used, 0 takes all memories for equally dear.",
    )


def energy_table(rows: Sequence[Row]) -> Table | None:
    """Return all estimates."""
    return Table(
        name="energy",
        title="All estimates, by class",
        headings=[
            "class",
            "technology",
            "V",
            "mode",
            "neurons",
            "pruning",
            "early exit",
            "store",
            "SOPs",
            "nJ",
            "pJ/SOP",
            "memories",
            "accuracy %",
            "network",
        ],
        rows=[
            [
                r["class"],
                r["technology"],
                f"{r['voltage_v']:g}" if "voltage_v" in r else "--",
                r["mode"],
                str(r["neurons"]),
                pruning_label(r) + (", prunes nothing" if r.get("same_decisions") else ""),
                str(r.get("early_exit") or "never"),
                str(r.get("store", "--")),
                count(r.get("sops_per_presentation")),
                short(r["nj_per_presentation"]),
                short(r["pj_per_sop"]) if r.get("pj_per_sop") else "--",
                f"{100 * r['memory_nj'] / r['nj_per_presentation']:.0f} %"
                if "memory_nj" in r and r["class"] == "b"
                else "--",
                f"{100 * r['accuracy']:.2f}" if "accuracy" in r else "--",
                str(r.get("artifact_hash") or r.get("artifact_sha256", "--"))[:12],
            ]
            for r in rows
        ],
        note="Per presentation: of test images in inference, of the whole training in learning. "
        "Classes are different things and must not be compared with each other.",
    )


def technology_table(technology: Row | None) -> Table | None:
    """Return the energies of class b; None if they are not known."""
    if technology is None:
        return None
    rows = []
    for name, entry in technology.items():
        if isinstance(entry, dict):
            parts = [(name, entry)]
            if name == "memory":
                parts = [(f"{name}.{kind}", values) for kind, values in entry.items()]
            for label, values in parts:
                figures = ", ".join(f"{k} {v:g}" for k, v in values.items() if k != "source")
                rows.append([label, figures, values["source"]])
    return Table(
        name="technology",
        title=f"Energies of class b: {technology['name']}, {technology['node_nm']:g} nm, "
        f"{technology['voltage_v']:g} V",
        headings=["entry", "figures, pJ", "source"],
        rows=rows,
        text=(1, 2),
        note="Another table: prunus estimate NETWORK --tech FILE, python -m prunus_overhead.energy "
        "--tech FILE.",
    )
