"""`python -m prunus_overhead.standard_cells`: cores in standard cells, their area and energy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import new_table, user_errors
from prunus_model.cli.number import Number
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_overhead.standard_cells.command import matching, measured_head, measured_options, opened
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import map_component
from prunus_overhead.standard_cells.power import Assumptions
from prunus_overhead.standard_cells.results import (
    BIT_CELL_UM2,
    ResultsError,
    Row,
    area_row,
    energy_rows,
    unit_rows,
)
from prunus_overhead.standard_cells.sta import OpenStaError, cell_ratios, cross_check
from prunus_overhead.standard_cells.workloads import AREAS, CASES, Area, Networks, area_core
from prunus_rtl.plasticity.pruning import Pruning

__all__ = ["RESULTS", "main"]

RESULTS = Path("overhead/results/cells.json")
#: What the figures are, for whoever reads the file.
_NOTES = {
    "sop": "one unpruned synapse read and added because of an input spike (forward), or rewritten "
    "because of an output spike while learning (update)",
    "area": "cells of the flat netlist; units: of the netlist with its hierarchy kept",
    "memories": "not mapped: in bits, with the area of their bit cells alone; their energy is not "
    "included, that is class b",
    "glitches": "none: cells are simulated without delays, so the activity is a lower bound",
    "clock": "no gating and no tree of buffers: each flip-flop is clocked in each cycle; what "
    "clock gates change is in gating.json",
    "early_exit": "output spikes after which an inference ends; 0 for never",
    "same_decisions": "a network that is not pruned in a core with the unit, which does not begin "
    "to prune; of lift all thresholds are 0 then, so that its products do not switch; it takes "
    "more cycles",
}


@click.command()
@measured_options(images=5)
@click.option(
    "--wire-ff",
    type=Number(),
    default=Assumptions().wire_ff,
    show_default=True,
    help="Capacitance of wire per pin that a net drives, in fF.",
)
@click.option(
    "--slew-ns",
    type=Number(),
    default=Assumptions().slew_ns,
    show_default=True,
    help="At all pins.",
)
@click.option(
    "--clock-mhz",
    type=Number(),
    default=Assumptions().clock_mhz,
    show_default=True,
    help="For the leakage.",
)
@click.option("--bit-cell-um2", type=Number(), default=BIT_CELL_UM2, show_default=True)
@click.option(
    "--only",
    default="",
    metavar="REGEX",
    help="Only what has this in its name, as it is told while it is measured. For trials.",
)
@results_option(RESULTS)
def main(
    *,
    data: str,
    epochs: int,
    images: int,
    liberty: Path | None,
    wire_ff: float,
    slew_ns: float,
    clock_mhz: float,
    bit_cell_um2: float,
    keep: Path,
    only: str,
    output: Path,
) -> None:
    """Map cores to standard cells; measure area, and energy on real images (half an hour)."""
    wanted = matching(only)
    with user_errors():
        if not bit_cell_um2 >= 0:
            raise ResultsError(f"bit_cell_um2 must not be negative, but is {bit_cell_um2}")
        assumptions = Assumptions(wire_ff=wire_ff, slew_ns=slew_ns, clock_mhz=clock_mhz)
        library = opened(liberty)
        networks, shown = Networks(data, epochs), load(data, "test").take(0, images)
        areas = []
        for area in (a for a in AREAS if wanted.search(_name(a))):
            _note(f"{_name(area)} ...")
            core = area_core(area, networks)
            head: Row = {"technology": library.technology, "mode": area.mode}
            head |= {"policy": area.policy, "neurons": core.network.neurons}
            head |= {"lanes": area.lanes}
            areas.append(head | area_row(core, library, bit_cell_um2=bit_cell_um2))
        rows: list[Row] = []
        for case in (c for c in CASES if wanted.search(c.name)):
            _note(f"{case.name} ...")
            plan = networks.plan(case)
            rows += energy_rows(plan, case, library, shown, assumptions, keep=keep)
            # At once, not when all cores have been measured.
            unit_rows(rows)
        content = {
            **measured_head("cells", "python -m prunus_overhead.standard_cells", data, library),
            "assumptions": {
                "wire_ff": wire_ff,
                "slew_ns": slew_ns,
                "clock_mhz": clock_mhz,
                "bit_cell_um2": bit_cell_um2,
                "nand2_um2": library.nand2.area,
            },
            "notes": _NOTES,
            "ablation": areas,
            "energy": rows,
            "pruning_unit": unit_rows(rows),
            "cross_check": _cross_check(library),
        }
        write_json(output, content)
    _show(areas, rows)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _name(area: Area) -> str:
    neurons = NetworkConfig.named(area.name).neurons
    return f"area of {neurons} neurons, {area.mode}, {area.lanes} lanes, {area.policy}"


def _cross_check(library: Liberty) -> dict[str, Any]:
    """Compare with OpenSTA on the pruning unit; tell the reason if it is not there."""
    network = NetworkConfig.named("demo")
    unit = Pruning(
        policy=network.pruning,
        weight_bits=network.weight_bits,
        strength_bits=network.formats.strength_bits,
        multiplier="sequential",
    )
    try:
        with tempfile.TemporaryDirectory(prefix="prunus-cells-") as name:
            mapped = map_component(unit, library, Path(name) / "unit", flat=True)
            return {
                "block": "pruning unit, adaptive; uW at 50 MHz, all nets alike",
                **cross_check(mapped, library),
                "opensta_by_own_per_transition": cell_ratios(library),
            }
    except OpenStaError as e:
        _note(f"Left out: {e}")
        return {"left_out": str(e)}


def _show(areas: list[Row], rows: list[Row]) -> None:
    console = Console()
    table = new_table("standard cells", "core", "cells", "um2", "NAND2", "memory bits")
    for row in areas:
        name = f"{row['mode']} {row['neurons']}/{row['lanes']} {row['policy']}"
        columns = ("cells", "cells_um2", "nand2", "memory_bits")
        table.add_row(name, *(f"{row[column]:,.0f}" for column in columns))
    console.print(table)
    table = new_table("energy", "core", "exit", "nJ", "of it clock", "pJ per SOP", "cycles")
    for row in rows:
        same = " (prunes nothing)" if row["same_decisions"] else ""
        name = f"{row['mode']} {row['neurons']}/{row['lanes']} {row['policy']}{same}"
        columns = ("nj_per_presentation", "clock_nj", "pj_per_sop", "cycles_per_presentation")
        numbers = ("--" if row[c] is None else f"{row[c]:,.0f}" for c in columns)
        table.add_row(name, str(row["early_exit"]), *numbers)
    console.print(table)


if __name__ == "__main__":
    main()
