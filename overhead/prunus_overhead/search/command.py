"""`prunus search`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import joblib
import tomli_w

from prunus_model.cli import stop_status
from prunus_model.cli.common import WrongError, console, counted, new_table, note, terminable
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import cluster_options, store_option
from prunus_model.cli.outputs import new_file
from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import ConfigError
from prunus_model.common.provenance import header, package_versions
from prunus_model.common.text import not_found
from prunus_model.common.toml import without_none
from prunus_model.data.datasets import data_digest
from prunus_model.study.cluster import connected
from prunus_model.study.export import write_results
from prunus_model.study.fingerprint import fingerprint, groups_fingerprint, options_fingerprint
from prunus_model.study.results_db import ResultStore
from prunus_model.study.runner import reproduce
from prunus_model.training.plots import save
from prunus_overhead.search.front import rows, thriftiest
from prunus_overhead.search.picture import picture
from prunus_overhead.search.samplers import SAMPLERS
from prunus_overhead.search.space import read_space
from prunus_overhead.search.trials import Search, Work

__all__ = ["SPACES", "search"]

#: Searches that come with the package.
SPACES = ("mnist-100",)
_FRONT, _PICTURE, _BEST = "search.json", "pareto.png", "best.toml"
#: Colours of the picture, so that its file stays small.
_PALETTE = 128


@click.command(name="search")
@click.argument("space", metavar="SPACE")
@click.option(
    "-n",
    "--trials",
    type=WholeNumber(min=1),
    default=30,
    show_default=True,
    help="Trials, those that are there already and those of other processes included.",
)
@click.option(
    "--sampler",
    type=click.Choice(list(SAMPLERS)),
    default="tpe",
    show_default=True,
    help="What proposes values: a model of good ones, a genetic algorithm, chance.",
)
@click.option("--seed", type=WholeNumber(min=0), default=0, show_default=True)
@click.option(
    "--trials-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("build/search.journal"),
    show_default=True,
    help="Where trials are kept; processes and machines that name the same file share them.",
)
@store_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/search"),
    show_default=True,
    help=f"Folder for {_FRONT}, {_PICTURE} and {_BEST}; made if it does not exist.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0, max=100),
    default=0.0,
    show_default=True,
    help=f"{_BEST} is the network with the fewest SOPs within so many points of the best accuracy.",
)
@click.option(
    "-j",
    "--jobs",
    type=WholeNumber(min=1),
    help="Trials at a time. Default: all processors, of the cluster if there is one.",
)
@cluster_options
def search(
    *,
    space: str,
    trials: int,
    sampler: str,
    seed: int,
    trials_file: Path,
    store_path: Path,
    output: Path,
    within: float,
    jobs: int | None,
    cluster: str | None,
    cluster_wait: float,
) -> int:
    """Search the ranges that SPACE lists for accuracy, few SOPs and little memory.

    SPACE is a TOML file, or mnist-100, which comes with Prunus. Accuracy is on validation images,
    never on test images. Ctrl-C loses only what is running; the same command continues.
    """
    path = Path(str(files("prunus_overhead.search") / f"{space}.toml"))
    if space not in SPACES:
        path = Path(space)
        if not path.exists():
            allowed = f"a TOML file or {', '.join(SPACES)}"
            raise ConfigError(not_found("Search", space, SPACES, allowed))
    wanted = read_space(path)
    if output.is_dir():
        for name in (_FRONT, _PICTURE, _BEST):
            new_file(output / name, force=True)
    elif output.exists():
        raise ConfigError(f"Output {output} must be a folder, not a file")
    found = Search(wanted, trials_file, sampler=sampler, seed=seed)
    store = ResultStore(store_path, fingerprint())
    console.print(
        f"{counted(len(found.trials()), 'trial')} there already, in {trials_file}", soft_wrap=True
    )
    try:
        with terminable(), ExitStack() as stack:
            at_a_time = jobs or joblib.cpu_count()
            work: Work = partial(reproduce, jobs=at_a_time)
            if cluster is not None:
                workers = stack.enter_context(connected(cluster, patience=cluster_wait))
                at_a_time, work = jobs or workers.threads, workers.reproduce
            found.run(
                trials,
                store,
                work,
                at_a_time=at_a_time,
                ended=lambda: console.print(_progress(found, trials), soft_wrap=True),
                waits=lambda n: note(f"Waiting for {counted(n, 'trial')} of other processes"),
            )
    except KeyboardInterrupt as e:
        console.print(
            f"Stopped. {counted(len(found.trials()), 'trial')} are in {trials_file}; the same "
            f"command continues",
            soft_wrap=True,
        )
        return stop_status(e)
    # What is proposed depends on these.
    options = f"--trials {trials} --sampler {sampler} --seed {seed} --jobs {at_a_time}"
    return _report(found, output, within, f"prunus search {space} {options}")


def _progress(found: Search, trials: int) -> str:
    there = rows(found.trials())
    best = f", best accuracy {100 * there[0]['accuracy']:.2f} %" if there else ""
    done = len(found.trials()) + len(found.failures())
    return f"{done} of {counted(trials, 'trial')}{best}"


def _report(found: Search, output: Path, within: float, command: str) -> int:
    failures = found.failures()
    for number, message in failures.items():
        console.print(f"Failed: trial {number}: {message}", soft_wrap=True)
    there = rows(found.trials())
    if not there:
        raise WrongError(f"None of {counted(len(failures), 'trial')} could be done")
    space = found.space
    best = thriftiest(there, within)
    network = found.network(next(t for t in found.trials() if t.number == best["number"]))
    output.mkdir(parents=True, exist_ok=True)
    head = {
        "provenance": header(
            "search",
            command=command,
            inputs={
                "model": fingerprint(),
                "options": options_fingerprint(),
                "groups": groups_fingerprint(),
                "data": data_digest(space.data),
            },
            tools=package_versions("numpy", "numba", "optuna", "prunus"),
        ),
        "data": space.data,
        "config": space.config,
        "split": "validation",
        "epochs": space.epochs,
        "seeds": list(space.seeds),
        "ranges": {name: str(d) for name, d in space.distributions.items()},
        "failed": len(failures),
        "best": best["number"],
    }
    write_results(output / _FRONT, head, there, name="rows")
    title = f"{len(there)} trials of {space.config} on {space.data}"
    save(picture(there, title), output / _PICTURE, colors=_PALETTE)
    said = (
        f"# Trial {best['number']} of {command}: validation accuracy "
        f"{100 * best['accuracy']:.2f} %, {best['sops_per_image']:.0f} forward SOPs per image,\n"
        f"# {best['memory_bits']:.0f} bits of memory, {space.epochs} epochs.\n"
    )
    text = said + tomli_w.dumps(without_none(network.to_mapping()))
    write_atomically(output / _BEST, text.encode())
    _table(there, best)
    for name in (_FRONT, _PICTURE, _BEST):
        console.print(f"Saved {output / name}", soft_wrap=True)
    return 0


def _table(there: Sequence[dict[str, Any]], best: dict[str, Any]) -> None:
    front = [row for row in there if row["front"]]
    table = new_table(
        f"Pareto front: {len(front)} of {counted(len(there), 'trial')}",
        "trial",
        "accuracy %",
        "SOPs per image",
        "kbit",
        "synapses %",
        "values",
    )
    for row in front:
        table.add_row(
            f"{row['number']}{' *' if row is best else ''}",
            f"{100 * row['accuracy']:.2f}",
            f"{row['sops_per_image']:,.0f}",
            f"{row['memory_bits'] / 1000:,.1f}",
            f"{100 * row['density']:.1f}",
            ", ".join(f"{name.rpartition('.')[2]} {v}" for name, v in row["values"].items()),
        )
    console.print(table)
    console.print(f"* is in {_BEST}; accuracy is on the last sixth of the training images")
