"""`python -m prunus_overhead.standard_cells.gated`: cores without and with clock gates."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from prunus_model.cli.common import new_table, user_errors
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.data.datasets import load
from prunus_overhead.standard_cells.command import matching, measured_head, measured_options, opened
from prunus_overhead.standard_cells.gating import Gating, gate_cells
from prunus_overhead.standard_cells.graph import Graph
from prunus_overhead.standard_cells.liberty import Liberty
from prunus_overhead.standard_cells.mapping import Mapped
from prunus_overhead.standard_cells.power import Assumptions
from prunus_overhead.standard_cells.results import Row, energy_rows
from prunus_overhead.standard_cells.sta import OpenStaError
from prunus_overhead.standard_cells.timing import shortest_period
from prunus_overhead.standard_cells.workloads import CASES, Networks

__all__ = ["GATINGS", "RESULTS", "main", "netlist_row"]

RESULTS = Path("overhead/results/gating.json")
#: What is compared, by the name in the results.
GATINGS: dict[str, Gating | None] = {
    "none": None,
    "latch": Gating(),
    "or": Gating(latch=False, compared=True),
}
_DEFAULT = "(learning|inference) 100 neurons 4 lanes (none|adaptive)$"


def netlist_row(mapped: Mapped, graph: Graph, liberty: Liberty) -> Row:
    """Return what a row tells of a netlist and its clock.

    Parameters
    ----------
    mapped : Mapped
        The netlist, with its hierarchy.
    graph : Graph
        Its nets.
    liberty : Liberty
        Its cells.

    Returns
    -------
    dict
        ``cells_um2`` and, in it, ``gates_um2``; ``gates``; ``flip_flops`` and how many of them are
        ``ungated``; ``period_ns``, the shortest period that OpenSTA finds; None without OpenSTA.

    Raises
    ------
    OpenStaError
        If OpenSTA fails.
    """
    registers = [i for i in graph.instances if i.cell.sequential and not i.gate]
    clocked = [
        (instance, net)
        for net in graph.nets
        for instance, pin in net.sinks
        if instance.cell.pins[pin].clock and not instance.gate
    ]
    gates = {id(net) for _, net in clocked if net.pulses}
    try:
        period = shortest_period(mapped, liberty)
    except OpenStaError as e:
        if "must be installed" not in str(e):
            raise
        period = None
    return {
        "cells_um2": sum(instance.cell.area for instance in graph.instances),
        "gates_um2": sum(instance.cell.area for instance in graph.instances if instance.gate),
        "gates": len(gates),
        "flip_flops": len(registers),
        "ungated": sum(not net.pulses for _, net in clocked),
        "period_ns": period,
    }


@click.command()
@measured_options(images=2)
@click.option(
    "--only",
    default=_DEFAULT,
    metavar="REGEX",
    show_default=True,
    help="Only cores that have this in their name, as it is told while they are measured.",
)
@results_option(RESULTS)
def main(
    *,
    data: str,
    epochs: int,
    images: int,
    liberty: Path | None,
    keep: Path,
    only: str,
    output: Path,
) -> None:
    """Map cores to standard cells without and with clock gates; measure energy on real images."""
    wanted = matching(only)
    with user_errors():
        library, assumptions = opened(liberty), Assumptions()
        made_of = {
            name: [cell.name for cell in gate_cells(library, latch=gating.latch)]
            for name, gating in GATINGS.items()
            if gating is not None
        }
        networks, shown = Networks(data, epochs), load(data, "test").take(0, images)
        describe = partial(_described, library)
        rows: list[Row] = []
        for case in (c for c in CASES if wanted.search(c.name) and not c.idle):
            for name, gating in GATINGS.items():
                click.echo(f"{case.name}, clock gates: {name} ...", err=True)
                found = energy_rows(
                    networks.plan(case),
                    case,
                    library,
                    shown,
                    assumptions,
                    keep=keep,
                    gating=gating,
                    describe=describe,
                )
                rows += [{"gating": name} | row for row in found]
        content = {
            **measured_head(
                "gating", "python -m prunus_overhead.standard_cells.gated", data, library
            ),
            "gates": made_of,
            "rows": rows,
        }
        write_json(output, content)
    _show(rows)


def _described(library: Liberty, mapped: Mapped, graph: Graph) -> Row:
    return netlist_row(mapped, graph, library)


def _show(rows: list[Row]) -> None:
    table = new_table("clock gates", "core", "exit", "gates", "nJ", "of it clock", "um2", "ns")
    for row in rows:
        name = f"{row['mode']} {row['neurons']}/{row['lanes']} {row['policy']}"
        energy, clock = row["nj_per_presentation"], row["clock_nj"]
        numbers = (f"{energy:,.0f}", f"{100 * clock / energy:.0f} %", f"{row['cells_um2']:,.0f}")
        period = "--" if row["period_ns"] is None else f"{row['period_ns']:.2f}"
        table.add_row(name, str(row["early_exit"]), row["gating"], *numbers, period)
    Console().print(table)


if __name__ == "__main__":
    main()
