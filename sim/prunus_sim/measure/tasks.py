"""The regression: unit benches, and lockstep scenarios, short and long, also over buses."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from prunus_model.cli.common import WrongError, new_table
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.simulators import check_tools
from prunus_sim.bus.jobs import JOBS
from prunus_sim.bus.run import BUS_RUNS, run_over_bus
from prunus_sim.cosim.long_scenarios import LONG, LONG_GROUPS, long_scenario
from prunus_sim.cosim.run import run
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.registry import BOUNDED, SCENARIOS
from prunus_sim.measure.pool import Display, Task, run_all
from prunus_sim.measure.results import Row, write_results
from prunus_sim.simulator.runner import simulator, waves_wanted
from prunus_sim.unit.registry import UNITS, cases_of, run_unit

__all__ = ["bounded_tasks", "long_tasks", "regression"]


def bounded_tasks(*, everything: bool, seed: int, seeds: int) -> list[Task]:
    """Return the short lockstep scenarios, some of them over buses, and the unit benches.

    Parameters
    ----------
    everything : bool
        All scenarios, jobs over buses, and cases of each unit. Default: the most important ones.
    seed, seeds : int
        Seed of the scenarios; number of seeds of each unit bench.
    """
    tasks: list[Task] = [
        (name, _lockstep, (name, seed)) for name in (SCENARIOS if everything else BOUNDED)
    ]
    tasks += [
        (f"{job} over {bus}", _bus, (job, bus, streams, seed))
        for job, bus, streams in (BUS_RUNS if everything else BUS_RUNS[:3])
    ]
    tasks += [
        (f"{unit}: {case}", _unit, (unit, case, seeds))
        for unit in UNITS
        for case in cases_of(unit)[: None if everything else 1]
    ]
    return tasks


def long_tasks(
    *, groups: bool, data: str, artifact: Path | None, scale: float, seed: int
) -> list[Task]:
    """Return the long lockstep scenarios, of networks with groups or of all others.

    Other arguments are as of ``long_scenario``.
    """
    names: tuple[str, ...] = LONG_GROUPS if groups else LONG
    if artifact is not None and Artifact.load(artifact).config.encoder.events is not None:
        # None of the others takes such data.
        names = ("events",)
    return [(name, _long, (name, data, artifact, scale, seed)) for name in names]


def _row(scenario: Scenario, folder: Path) -> Row:
    started = time.perf_counter()
    report = run(scenario, folder)
    values = asdict(report)
    seconds = max(0.01, report.simulation_seconds)
    return {
        "bench": values.pop("name"),
        **values,
        "cycles_per_presentation": round(report.core_cycles / report.presentations, 1),
        "cycles_per_second": round(report.core_cycles / seconds),
        "presentations_per_second": round(report.presentations / seconds, 2),
        "wall_seconds": round(time.perf_counter() - started, 1),
        "equal": True,
    }


def _lockstep(name: str, seed: int, folder: Path) -> Row:
    return _row(SCENARIOS[name](seed), folder)


def _long(
    which: str, data: str, artifact: Path | None, scale: float, seed: int, folder: Path
) -> Row:
    return _row(long_scenario(which, data, artifact, scale=scale, seed=seed), folder)


def _bus(job: str, bus: str, streams: bool, seed: int, folder: Path) -> Row:
    started = time.perf_counter()
    report = run_over_bus(JOBS[job](seed), folder, bus=bus, streams=streams)
    values = asdict(report)
    return {
        "bench": f"{values.pop('name')} over {bus}",
        "mode": "both",
        **values,
        "cycles_per_presentation": round(report.core_cycles / report.presentations, 1),
        "wall_seconds": round(time.perf_counter() - started, 1),
        "equal": True,
    }


def _unit(unit: str, case: str, seeds: int, folder: Path) -> Row:
    started = time.perf_counter()
    tests = run_unit(unit, case, folder, seeds=seeds)
    return {
        "bench": f"{unit}: {case}",
        "mode": "unit",
        "simulator": simulator(),
        "tests": tests,
        "differences": 0,
        "wall_seconds": round(time.perf_counter() - started, 1),
        "equal": True,
    }


def regression(
    console: Console,
    tasks: Sequence[Task],
    *,
    only: str,
    jobs: int,
    kind: str,
    output: Path | None,
) -> None:
    """Run benches, print what was compared, and write their results.

    Parameters
    ----------
    console : Console
        Where to print.
    tasks : sequence of Task
        Benches.
    only : str
        Run only those whose name holds this.
    jobs : int
        How many at a time.
    kind : str
        Kind of the results.
    output : Path, optional
        File of results. Default: none is written.

    Raises
    ------
    PrunusError
        If the simulator is missing, or no name fits, or input is wrong.
    click.ClickException
        If a bench found a mismatch.
    """
    sim = simulator()
    check_tools(sim)
    tasks = [task for task in tasks if only in task[0]]
    if not tasks:
        raise WrongError(f"Benches must have a name that holds {only!r}, but none has")
    count = "1 bench" if len(tasks) == 1 else f"{len(tasks)} benches"
    console.print(f"{count}, {jobs} at a time, {sim}", highlight=False)
    rows = _run(console, tasks, jobs, sim)
    if output is not None:
        write_results(
            output,
            kind=kind,
            module="prunus_sim.measure.regression",
            simulators=[sim],
            content={"rows": rows},
        )


def _run(console: Console, tasks: Sequence[Task], jobs: int, sim: str) -> list[Row]:
    """Run benches and print their results; raise ClickException if one found a mismatch."""
    keep = waves_wanted()
    root = Path("build/sim").resolve() if keep else Path(tempfile.mkdtemp(prefix="prunus-sim-"))
    rows: list[Row] = []
    failures: list[tuple[str, Exception]] = []
    started = time.perf_counter()
    try:
        with Display(console, len(tasks)) as display:
            for name, result in run_all(tasks, root, jobs, display=display):
                if isinstance(result, dict):
                    rows.append(result)
                else:
                    failures.append((name, result))
    finally:
        # Logs and waveforms of mismatches are kept: their messages name them.
        if not keep and not failures:
            shutil.rmtree(root, ignore_errors=True)
    rows.sort(key=lambda row: str(row["bench"]))
    console.print(_table(rows))
    console.print(
        f"{len(rows)} of {len(tasks)} benches equal, {time.perf_counter() - started:.0f} s, {sim}"
    )
    if failures:
        name, error = failures[0]
        if all(isinstance(error, PrunusError | OSError) for _, error in failures):
            raise error
        raise click.ClickException(
            f"{len(failures)} of {len(tasks)} benches differ; the first: {name}: {error}"
        )
    return rows


def _table(rows: list[Row]) -> Table:
    """Return what was compared, in 80 columns; of a unit bench, how many of its tests passed."""
    table = new_table("", "bench", "presented", "cycles", "each", "values", "differ")
    for row in rows:
        cells = [row["bench"]]
        if row["mode"] == "unit":
            cells += ["", "", "", f"{row['tests']} tests"]
        else:
            cells += [
                f"{row['presentations']:,}",
                f"{row['core_cycles']:,}",
                f"{row['cycles_per_presentation']:,.0f}",
                f"{row['values_compared']:,}",
            ]
        table.add_row(*cells, str(row["differences"]))
    return table
