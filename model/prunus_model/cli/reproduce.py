"""`prunus reproduce`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import joblib
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from prunus_model.cli import stop_status
from prunus_model.cli.common import WrongError, console, terminable
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import cluster_options, store_option
from prunus_model.cli.outputs import claimed_file
from prunus_model.common.errors import ConfigError, ResultsError
from prunus_model.common.provenance import header
from prunus_model.common.text import not_found
from prunus_model.data.datasets import data_digest
from prunus_model.study.claims import OVERHEAD, Claim, claims, words
from prunus_model.study.cluster import connected
from prunus_model.study.datasets import PART as DATASETS
from prunus_model.study.datasets import datasets
from prunus_model.study.export import Earlier, collect, read_earlier, read_results, write_results
from prunus_model.study.figures import draw
from prunus_model.study.fingerprint import fingerprint, groups_fingerprint, options_fingerprint
from prunus_model.study.frontier import PART, frontier
from prunus_model.study.plan import Training, chosen, plan
from prunus_model.study.reach import reach
from prunus_model.study.results_db import ResultStore
from prunus_model.study.runner import Failure, reproduce
from prunus_model.study.trials import read_trials

__all__ = ["LISTS", "command"]

#: Does trainings: on this machine, or on a cluster.
_Work = Callable[..., list[Failure]]
#: Sweep lists that come with the package.
LISTS = ("paper", "results", "datasets")


@click.command(name="reproduce")
@click.argument("sweeps", metavar="SWEEPS", default="paper")
@click.option("--only", multiple=True, metavar="PART", help="A part of the list. Repeatable.")
@store_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("build/reproduction.json"),
    show_default=True,
    help="Where rows and claims are written at the end. Its rows of trainings that are in the list "
    "but not in the store stay.",
)
@click.option(
    "--frontier",
    "frontier_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for accuracy against cost, of the part `frontier`; not written without this.",
)
@click.option(
    "--figures",
    "figures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for figures, each with its data; made if it does not exist.",
)
@click.option(
    "-j",
    "--jobs",
    type=WholeNumber(min=1),
    help="Trainings at a time; the results do not depend on it. Default: all processors.",
)
@cluster_options
@click.option(
    "--overhead",
    type=click.Path(path_type=Path, dir_okay=False),
    default=OVERHEAD,
    help="Results of the overhead in hardware. Default: those of the checkout.",
)
@click.option(
    "--claims-only",
    is_flag=True,
    help="Train nothing: judge the claims anew by the rows that the output file has.",
)
@click.option("--plan", "plan_only", is_flag=True, help="Only say what would be done.")
def command(
    *,
    sweeps: str,
    only: tuple[str, ...],
    store_path: Path,
    output: Path,
    frontier_path: Path | None,
    figures: Path | None,
    jobs: int | None,
    cluster: str | None,
    cluster_wait: float,
    overhead: Path,
    claims_only: bool,
    plan_only: bool,
) -> int:
    """Train and test all that SWEEPS lists, and judge the paper's claims by it.

    SWEEPS is a TOML file, or one of the lists that come with Prunus: paper, results, datasets.
    Ctrl-C loses only what is running; the same command continues.
    """
    if claims_only:
        with claimed_file(output, force=True):
            head, rows = read_results(output)
            _judge(output, head, rows, overhead)
        return 0
    path = Path(str(files("prunus_model.study") / f"{sweeps}.toml"))
    if sweeps not in LISTS:
        path = Path(sweeps)
        if not path.exists():
            allowed = f"a TOML file or {', '.join(LISTS)}"
            raise ConfigError(not_found("Sweep list", sweeps, LISTS, allowed))
    listed = read_trials(path)
    wanted = chosen(listed, only)
    parts = {trial.part for trial in wanted}
    # The frontier judges no claim: alone it needs no other data, and leaves OUTPUT as it is.
    alone = parts == {PART}
    if frontier_path is not None and PART not in parts:
        raise click.UsageError(f"Part {PART} must be among those of {sweeps} for --frontier")
    trainings = plan(wanted if alone else listed)
    todo = [training for training in trainings if parts & training.parts.keys()]
    if plan_only:
        for training in todo:
            console.print(f"{training.cost:6.1f} s  {training.name}", soft_wrap=True)
        seconds = sum(training.cost for training in todo)
        console.print(f"{len(todo)} trainings, about {seconds / 60:.0f} minutes of one core")
        return 0
    output.parent.mkdir(parents=True, exist_ok=True)
    if frontier_path is not None:
        frontier_path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for written in ([] if alone else [output]) + ([frontier_path] if frontier_path else []):
            stack.enter_context(claimed_file(written, force=True))
        # Read before hours of training: rows that the store does not have are kept.
        merged = not alone and sweeps != DATASETS and output.exists()
        earlier = read_earlier(output) if merged else None
        store = ResultStore(store_path, fingerprint())
        work: _Work = partial(reproduce, jobs=jobs or joblib.cpu_count())
        if cluster is not None:
            work = stack.enter_context(connected(cluster, patience=cluster_wait)).reproduce
        return _run(
            sweeps,
            trainings,
            todo,
            store,
            work,
            earlier,
            parts=parts,
            output=None if alone else output,
            frontier_path=frontier_path,
            figures=figures,
            overhead=overhead,
        )


def _run(
    sweeps: str,
    trainings: list[Training],
    todo: list[Training],
    store: ResultStore,
    work: _Work,
    earlier: Earlier | None,
    *,
    parts: set[str],
    output: Path | None,
    frontier_path: Path | None,
    figures: Path | None,
    overhead: Path,
) -> int:
    failures: list[Failure] = []
    try:
        with terminable(), _Display(todo, store) as display:
            failures = work(todo, store, ended=display.ended)
    except KeyboardInterrupt as e:
        console.print(
            f"Stopped. {len(store)} trainings are in {store.path}; the same command continues",
            soft_wrap=True,
        )
        return stop_status(e)
    collected = collect(trainings, store, earlier=earlier)
    command = f"prunus reproduce {sweeps}"
    kind = {"results": "mnist", DATASETS: DATASETS}.get(sweeps, "reproduction")
    if output is not None and kind == DATASETS:
        # Judges no claim of the paper: it has its own form.
        found = datasets(collected.rows)
        head = _head(kind, command, found, collected.versions)
        write_results(output, head, found, name="rows")
        console.print(f"Saved {output}: {len(found)} rows", soft_wrap=True)
    elif output is not None:
        head = _head(kind, command, collected.rows, collected.versions)
        _judge(output, head, collected.rows, overhead)
    if frontier_path is not None and (points := frontier(collected.rows)):
        head = _head(PART, f"{command} --only {PART}", points, collected.versions)
        judged = reach(collected.rows)
        head |= {"claims": [asdict(claim) for claim in judged]}
        write_results(frontier_path, head, points, name="rows")
        console.print(f"Saved {frontier_path}: {len(points)} rows", soft_wrap=True)
        _tell(judged)
    if figures is not None:
        for name in draw(trainings, store, collected.rows, figures, parts=parts):
            console.print(f"Saved {name}", soft_wrap=True)
    if collected.earlier:
        console.print(
            f"{collected.earlier} rows are those that {output} had before", soft_wrap=True
        )
    if collected.missing:
        console.print(f"{collected.missing} trainings of the list have not been done")
    if failures:
        for failure in failures:
            console.print(f"Failed: {failure.training.name}: {failure.message}", soft_wrap=True)
        raise WrongError(
            f"{len(failures)} of {len(todo)} trainings failed, the first: "
            f"{failures[0].training.name}: {failures[0].message}"
        )
    return 0


def _head(
    kind: str, command: str, rows: list[dict[str, Any]], tools: dict[str, str]
) -> dict[str, Any]:
    inputs = {"model": fingerprint(), "data": data_digest(*(row["data"] for row in rows))}
    if kind == PART:
        inputs |= {"options": options_fingerprint(), "groups": groups_fingerprint()}
    return {"provenance": header(kind, command=command, inputs=inputs, tools=tools)}


def _judge(output: Path, head: dict[str, Any], rows: list[dict[str, Any]], overhead: Path) -> None:
    """Judge the claims by some rows, write both and tell."""
    try:
        judged = claims(rows, overhead=overhead)
    except KeyError as e:
        raise ResultsError(f"Results {output} must have {e} in each row") from e
    write_results(output, head | {"claims": [asdict(claim) for claim in judged]}, rows)
    console.print(f"Saved {output}: {len(rows)} rows", soft_wrap=True)
    _tell(judged)
    if not overhead.exists():
        console.print(
            f"What pruning costs in hardware is not judged: {overhead} is missing. It is part of "
            f"the checkout, made by `make overhead energy`; name it with --overhead",
            soft_wrap=True,
        )


def _tell(judged: list[Claim]) -> None:
    for claim in judged:
        console.print(f"{claim.verdict}: {claim.claim}. Measured: {words(claim)}", soft_wrap=True)


class _Display:
    """Progress: a bar with the remaining time in a terminal, a line per tenth elsewhere."""

    def __init__(self, trainings: list[Training], store: ResultStore) -> None:
        there = [training for training in trainings if not store.lacks(training)]
        self._total = sum(training.cost for training in trainings)
        self._found = self._done = sum((training.cost for training in there), 0.0)
        self._skipped = {training.digest for training in there}
        self._count, self._trainings = len(there), len(trainings)
        self._started = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.percentage:3.0f}%"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[facts]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(
            "", total=self._total, completed=int(self._done), facts=self._facts()
        )
        console.print(f"{self._facts()} there already, in {store.path}", soft_wrap=True)

    def __enter__(self) -> _Display:
        if console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if console.is_terminal:
            self._bar.stop()

    def ended(self, training: Training) -> None:
        """Count one more training."""
        if training.digest in self._skipped:
            return
        before = int(10 * self._done / self._total)
        self._done += training.cost
        self._count += 1
        self._bar.update(self._task, completed=self._done, facts=self._facts())
        if not console.is_terminal and int(10 * self._done / self._total) > before:
            elapsed = time.monotonic() - self._started
            left = elapsed * (self._total - self._done) / (self._done - self._found)
            console.print(
                f"{100 * self._done / self._total:3.0f} %  {self._facts()}, "
                f"{elapsed:.0f} s, {left:.0f} s left"
            )

    def _facts(self) -> str:
        return f"{self._count} of {self._trainings} trainings"
