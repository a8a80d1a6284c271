"""The tables of the report, from the results."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from prunus_model.spec.labels import pruning_label
from prunus_overhead.report.peers import PEERS, Peer
from prunus_overhead.report.pictures import unit_of
from prunus_overhead.report.sources import Results
from prunus_overhead.report.table import Row, Table, comparable, count
from prunus_overhead.report.tables_energy import (
    energy_table,
    pruning_unit_table,
    reasons_table,
    savings_table,
    sensitivity_table,
    technology_table,
)
from prunus_overhead.size.resources import logic_of

__all__ = ["tables"]


def tables(results: Results) -> list[Table]:
    """Return all tables for which there are results, and those of peers.

    Parameters
    ----------
    results : Results
        What was measured.
    """
    energy = results.rows("energy", "rows")
    found = [
        _ablation(results.rows("ablation", "rows")),
        _cells(results.rows("cells", "ablation")),
        pruning_unit_table(
            results.rows("energy", "pruning_unit") + results.rows("cells", "pruning_unit")
        ),
        savings_table(energy),
        reasons_table(energy),
        sensitivity_table(results.rows("energy", "sensitivity")),
        energy_table(energy + results.rows("cells", "energy")),
        _units(results.rows("size", "units")),
        _cycles(results.rows("cycles", "rows")),
        technology_table(results.content.get("energy", {}).get("technology")),
    ]
    return [table for table in found if table is not None and table.rows] + _peers()


def _ablation(rows: Sequence[Row]) -> Table | None:
    base = {_core(r): r for r in rows if pruning_label(r) == "none"}
    cells = []
    for r in rows:
        none = base.get(_core(r), r)
        more = [_more(r, none, key) for key in ("logic", "units_logic")]
        speeds = r.get("fmax_mhz") or []
        speed = f"{median(speeds):.1f} ({min(speeds):.1f} to {max(speeds):.1f})" if speeds else "--"
        cells.append(
            [
                r["technology"],
                r["mode"],
                str(r["neurons"]),
                str(r["lanes"]),
                pruning_label(r),
                *(count(r.get(name)) for name in ("logic", "lut", "carry", "ff", "blocks")),
                *more,
                speed,
                count(r.get("cycles_per_presentation")),
                count(r.get("cycles_same_decisions")),
                r["commit"][:7],
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
            "units against none",
            "fmax MHz, median (range)",
            "cycles per presentation",
            "cycles, nothing pruned",
            "measured at",
        ],
        rows=cells,
        note="Logic: LUT4 and those of carry chains; core alone, flattened, yosys: its mapping "
        "varies by some per cent when anything changes. Units: the same with the hierarchy kept, "
        "where only units that differ can differ. fmax: complete design for the ULX3S. Cycles: "
        "counted by the simulated gateware, every result equal to the model's; nothing pruned: "
        "the pruning unit is there, but prunes nothing. Stale: the two cores are "
        "not of the same gateware.",
    )


def _more(row: Row, none: Row, key: str) -> str:
    """Return by how much a core is larger than the one without pruning, of the same gateware."""
    if row is none or key not in row or key not in none:
        return "--"
    if not comparable(row, none):
        return "stale"
    return f"{100 * (row[key] / none[key] - 1):+.2f} %"


def _cells(rows: Sequence[Row]) -> Table | None:
    base = {_core(r): r["cells_um2"] for r in rows if pruning_label(r) == "none"}
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
                pruning_label(r),
                *(count(r[name]) for name in ("cells", "cells_um2", "nand2")),
                f"{100 * (r['cells_um2'] / base[_core(r)] - 1):+.2f} %"
                if _core(r) in base and pruning_label(r) != "none"
                else "--",
                *(count(r[name]) for name in ("memory_bits", "memory_um2")),
            ]
            for r in rows
        ],
        note="Synthesised flat, not placed. Memories are counted apart: bits, and bits times the "
        "area of a bit cell, without periphery.",
    )


def _core(row: Row) -> tuple[Any, ...]:
    return row["technology"], row["mode"], row["neurons"], row["lanes"]


def _units(rows: Sequence[Row]) -> Table | None:
    return Table(
        name="units",
        title="Units of a learning core (ECP5, 100 neurons, 16 lanes, adaptive)",
        headings=["module", "shown as", "logic", "LUT4", "CCU2C", "FF", "DP16KD", "LUT RAM"],
        rows=[
            [r["unit"], unit_of(r["unit"]), count(logic_of(r))]
            + [count(r[name]) for name in ("LUT4", "CCU2C", "FF", "DP16KD", "DPR16X4")]
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
                count(r["forward_sops_per_inference"]),
                count(r["cycles_per_inference"]),
                f"{100 * r['lane_use']:.1f} %",
            ]
            for r in rows
            if not r["swept"]
        ],
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
            "As comparisons of the field quote them: nothing was remeasured, and no paper was at "
            "hand to check a figure or what it includes. A SOP is another thing in each of them, "
            "and they include what ours leave out: clock, control, leakage, input and output. So "
            "pJ/SOP of class a or b must not be set against them.",
        ),
        table(
            "peers-supervised",
            "Published figures: supervised networks",
            [peer for peer in PEERS if peer.supervised],
            "As quoted, like the table above. Trained with labels: more accurate and smaller than "
            "a network that learns without. "
            "Of the whole device, as far as told.",
        ),
    ]
