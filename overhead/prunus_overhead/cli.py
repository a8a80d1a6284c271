"""`prunus estimate`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from prunus_model.cli.common import console, load_network, new_table
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option
from prunus_model.data.datasets import load
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.presentation import check_learning
from prunus_overhead.energy.activity import HOW_TO_GET, activity_rows, matching
from prunus_overhead.energy.estimate import SOP_DEFINITION, Estimate, Load, class_a, class_b
from prunus_overhead.energy.operations import UNITS
from prunus_overhead.energy.technology import Technology
from prunus_overhead.energy.workload import Subject
from prunus_rtl.cli.options import lanes_option
from prunus_rtl.widths import Widths

__all__ = ["estimate", "facts_of"]

Row = dict[str, Any]

_CLASSES = {
    "a": "SOPs x constant: additions alone",
    "b": "memory accesses and operations x their energies",
    "c": "switching activity of the synthesised netlist",
}


@click.command(name="estimate")
@click.argument("network", metavar="NETWORK")
@click.option(
    "--tech",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Energies of operations and accesses, in TOML. Default: 45 nm, 0.9 V.",
)
@data_option("sample")
@click.option(
    "--mode",
    type=click.Choice(["inference", "learning"]),
    help="Default: both.",
)
@lanes_option()
@click.option(
    "-n",
    "--images",
    type=WholeNumber(min=1),
    default=1000,
    show_default=True,
    help="Test images to infer, at most. Learning counts the whole training.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def estimate(
    *,
    network: str,
    tech: Path | None,
    data: str,
    mode: Literal["inference", "learning"] | None,
    lanes: int | None,
    images: int,
    as_json: bool,
) -> None:
    """Estimate the energy of NETWORK per presentation.

    NETWORK is a file or one of demo, 400, up5k, windows.
    """
    technology = Technology.bundled() if tech is None else Technology.read(tech)
    subject = Subject(artifact=load_network(network), lanes=lanes)
    facts = facts_of(subject, technology, data=data, images=images, mode=mode)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        _print(facts)


def facts_of(
    subject: Subject,
    technology: Technology,
    *,
    data: str,
    images: int,
    mode: Literal["inference", "learning"] | None = None,
    measured: Sequence[Mapping[str, Any]] | None = None,
) -> Row:
    """Return all estimates of a network as plain values.

    Parameters
    ----------
    subject : Subject
        The network.
    technology : Technology
        Energies.
    data : str
        Data set whose test images are inferred.
    images : int
        How many, at most.
    mode : "inference" or "learning", optional
        Default: both.
    measured : sequence of mappings, optional
        Rows of class c. Default: those in the results, if this runs in the checkout.

    Returns
    -------
    dict
        ``rows`` as in ``overhead/results/energy.json``, and what they are about.
    """
    config = subject.artifact.config
    if mode == "learning":
        check_learning(True, config)
    rule: Row = {"policy": config.pruning.policy}
    size: Row = {"neurons": config.neurons}
    if config.groups:
        size |= {"groups": config.group_count}
    rows = []
    cells = activity_rows() if measured is None else measured
    for kind, (exit_after, margin), load_, shapes, dense_shapes, workload in _loads(
        subject, data, images, mode
    ):
        head = {"mode": kind, **size, "early_exit": exit_after}
        head |= {"margin": margin} if margin else {}
        for pruning, done, core in (
            ({"policy": "dense"}, load_.dense(), dense_shapes),
            (rule, load_, shapes),
        ):
            for found in (class_a(done, technology), class_b(done, core, technology)):
                row: Row = {"class": found.energy_class, "technology": technology.name}
                row |= {"voltage_v": technology.voltage_v, "workload": workload}
                rows.append(row | head | pruning | _figures(found))
        rows += [
            dict(row)
            for row in matching(
                cells,
                mode=kind,
                **rule,
                neurons=config.neurons,
                early_exit=exit_after,
            )
            # What was measured there has no groups.
            if not margin and not config.groups
        ]
    return {
        "artifact_hash": subject.artifact.content_hash,
        **size,
        **rule,
        "lanes": subject.inference.hardware.lanes,
        "store": subject.inference.store.format if subject.inference.store else "learning",
        "technology": technology.name,
        "node_nm": technology.node_nm,
        "voltage_v": technology.voltage_v,
        "sources": technology.sources,
        "sop": SOP_DEFINITION,
        "sop_pj": technology.sop_pj,
        "rows": rows,
    }


def _loads(
    subject: Subject, data: str, images: int, mode: str | None
) -> Iterator[tuple[str, tuple[int, int], Load, Widths, Widths, str]]:
    """Give what is estimated: mode, early exit and margin, load, core, dense core, workload."""
    if mode != "learning":
        split = load(data, "test", trained_on=subject.artifact.trained_on.unlabelled)
        split = split.take(0, min(images, len(split)))
        readout = subject.artifact.config.readout
        exits = dict.fromkeys(((0, 0), (1, 0), (readout.stop_after, readout.margin)))
        for exit_after, margin in exits:
            shown = subject.show(split, stop_after=exit_after, margin=margin)
            workload = f"{len(split)} test images of {data}"
            yield (
                "inference", (exit_after, margin), shown.load,
                subject.inference, subject.inference_dense, workload,
            )  # fmt: skip
    if mode != "inference" and not subject.artifact.schedule.elsewhere:
        schedule = subject.artifact.schedule
        workload = f"whole training: {schedule.presentations} presentations of {schedule.data}"
        yield (
            "learning", (0, 0), subject.training(),
            subject.learning, subject.learning_dense, workload,
        )  # fmt: skip


def _figures(found: Estimate) -> Row:
    return {
        "nj_per_presentation": found.nj,
        "pj_per_sop": found.pj_per_sop,
        "sops_per_presentation": found.sops,
        "memory_nj": found.memory_nj,
        "parts": found.units,
        "charges": {
            charge.name: {"count": charge.count, "pj": charge.pj, "nj": charge.nj}
            for charge in found.charges
        },
    }


def _print(facts: Row) -> None:
    rows = facts["rows"]
    groups = f"{facts['groups']} groups of " if "groups" in facts else ""
    console.print(
        f"{groups}{facts['neurons']} neurons, pruning {pruning_label(facts)}, "
        f"{facts['lanes']} lanes, store {facts['store']}; network {facts['artifact_hash'][:12]}",
        soft_wrap=True,
    )
    for title in dict.fromkeys(_title(row) for row in rows):
        console.print()
        console.print(title, soft_wrap=True)
        console.print(_table([row for row in rows if _title(row) == title]))
    console.print()
    console.print(facts["sop"], soft_wrap=True)
    for name, what in _CLASSES.items():
        if any(row["class"] == name for row in rows):
            console.print(f"Class {name}: {what}", soft_wrap=True)
    if not any(row["class"] == "c" for row in rows):
        console.print(
            f"Class c: no measurement of such a network here; {HOW_TO_GET}", soft_wrap=True
        )
    console.print("Sources:")
    for name, source in facts["sources"].items():
        console.print(f"  {name}: {source}", soft_wrap=True)


def _title(row: Row) -> str:
    early = f", early exit after {row['early_exit']}" if row["early_exit"] else ""
    early += f", margin {row['margin']}" if row.get("margin") else ""
    where = f"{row['technology']}, {row['voltage_v']:g} V"
    return f"{row['mode']}{early}, nJ per presentation; {row['workload']}; {where}"


def _table(rows: list[Row]) -> Any:
    units = [unit for unit in UNITS if any(unit in row["parts"] for row in rows)]
    table = new_table("", "class", "network", "SOPs", "nJ", "of dense", "pJ/SOP", *units)
    dense = {r["class"]: r["nj_per_presentation"] for r in rows if r["policy"] == "dense"}
    for row in rows:
        nj = row["nj_per_presentation"]
        table.add_row(
            row["class"],
            pruning_label(row),
            f"{row['sops_per_presentation']:,.0f}",
            f"{nj:,.1f}",
            f"{nj / dense[row['class']]:.3f}" if dense.get(row["class"]) else "--",
            f"{row['pj_per_sop']:.3g}",
            # Parts of class c are others: clock, nets, cells.
            *("--" if row["class"] == "c" else f"{row['parts'].get(u, 0):,.1f}" for u in units),
        )
    return table
