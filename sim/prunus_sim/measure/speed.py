"""Measure how fast cores are simulated: ``python -m prunus_sim.measure.speed``.

Two jobs, a core of 100 neurons that learns and one of 400 neurons that infers, in Verilator and in
Icarus. The rates are of the time in which the simulator runs. The rest of a run is Python: its
start, the model beside the core, and every comparison. Absolute figures are of one machine at one
time.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import WrongError, new_table, user_errors
from prunus_model.cli.number import Number
from prunus_model.cli.options import data_option, results_option
from prunus_model.common.provenance import processor
from prunus_rtl.export.measured import planned, trained
from prunus_rtl.export.simulators import SIMULATORS, check_tools
from prunus_sim.cosim.long_scenarios import (
    in_chunks,
    inference_scenario,
    learning_scenario,
    levels_of,
)
from prunus_sim.cosim.run import run
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.measure.pool import run_all
from prunus_sim.measure.results import Row, write_results
from prunus_sim.simulator.runner import BenchError

__all__ = ["PRESENTATIONS", "main"]

_RESULTS = Path("sim/results/speed.json")
#: Presentations of each scenario in each simulator, so that each takes seconds.
PRESENTATIONS = {
    ("learning", "verilator"): 200,
    ("learning", "icarus"): 4,
    ("inference", "verilator"): 200,
    ("inference", "icarus"): 4,
}


def _scenario(which: str, data: str, count: int) -> Scenario:
    if which == "learning":
        return learning_scenario("demo", data, count, checked=False)
    plan = planned(trained("400", data), data, lanes=16, store="csr")
    levels = levels_of(plan.network, data, "test", count)
    return inference_scenario(plan, name="400 neurons, inference", sequences=in_chunks(levels))


def _measured(which: str, sim: str, data: str, count: int, folder: Path) -> Row:
    # In a process of its own, which ends with this.
    os.environ["SIM"] = sim
    scenario = _scenario(which, data, count)
    # How many cycles there are at least and at most is found by the slow reference.
    sequences = [replace(sequence, cycles=False) for sequence in scenario.sequences]
    report = run(replace(scenario, sequences=sequences), folder)
    return {
        "what": report.name,
        "simulator": sim,
        "presentations": report.presentations,
        "cycles": report.cycles,
        "cycles_per_second": round(report.core_cycles / report.simulation_seconds),
        "presentations_per_second": round(report.presentations / report.simulation_seconds, 2),
        "build_seconds": report.build_seconds,
        "seconds": report.seconds,
        "simulation_seconds": report.simulation_seconds,
        "python_share": round(1 - report.simulation_seconds / report.seconds, 3),
        "differences": report.differences,
    }


@click.command()
@data_option("mnist")
@click.option(
    "--scale",
    type=Number(min=0, min_open=True, max=1000),
    default=1.0,
    show_default=True,
    help="Share of the presentations.",
)
@results_option(_RESULTS)
def main(*, data: str, scale: float, output: Path) -> None:
    """Measure cycles and presentations per second of a simulation, one after the other."""
    console = Console()
    with user_errors():
        for sim in SIMULATORS:
            check_tools(sim)
        rows: list[Row] = []
        with tempfile.TemporaryDirectory(prefix="prunus-speed-") as folder:
            for (which, sim), count in PRESENTATIONS.items():
                shown = max(1, round(scale * count))
                task: Any = (f"{which}, {sim}", _measured, (which, sim, data, shown))
                # A pool for each: the environment of a process is changed.
                for name, result in run_all([task], Path(folder) / f"{which}-{sim}", 1):
                    if isinstance(result, BenchError):
                        raise click.ClickException(f"{name}: {result}")
                    if isinstance(result, Exception):
                        raise WrongError(f"{name}: {result}")
                    rows.append(result)
        write_results(
            output,
            kind="simulation-speed",
            module="prunus_sim.measure.speed",
            simulators=SIMULATORS,
            content={"processor": processor(), "rows": rows},
        )
        table = new_table("", "core", "simulator", "cycles/s", "shown/s", "build s", "Python")
        for r in rows:
            table.add_row(
                r["what"],
                r["simulator"],
                f"{r['cycles_per_second']:,}",
                f"{r['presentations_per_second']:,.2f}",
                f"{r['build_seconds']:.1f}",
                f"{100 * r['python_share']:.0f} %",
            )
        console.print(table)


if __name__ == "__main__":
    main()
