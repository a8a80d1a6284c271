"""Rows of the results: area of a core, energy of a workload, and what pruning adds."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import PrunusError
from prunus_model.data.split import Split
from prunus_overhead.standard_cells.activity import Workload, measure
from prunus_overhead.standard_cells.gating import Gating
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import Mapped, map_component, network_hash
from prunus_overhead.standard_cells.power import CLOCK_PARTS, Assumptions, Energy, energy
from prunus_overhead.standard_cells.saif import read_saif
from prunus_overhead.standard_cells.workloads import Case
from prunus_rtl.core.core import Core
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.plan import Plan

__all__ = [
    "BIT_CELL_UM2",
    "ResultsError",
    "Row",
    "area_row",
    "energy_row",
    "energy_rows",
    "unit_rows",
]

Row = dict[str, Any]


class ResultsError(PrunusError):
    """A number of the results is impossible, or rows that must be equal are not."""


#: Area of a memory cell of six transistors: an assumption, as foundries told it of their 0.18 um
#: processes; no publication was at hand to check.
BIT_CELL_UM2 = 4.65
_DIGITS = 6
_FACTS = ".json"


def area_row(core: Core, liberty: Liberty, *, bit_cell_um2: float = BIT_CELL_UM2) -> Row:
    """Map a core, flat and unit by unit, and return its area.

    Parameters
    ----------
    core : Core
        The core.
    liberty : Liberty
        The cells.
    bit_cell_um2 : float
        Area of a bit of memory, in um2; its periphery is not included.

    Returns
    -------
    dict
        ``cells``, ``cells_um2``, ``nand2`` (equivalents), ``sequential_um2``: of the flat netlist.
        ``units``: um2 by unit, with the hierarchy kept, and ``units_um2``, their sum.
        ``memory_bits``, ``memories`` (bits by kind), ``memory_um2``.

    Raises
    ------
    ToolError
        If yosys is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="prunus-cells-") as name:
        flat, units = (
            Graph(map_component(core, liberty, Path(name) / kind, flat=flat).modules(), liberty)
            for kind, flat in (("flat", True), ("units", False))
        )
    by_unit: dict[str, float] = defaultdict(float)
    for instance in units.instances:
        by_unit[instance.unit] += instance.cell.area
    total = sum(instance.cell.area for instance in flat.instances)
    bits = {memory.name: memory.bits for memory in memories(core.shapes)}
    return {
        "cells": len(flat.instances),
        "cells_um2": total,
        "nand2": round(total / liberty.nand2.area, 1),
        "sequential_um2": sum(i.cell.area for i in flat.instances if i.cell.sequential),
        "units_um2": sum(by_unit.values()),
        "units": dict(sorted(by_unit.items())),
        "memory_bits": sum(bits.values()),
        "memories": bits,
        "bit_cell_um2": bit_cell_um2,
        "memory_um2": round(sum(bits.values()) * bit_cell_um2, 1),
    }


def energy_rows(
    plan: Plan,
    case: Case,
    liberty: Liberty,
    data: Split,
    assumptions: Assumptions,
    *,
    keep: Path | None = None,
    gating: Gating | None = None,
    describe: Callable[[Mapped, Graph], Row] = lambda *_: {},
) -> list[Row]:
    """Map a core, show images to it, and return its energy.

    Parameters
    ----------
    plan : Plan
        What the core is made of.
    case : Case
        Which one it is.
    liberty : Liberty
        The cells.
    data : Split
        The images.
    assumptions : Assumptions
        What is assumed.
    keep : Path, optional
        Folder in which activities are kept, by netlist and images: what is there is not simulated
        again.
    gating : Gating, optional
        Which registers get a clock gate. Default: none.
    describe : callable, optional
        Returns what else a row tells of the netlist and its nets.

    Returns
    -------
    list of dict
        One row for each early exit of the case.

    Raises
    ------
    PrunusError
        If a tool is missing or fails, or the netlist does not do what the golden model does.
    """
    with tempfile.TemporaryDirectory(prefix="prunus-cells-") as name:
        folder, core, held = Path(name), plan.core(), network_hash(plan.artifact)
        mapped = map_component(
            core, liberty, folder / "mapped", artifact_sha256=held, gating=gating
        )
        graph = Graph(mapped.modules(), liberty)
        place = keep or folder
        place.mkdir(parents=True, exist_ok=True)
        place /= _key(mapped, case, data)
        saifs = {exits: Path(f"{place}-{exits}.saif") for exits in case.exits}
        shown_by_exit = _kept(place, saifs)
        if shown_by_exit is None:
            shown_by_exit = measure(plan, core, mapped, liberty, data, saifs)
            text = json.dumps({exits: asdict(shown) for exits, shown in shown_by_exit.items()})
            write_atomically(place.with_suffix(_FACTS), text.encode())
        rows, described = [], describe(mapped, graph)
        for exits, shown in shown_by_exit.items():
            activity = read_saif(saifs[exits])
            activity.check(mapped.netlist_sha256, f"Activity file {saifs[exits]}")
            found = energy(graph, liberty, activity, assumptions)
            head = _head(plan, case, liberty, data, exits)
            tail = {
                "netlist_sha256": mapped.netlist_sha256,
                "artifact_sha256": mapped.artifact_sha256,
            }
            tail |= described
            rows.append(head | energy_row(found, shown) | tail)
    return rows


def _key(mapped: Mapped, case: Case, data: Split) -> str:
    """Return the name under which the activity of a netlist that is shown images is kept."""
    digest = hashlib.sha256(f"{mapped.netlist_sha256} {case.exits}".encode())
    digest.update(data.images.tobytes())
    return digest.hexdigest()[:16]


def _kept(place: Path, saifs: Mapping[int, Path]) -> dict[int, Workload] | None:
    """Return what a core did, if that and the activity were kept."""
    facts = place.with_suffix(_FACTS)
    if not facts.exists() or not all(path.exists() for path in saifs.values()):
        return None
    content = json.loads(facts.read_text())
    return {exits: Workload.from_mapping(content[str(exits)]) for exits in saifs}


def _head(plan: Plan, case: Case, liberty: Liberty, data: Split, exits: int) -> Row:
    return {
        "class": "c",
        "technology": liberty.technology,
        "voltage_v": liberty.voltage,
        "mode": case.mode,
        "policy": case.policy,
        "same_decisions": case.idle,
        "neurons": case.neurons,
        "lanes": case.lanes,
        "store": plan.store,
        "early_exit": exits,
        "density": round(plan.artifact.density, _DIGITS),
        "workload": f"{len(data.labels)} images of {data.name}",
    }


def energy_row(found: Energy, shown: Workload) -> Row:
    """Return the energy per presentation, in nJ, and per SOP, in pJ.

    Parameters
    ----------
    found : Energy
        Energy of all presentations.
    shown : Workload
        What they did.

    Returns
    -------
    dict
        ``nj_per_presentation`` is dynamic energy with the clock, without leakage and memories;
        ``pj_per_sop`` the same by forward and update SOPs that were executed; ``parts`` in nJ.
    """
    n, counters = shown.images, shown.counters
    sops = counters.forward_sops + counters.update_sops

    def nj(pj: float) -> float:
        return round(pj / n / 1000, _DIGITS)

    clock = sum(found.parts[name] for name in CLOCK_PARTS)
    return {
        "nj_per_presentation": nj(found.dynamic),
        "pj_per_sop": round(found.dynamic / sops, _DIGITS) if sops else None,
        "clock_nj": nj(clock),
        "leakage_nj": nj(found.leakage),
        "sops_per_presentation": sops / n,
        "forward_sops": counters.forward_sops / n,
        "update_sops": counters.update_sops / n,
        "dense_sops": (counters.forward_dense + counters.update_dense) / n,
        "cycles_per_presentation": shown.cycles / n,
        "cycles_simulated": found.cycles,
        "words_compared": shown.words,
        "parts": {name: nj(value) for name, value in found.parts.items()},
        "units": {name: nj(value) for name, value in found.units.items()},
    }


def unit_rows(rows: Sequence[Row]) -> list[Row]:
    """Return what a pruning unit adds to the energy when all decisions stay the same.

    Parameters
    ----------
    rows : sequence of dict
        Rows of :func:`energy_rows`. One without its counterpart is left out.

    Raises
    ------
    ResultsError
        If the decisions were not the same; or the cycles, but for lift, which takes more for each
        output spike that is learned from (:mod:`prunus_rtl.timing`).
    """
    found = []
    for row in rows:
        size = (row["mode"], row["neurons"], row["lanes"], row["early_exit"])
        bases = [
            r
            for r in rows
            if r["policy"] == "none"
            and (r["mode"], r["neurons"], r["lanes"], r["early_exit"]) == size
        ]
        if not row["same_decisions"] or not bases:
            continue
        base = bases[0]
        for key in ("forward_sops", "update_sops", "cycles_per_presentation"):
            longer = key == "cycles_per_presentation" and row["policy"] == "lift"
            if row[key] < base[key] if longer else row[key] != base[key]:
                raise ResultsError(f"{key} must be {base[key]}, not {row[key]}")
        with_nj, without_nj = row["nj_per_presentation"], base["nj_per_presentation"]
        found.append(
            {
                "policy": row["policy"],
                "neurons": row["neurons"],
                "lanes": row["lanes"],
                "class": "c",
                "technology": row["technology"],
                "with_nj": with_nj,
                "without_nj": without_nj,
                "percent": round(100 * (with_nj / without_nj - 1), 4),
                "unit_nj": row["units"].get("pruning", 0.0),
            }
        )
    return found
