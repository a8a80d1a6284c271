"""Run the simulations and write what they did: ``python -m prunus_sim.measure.regression``.

``--bounded`` runs all unit benches and the most important lockstep jobs, in minutes, and with
``--everything`` all of them. Without it, the long ones run: 10,000 test images at 400 neurons,
1,100 learning presentations, 200 test images at 800.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from prunus_model.cli.common import WrongError, new_table, results_option, user_errors
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.simulators import check_tools
from prunus_sim.cosim.long_scenarios import LONG, long_job
from prunus_sim.cosim.scenario import Job, run
from prunus_sim.cosim.scenarios import BOUNDED, CASES
from prunus_sim.measure.results import Row, write_results
from prunus_sim.simulator.runner import BenchError, simulator, waves_wanted
from prunus_sim.unit.registry import UNITS, cases_of, run_unit

__all__ = ["main", "run_all"]

_RESULTS = Path("sim/results/lockstep.json")

#: What is run: name, function, arguments before the folder.
Task = tuple[str, Callable[..., Row], tuple[Any, ...]]


def _row(job: Job, folder: Path) -> Row:
    started = time.perf_counter()
    report = run(job, folder)
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
    return _row(CASES[name](seed), folder)


def _long(
    which: str, data: str, artifact: Path | None, scale: float, seed: int, folder: Path
) -> Row:
    return _row(long_job(which, data, artifact, scale=scale, seed=seed), folder)


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


@click.command()
@click.option("--bounded", is_flag=True, help="Unit benches and short jobs, in minutes.")
@click.option("--everything", is_flag=True, help="With --bounded: all cases of each bench.")
@click.option("--only", default="", help="Only benches whose name holds this.")
@click.option(
    "--images",
    envvar="IMAGES",
    default="mnist",
    show_default=True,
    help="Data set of the long jobs, as prunus train takes it.",
)
@click.option(
    "--artifact",
    envvar="ARTIFACT",
    type=click.Path(path_type=Path),
    help="Trained network of the long inference. Default: the bundled one of 400 neurons.",
)
@click.option(
    "--seed",
    envvar="SEED",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="First seed.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Seeds of each unit bench.",
)
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the long jobs.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Benches at a time.",
)
@results_option(_RESULTS, "; - means nowhere")
def main(
    *,
    bounded: bool,
    everything: bool,
    only: str,
    images: str,
    artifact: Path | None,
    seed: int,
    seeds: int,
    scale: float,
    jobs: int,
    output: Path,
) -> None:
    """Compare the generated hardware with the golden model, bit for bit.

    Takes SIM=verilator or SIM=icarus, and WAVES=1, which keeps waveforms below build/.
    """
    if everything and not bounded:
        raise click.UsageError("--everything must come with --bounded")
    with user_errors():
        sim = simulator()
        check_tools(sim)
        if artifact is not None:
            Artifact.load(artifact)
        tasks: list[Task] = []
        if bounded:
            tasks += [
                (name, _lockstep, (name, seed)) for name in (CASES if everything else BOUNDED)
            ]
            tasks += [
                (f"{unit}: {case}", _unit, (unit, case, seeds))
                for unit in UNITS
                for case in cases_of(unit)[: None if everything else 1]
            ]
        else:
            tasks += [(name, _long, (name, images, artifact, scale, seed)) for name in LONG]
        tasks = [task for task in tasks if only in task[0]]
        if not tasks:
            raise WrongError(f"Benches must have a name that holds {only!r}, but none has")
        rows = _run_and_tell(tasks, jobs, sim)
        if str(output) != "-":
            write_results(
                output,
                kind="lockstep",
                module="prunus_sim.measure.regression",
                simulators=[sim],
                content={"rows": rows},
            )


def _run_and_tell(tasks: list[Task], jobs: int, sim: str) -> list[Row]:
    """Run tasks and print what they did; raise ClickException if one found a difference."""
    console = Console()
    keep = waves_wanted()
    root = Path("build/sim").resolve() if keep else Path(tempfile.mkdtemp(prefix="prunus-sim-"))
    rows: list[Row] = []
    failures: list[tuple[str, Exception]] = []
    started = time.perf_counter()
    for name, result in run_all(tasks, root, jobs):
        if isinstance(result, dict):
            rows.append(result)
            console.print(f"[green]equal[/] {name} ({result['wall_seconds']} s)", highlight=False)
        else:
            failures.append((name, result))
            # Paths and messages are to be copied: as they are, in one line.
            told = f"[red]DIFFERS[/] {name}: {escape(str(result))}"
            console.print(told, highlight=False, soft_wrap=True)
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


def run_all(
    tasks: list[Task], root: Path, jobs: int
) -> Iterator[tuple[str, Row | BenchError | PrunusError | OSError]]:
    """Run tasks, several at a time.

    Parameters
    ----------
    tasks : list
        Name, function, and its arguments. The last argument, a folder of its own, is added.
    root : Path
        Where those folders are.
    jobs : int
        How many at a time.

    Yields
    ------
    tuple
        Name and result, or what went wrong, as they come.
    """
    with ProcessPoolExecutor(jobs) as pool:
        names = {}
        for k, (name, task, arguments) in enumerate(tasks):
            names[pool.submit(task, *arguments, root / str(k))] = name
        for future in as_completed(names):
            try:
                yield names[future], future.result()
            except (BenchError, PrunusError, OSError) as e:
                yield names[future], e


def _table(rows: list[Row]) -> Table:
    """Return what was compared, in 80 columns; a unit bench tells how many tests it has passed."""
    table = new_table("", "bench", "shown", "cycles", "per shown", "values", "differ")
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


if __name__ == "__main__":
    main()
