"""Count the cycles of an inference, at full size: ``python -m prunus_sim.measure.cycles``.

Cores of trained networks are simulated beside the golden model, and every result must be equal. Of
each core are written: the cycles that it has counted itself, its forward SOPs, and

    lane_use = forward SOPs / (lanes * integrating cycles)

A cycle is integrating unless it belongs to a part whose length :mod:`prunus_rtl.timing` states
exactly: init, compare (once per step that is not inhibited), learn (one per output spike), report.
So all waiting, for the encoder, for a lane that lags or for the votes of an output spike, counts as
integrating without a synapse.

The sweep over densities takes a network that was trained without pruning and drops its weakest
synapses. The fall of cycles is compared with the fall of SOPs, both against density 1 of the same
store.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from prunus_model.cli.common import WrongError, new_table, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, results_option
from prunus_model.data.datasets import load
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.pruning import NoPruning
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.export.budgets import Budget, table_of, verdicts
from prunus_rtl.export.measured import PAPER, planned, trained
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.simulators import check_tools
from prunus_rtl.timing import compare_cycles, init_cycles, report_cycles, spike_cycles
from prunus_sim.cosim.long_scenarios import in_chunks, inference_scenario, levels_of
from prunus_sim.cosim.run import run
from prunus_sim.cosim.scenario import at_rest
from prunus_sim.measure.pool import run_all
from prunus_sim.measure.results import Row, write_results
from prunus_sim.simulator.runner import BenchError, simulator

__all__ = ["Case", "cases", "main", "pruned_to"]

_RESULTS = Path("sim/results/cycles.json")
_DENSITIES = (1.0, 0.5, 0.2, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A core whose cycles are counted.

    Parameters
    ----------
    network : str
        ``demo``, ``400``, ``paper``: with adaptive pruning. ``unpruned``: that of the paper's size,
        trained without.
    lanes : int
    store : str
        As in :class:`prunus_rtl.export.plan.ExportOptions`.
    stop_after : int
        Early exit at this output spike; 0: all steps.
    density : float, optional
        To which the weakest synapses are dropped. Default: as trained.
    """

    network: str
    lanes: int = 16
    store: str = "auto"
    stop_after: int = 0
    density: float | None = None

    @property
    def name(self) -> str:
        """Name for messages."""
        density = "" if self.density is None else f", density {self.density}"
        stop = ", early exit" if self.stop_after else ""
        return f"{self.network}, {self.lanes} lanes, {self.store}{density}{stop}"


def cases() -> list[Case]:
    """Return what is measured: sizes, lanes and early exit as trained, then densities."""
    found = [Case(network=PAPER, lanes=lanes) for lanes in (16, 4, 8, 32)]
    for network in (PAPER, "400", "demo"):
        found += [Case(network=network), Case(network=network, stop_after=1)]
    for store in ("auto", "learning"):
        found += [Case(network="unpruned", store=store, density=d) for d in _DENSITIES]
    found += [Case(network="unpruned", lanes=lanes, density=0.2) for lanes in (4, 8, 32)]
    return list(dict.fromkeys(found))


def pruned_to(artifact: Artifact, density: float) -> Artifact:
    """Return a network with only its strongest synapses.

    Parameters
    ----------
    artifact : Artifact
        Trained network.
    density : float
        Share of all synapses that stay, up to rounding. Of equal weights, the first stay.

    Returns
    -------
    Artifact
    """
    state = artifact.state.copy()
    order = np.argsort(-state.weights.astype(np.int64), axis=None, kind="stable")
    dropped = order[round(density * order.size) :]
    state.weights.flat[dropped] = 0
    state.alive.flat[dropped] = False
    state.strength[:] = state.weights.sum(axis=0, dtype=state.strength.dtype)
    return replace(artifact, state=state)


def _plan(case: Case, networks: dict[str, Artifact], data: str) -> Plan:
    artifact = networks[case.network]
    if case.density is not None:
        artifact = pruned_to(artifact, case.density)
    return planned(artifact, data, lanes=case.lanes, store=case.store)


def _measured(case: Case, plan: Plan, levels: Any, folder: Path) -> Row:
    """Simulate a core beside the model; return its row."""
    sequences = in_chunks(levels, stop_after=case.stop_after)
    try:
        report = run(inference_scenario(plan, name=case.name, sequences=sequences), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    engine = Engine(plan.network, at_rest(plan.state, plan.network))
    shown = [engine.present(image, learn=False, stop_after=case.stop_after) for image in levels]
    total = asdict(sum((one.counters for one in shown), Counters()))
    shapes, images = plan.widths, len(levels)
    # A spike in the last step that was executed: its votes are still to be counted.
    late = sum(one.spike_steps[-1:].tolist() == [one.counters.steps - 1] for one in shown)
    fixed = images * init_cycles(shapes, recomputed=False)
    fixed += (total["steps"] - total["inhibited_steps"]) * compare_cycles(shapes)
    fixed += total["output_spikes"] * spike_cycles(shapes, learn=False, margin=False)
    for fired, count in ((True, late), (False, images - late)):
        fixed += count * report_cycles(shapes, fired=fired, learn=False, margin=False)
    integrating = report.core_cycles - fixed
    return {
        "network": case.network,
        "neurons": plan.network.neurons,
        "lanes": case.lanes,
        "store": plan.store,
        "density": round(float(plan.state.alive.mean()), 4),
        "early_exit": case.stop_after,
        "images": images,
        "cycles_per_inference": round(report.core_cycles / images, 1),
        "forward_sops_per_inference": round(total["forward_sops"] / images, 1),
        "integrating_cycles_per_inference": round(integrating / images, 1),
        "lane_use": round(total["forward_sops"] / (case.lanes * integrating), 4),
        "values_compared": report.values_compared,
        "differences": report.differences,
        "swept": case.density is not None,
    }


def _fall(row: Row, full: Row) -> float:
    """Return the share of cycles saved over the share of SOPs saved, against density 1."""
    cycles, sops = (
        1 - row[key] / full[key] for key in ("cycles_per_inference", "forward_sops_per_inference")
    )
    return float(cycles / sops)


def budgets(rows: Sequence[Row]) -> list[Budget]:
    """Return the budgets of the design, with what was measured."""

    def row(**wanted: Any) -> Row:
        (found,) = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
        return found

    whole = row(network=PAPER, lanes=16, early_exit=0)
    early = row(network=PAPER, lanes=16, early_exit=1)
    swept = [r for r in rows if r["swept"] and r["lanes"] == 16]
    falls = {}
    for learning in (False, True):
        kind = [r for r in swept if (r["store"] == "learning") == learning]
        full = max(kind, key=lambda r: float(r["density"]))
        falls[learning] = round(min(_fall(r, full) for r in kind if r is not full), 4)
    figures = (
        ("cycles, 800 neurons, 16 lanes", 90_000, 78_000, whole["cycles_per_inference"], False),
        ("the same, early exit", 20_000, 16_000, early["cycles_per_inference"], False),
        ("lane use, 800 neurons, 16 lanes", 0.85, 0.95, whole["lane_use"], True),
        ("least fall of cycles / fall of SOPs, packed", 0.8, 0.95, falls[False], True),
        ("the same, learning store", 0.8, 0.95, falls[True], True),
    )
    return [
        Budget(figure=figure, must=must, reach=reach, value=value, least=least)
        for figure, must, reach, value, least in figures
    ]


@click.command()
@data_option("mnist")
@click.option(
    "-n",
    "--images",
    type=WholeNumber(min=1),
    default=40,
    show_default=True,
    help="Test images that each core is shown.",
)
@click.option(
    "--jobs", type=WholeNumber(min=1), default=2, show_default=True, help="Cores at a time."
)
@results_option(_RESULTS)
def main(*, data: str, images: int, jobs: int, output: Path) -> None:
    """Count the cycles of an inference, of networks, lanes, stores and densities."""
    with user_errors():
        sim = simulator()
        check_tools(sim)
        console = Console()
        console.print("training two networks of 800 neurons ...")
        networks = {name: trained(name, data) for name in ("demo", "400", PAPER)}
        unpruned = replace(NetworkConfig.named(PAPER), pruning=NoPruning())
        networks["unpruned"] = train(unpruned, load(data, "train"), epochs=2)
        tasks = []
        for case in cases():
            plan = _plan(case, networks, data)
            levels = levels_of(plan.network, data, "test", images)
            tasks.append((case.name, _measured, (case, plan, levels)))
        rows: list[Row] = []
        order = [name for name, _, _ in tasks]
        done: dict[str, Row] = {}
        with tempfile.TemporaryDirectory(prefix="prunus-cycles-") as folder:
            for name, result in run_all(tasks, Path(folder), jobs):
                if isinstance(result, BenchError):
                    raise click.ClickException(f"{name}: {result}")
                if isinstance(result, Exception):
                    raise WrongError(f"{name}: {result}")
                console.print(f"{name}: {result['cycles_per_inference']:,.0f}", highlight=False)
                done[name] = result
        rows = [done[name] for name in order]
        found = verdicts(budgets(rows))
        write_results(
            output,
            kind="cycles",
            module="prunus_sim.measure.cycles",
            simulators=[sim],
            content={"images": f"first {images} of {data} test", "budgets": found, "rows": rows},
        )
        table = new_table("", "network", "lanes", "store", "density", "exit", "cycles", "lane use")
        for r in rows:
            table.add_row(
                f"{r['network']} ({r['neurons']})",
                str(r["lanes"]),
                r["store"],
                f"{r['density']:.3f}",
                str(r["early_exit"]),
                f"{r['cycles_per_inference']:,.0f}",
                f"{r['lane_use']:.3f}",
            )
        console.print(table)
        console.print(table_of(found))


if __name__ == "__main__":
    main()
