"""The tables of the report, from the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from prunus_boards.energy.reasons import GROUPS
from prunus_boards.report.charts import short
from prunus_boards.report.peers import PEERS, Peer
from prunus_boards.report.pictures import unit_of
from prunus_boards.report.sources import Results
from prunus_rtl.resources import logic_of

__all__ = ["Table", "tables"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Parameters
    ----------
    name : str
        How other documents call it.
    title : str
        Above it.
    headings : sequence of str
        One for each column.
    rows : sequence of sequences of str
        The cells.
    text : sequence of int
        Columns of prose, which may wrap, beside the first.
    note : str
        Below it.
    """

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: Sequence[int] = ()
    note: str = ""


def tables(results: Results) -> list[Table]:
    """Return all tables for which there are results, and those of peers.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    energy = results.rows("energy", "energy")
    found = [
        _ablation(results.rows("ablation", "ablation")),
        _cells(results.rows("cells", "ablation")),
        _pruning_unit(
            results.rows("energy", "pruning_unit") + results.rows("cells", "pruning_unit")
        ),
        _savings(energy),
        _reasons(energy),
        _sensitivity(results.rows("energy", "sensitivity")),
        _energy(energy + results.rows("cells", "energy")),
        _units(results.rows("size", "units")),
        _cycles(results.rows("cycles", "rows")),
        _technology(results.content.get("energy", {}).get("technology")),
    ]
    return [table for table in found if table is not None and table.rows] + _peers()


def _ablation(rows: Sequence[Row]) -> Table | None:
    base = {_core(r): r for r in rows if r["policy"] == "none"}
    cells = []
    for r in rows:
        none = base.get(_core(r))
        more = ""
        if none and r is not none and r.get("lut"):
            more = f"{100 * (r['logic'] / none['logic'] - 1):+.2f} %"
        speeds = r.get("fmax_mhz") or []
        speed = f"{median(speeds):.1f} ({min(speeds):.1f} to {max(speeds):.1f})" if speeds else "--"
        cells.append(
            [
                r["technology"],
                r["mode"],
                str(r["neurons"]),
                str(r["lanes"]),
                r["policy"],
                *(_count(r.get(name)) for name in ("logic", "lut", "carry", "ff", "blocks")),
                more or "--",
                speed,
                _count(r.get("cycles_per_presentation")),
                _count(r.get("cycles_same_decisions")),
            ]
        )
    return Table(
        name="ablation",
        title="Otherwise equal cores",
        headings=[
            "technology",
            "mode",
            "neurons",
            "lanes",
            "pruning",
            "logic",
            "LUT4",
            "carry",
            "FF",
            "block RAM",
            "logic against none",
            "fmax MHz, median (range)",
            "cycles per presentation",
            "cycles, nothing pruned",
        ],
        rows=cells,
        note="Logic: LUT4 and those of carry chains. Sizes: core alone, yosys. fmax: complete "
        "design for the ULX3S. Cycles: counted by the simulated gateware, every result equal to "
        "the model's; nothing pruned: the pruning unit is there, but prunes nothing.",
    )


def _cells(rows: Sequence[Row]) -> Table | None:
    base = {_core(r): r["cells_um2"] for r in rows if r["policy"] == "none"}
    return Table(
        name="cells",
        title="Otherwise equal cores, standard cells",
        headings=[
            "technology",
            "mode",
            "neurons",
            "lanes",
            "pruning",
            "cells",
            "um2",
            "NAND2",
            "against none",
            "memory bits",
            "memory um2",
        ],
        rows=[
            [
                r["technology"],
                r["mode"],
                str(r["neurons"]),
                str(r["lanes"]),
                r["policy"],
                *(_count(r[name]) for name in ("cells", "cells_um2", "nand2")),
                f"{100 * (r['cells_um2'] / base[_core(r)] - 1):+.2f} %"
                if _core(r) in base and r["policy"] != "none"
                else "--",
                *(_count(r[name]) for name in ("memory_bits", "memory_um2")),
            ]
            for r in rows
        ],
        note="Synthesised flat, not placed. Memories are counted apart: bits, and bits times the "
        "area of a bit cell, without periphery.",
    )


def _core(row: Row) -> tuple[Any, ...]:
    return row["technology"], row["mode"], row["neurons"], row["lanes"]


def _count(value: float | None) -> str:
    return "--" if value is None else f"{value:,.0f}"


def _pruning_unit(rows: Sequence[Row]) -> Table | None:
    return Table(
        name="pruning-unit",
        title="What pruning adds to the energy of learning",
        headings=["pruning", "neurons", "class", "nJ with it", "nJ without", "more"],
        rows=[
            [
                r["policy"],
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


def _savings(energy: Sequence[Row]) -> Table | None:
    dense = {_setting(r): r for r in energy if r["policy"] == "none"}
    rows = []
    for r in energy:
        base = dense.get(_setting(r))
        if r["class"] != "b" or r["policy"] == "none" or base is None:
            continue
        sops = 1 - r["sops_per_presentation"] / base["sops_per_presentation"]
        fall = 1 - r["nj_per_presentation"] / base["nj_per_presentation"]
        rows.append(
            [
                r["mode"],
                str(r["neurons"]),
                r["policy"],
                str(r["early_exit"] or "never"),
                f"{base['nj_per_presentation']:,.0f}",
                f"{r['nj_per_presentation']:,.0f}",
                f"{100 * fall:.1f} %",
                f"{100 * sops:.1f} %",
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


def _reasons(energy: Sequence[Row]) -> Table | None:
    rows = []
    chosen = [r for r in energy if r["class"] == "b" and not r["early_exit"]]
    names = [name for name in GROUPS if any(name in r["groups"] for r in chosen)]
    for r in chosen:
        if r["policy"] in ("none", "adaptive"):
            groups = (r["groups"].get(name, 0.0) for name in names)
            rows.append(
                [
                    r["mode"],
                    str(r["neurons"]),
                    r["policy"],
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


def _sensitivity(rows: Sequence[Row]) -> Table | None:
    dense = {(r["mode"], r["neurons"], r["exponent"]): r for r in rows if r["policy"] == "none"}
    exponents = sorted({r["exponent"] for r in rows})
    lines: dict[tuple[str, int], list[str]] = {}
    for r in sorted(rows, key=lambda r: (r["mode"], r["neurons"], r["exponent"])):
        base = dense.get((r["mode"], r["neurons"], r["exponent"]))
        if r["policy"] != "adaptive" or base is None:
            continue
        key = r["mode"], r["neurons"]
        if key not in lines:
            sops = 1 - r["sops_per_presentation"] / base["sops_per_presentation"]
            lines[key] = [r["mode"], str(r["neurons"]), f"{100 * sops:.1f} %"]
        fall = 1 - r["nj_per_presentation"] / base["nj_per_presentation"]
        lines[key].append(f"{100 * fall:.1f} %")
    return Table(
        name="sensitivity",
        title="How much of that is the law of memories: fall of energy by exponent",
        headings=["mode", "neurons", "SOPs fall by", *(f"exponent {x:g}" for x in exponents)],
        rows=list(lines.values()),
        note="Adaptive against none, class b. The energy of an access of a memory grows with its "
        "size to this power; 0.5 is the one that is used, 0 takes all memories for equally dear.",
    )


def _energy(rows: Sequence[Row]) -> Table | None:
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
                r["policy"] + (", prunes nothing" if r.get("same_decisions") else ""),
                str(r.get("early_exit") or "never"),
                str(r.get("store", "--")),
                _count(r.get("sops_per_presentation")),
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


def _units(rows: Sequence[Row]) -> Table | None:
    return Table(
        name="units",
        title="Units of a learning core (ECP5, 100 neurons, 16 lanes, adaptive)",
        headings=["module", "shown as", "logic", "LUT4", "CCU2C", "FF", "DP16KD", "LUT RAM"],
        rows=[
            [r["unit"], unit_of(r["unit"]), _count(logic_of(r))]
            + [_count(r[name]) for name in ("LUT4", "CCU2C", "FF", "DP16KD", "DPR16X4")]
            for r in rows
        ],
        text=(),
        note="Synthesised with its hierarchy kept: the sum is larger than the flattened core.",
    )


def _cycles(rows: Sequence[Row]) -> Table | None:
    return Table(
        name="cycles",
        title="Cycles of an inference, counted by the simulated gateware",
        headings=[
            "network",
            "neurons",
            "lanes",
            "store",
            "early exit",
            "SOPs",
            "cycles",
            "lane use",
        ],
        rows=[
            [
                r["network"],
                str(r["neurons"]),
                str(r["lanes"]),
                r["store"],
                str(r["early_exit"] or "never"),
                _count(r["forward_sops_per_inference"]),
                _count(r["cycles_per_inference"]),
                f"{100 * r['lane_use']:.1f} %",
            ]
            for r in rows
            if not r["swept"]
        ],
    )


def _technology(technology: Row | None) -> Table | None:
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
        note="Another table: prunus estimate NETWORK --tech FILE, python -m prunus_boards.energy "
        "--tech FILE.",
    )


def _peers() -> list[Table]:
    def table(name: str, title: str, peers: Sequence[Peer], note: str) -> Table:
        return Table(
            name=name,
            title=title,
            headings=["design", "figure", "what its SOP or its network is", "platform"],
            rows=[[peer.name, peer.figure, peer.what, peer.platform] for peer in peers],
            text=(1, 2, 3),
            note=note,
        )

    return [
        table(
            "peers",
            "Published figures: unsupervised learning, and energy by SOP",
            [peer for peer in PEERS if not peer.supervised],
            "As published; nothing was remeasured. A SOP is another thing in each of them, and "
            "they include what ours leave out: clock, control, leakage, input and output. So "
            "pJ/SOP of class a or b must not be set against them.",
        ),
        table(
            "peers-supervised",
            "Published figures: supervised networks",
            [peer for peer in PEERS if peer.supervised],
            "Trained with labels: more accurate and smaller than a network that learns without. "
            "Measured at the board, with everything in it.",
        ),
    ]
