"""Mutation test of the gateware: ``python -m prunus_sim.mutation.__main__``.

Puts single faults into copies of :mod:`prunus_rtl` and runs the tests of Amaranth's simulator on
them; every fault must make a test fail. The faults are made in the source of Amaranth
(:mod:`prunus_sim.mutation.operators`), not in the netlist as ``mutate`` of yosys does: so each one
names a line, is a mistake that a designer makes, is there in every configuration that a test
builds, and is judged by the tests as they are, which build their designs themselves.

A mutant that no test can tell from the gateware is listed in ``equivalent_mutants.toml``, with the
reason. One that cannot be elaborated is no hardware; the next one takes its place. Results are
written after every mutant; a run that was interrupted, or left survivors, is continued. The
gateware is copied when the run begins, so that it may be edited meanwhile.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import prunus_rtl
from prunus_model.cli.common import user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.common.atomic import write_json
from prunus_sim.mutation.executor import ELABORATION, MutationError, Row, Suite
from prunus_sim.mutation.operators import chosen_order, mutants_of
from prunus_sim.mutation.session import (
    Session,
    continued,
    describe,
    digest_of,
    known_equivalents,
    report,
    shares_of,
)
from prunus_sim.mutation.units import units

__all__ = ["main"]

#: The gateware that is mutated.
_GATEWARE = Path(str(prunus_rtl.__file__)).resolve().parent
_RESULTS = Path("sim/results/mutants.json")
_EQUIVALENT = Path("sim/results/equivalent_mutants.toml")


@click.command()
@click.option(
    "--count",
    type=WholeNumber(min=1),
    default=90,
    show_default=True,
    help="Size of the sample: mutants that must be killed.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the choice.")
@click.option("--unit", metavar="FILE", help="Only of this unit, for example lib/ram.py.")
@click.option(
    "--jobs",
    type=WholeNumber(min=1),
    default=1,
    show_default=True,
    help="Mutants at a time.",
)
@click.option("--timeout", default=900.0, show_default=True, help="Seconds of one run of pytest.")
@click.option(
    "--gateware",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=_GATEWARE,
    help="Folder of the package prunus_rtl that is mutated. Default: the one that is installed.",
)
@click.option(
    "--elaboration",
    default=ELABORATION,
    show_default=True,
    help="Module whose elaborate_all elaborates that package.",
)
@click.option(
    "--tests",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("tests/rtl"),
    show_default=True,
    help="Folder of the tests.",
)
@click.option(
    "--equivalent",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_EQUIVALENT,
    show_default=True,
    help="Mutants that no test can find, with the reasons.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Where the results are written. Default: {_RESULTS}; with --unit nowhere.",
)
def main(
    count: int,
    seed: int,
    unit: str | None,
    jobs: int,
    timeout: float,
    gateware: Path,
    elaboration: str,
    tests: Path,
    equivalent: Path,
    output: Path | None,
) -> None:
    """Put faults into the gateware; fail if the tests do not find one of them."""
    if unit is None and output is None:
        output = _RESULTS
    console = Console()
    started = time.perf_counter()
    with user_errors(), tempfile.TemporaryDirectory(prefix="prunus-mutants-") as folder:
        files = units(gateware)
        if unit is not None and unit not in files:
            raise MutationError(f"Unit must be one of {', '.join(files)}, not {unit!r}")
        copy = Path(folder) / "prunus_rtl"
        shutil.copytree(gateware, copy, ignore=shutil.ignore_patterns("__pycache__"))
        suite = Suite(gateware=copy, tests=tests, timeout=timeout, elaboration=elaboration)
        rows = _run(
            suite,
            files if unit is None else (unit,),
            count,
            seed,
            jobs,
            equivalent,
            output,
            console,
        )
    for name in ("file", "operator"):
        console.print(_table(rows, name))
    found = sum(row["verdict"] in ("killed", "timeout") for row in rows)
    console.print(f"{found} mutants killed, {time.perf_counter() - started:.0f} s")
    survivors = [row for row in rows if row["verdict"] == "survived"]
    if survivors:
        raise click.ClickException(
            f"{len(survivors)} mutants survived; the first: {describe(survivors[0])}"
        )
    if found < count:
        raise click.ClickException(f"Mutants must be {count}, but only {found} can be made")


def _run(
    suite: Suite,
    files: tuple[str, ...],
    count: int,
    seed: int,
    jobs: int,
    equivalent: Path,
    output: Path | None,
    console: Console,
) -> list[Row]:
    digest = digest_of(suite.gateware)

    def save(rows: list[Row], *, finished: bool = False) -> None:
        if output is not None:
            command = " ".join(["python -m prunus_sim.mutation.__main__", *sys.argv[1:]])
            content = report(rows, command=command, digest=digest, finished=finished)
            write_json(output, content)

    session = Session(
        suite, equivalents=known_equivalents(equivalent), known=continued(output, digest), save=save
    )
    suite.check_without_fault(files)
    orders = {}
    for name in files:
        source = (suite.gateware / name).read_text()
        orders[name] = chosen_order(mutants_of(name, source), seed=seed)
    shares = shares_of(count, {name: len(order) for name, order in orders.items()})
    pool = ThreadPoolExecutor(jobs)
    try:
        for name in files:
            for row in session.unit(orders[name], shares[name], pool):
                console.print(_line(row), highlight=False, markup=False, soft_wrap=True)
    finally:
        suite.stop()
        pool.shutdown(cancel_futures=True)
    save(session.rows, finished=all(row["verdict"] != "survived" for row in session.rows))
    return session.rows


def _line(row: Row) -> str:
    by = f" by {row['test']}" if row.get("test") else ""
    return f"{row['verdict']}{by} ({row.get('seconds', 0)} s) {describe(row)}"


def _table(rows: list[Row], name: str) -> Table:
    verdicts = ("killed", "timeout", "survived", "equivalent", "invalid")
    table = Table(name, *verdicts)
    for key in sorted({str(row[name]) for row in rows}):
        counts = Counter(row["verdict"] for row in rows if row[name] == key)
        table.add_row(key, *(str(counts[verdict]) for verdict in verdicts))
    return table


if __name__ == "__main__":
    main()
