"""Runs a scenario: builds the core, simulates it beside the golden model, and reports.

The first mismatch ends a scenario. The presentation in which it arose is then simulated again
alone, from the state before it, with a waveform.
"""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

from prunus_sim.cosim.build import build_core
from prunus_sim.cosim.interface import FAILURE_FILE, REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.simulator.runner import BenchError, Built, waves_wanted

__all__ = ["Report", "run"]

_BENCH = "prunus_sim.cosim.bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Result of a scenario in which core and golden model were equal.

    Attributes
    ----------
    name, simulator : str
    neurons, lanes, presentations : int
    mode, policy : str
        "learning", "inference" or "both"; pruning policy.
    cycles : int
        Simulated clock cycles, those of the memory port included.
    core_cycles : int
        Cycles that the core counted in its presentations.
    values_compared, differences : int
        Values that were compared; 0, since the first mismatch raises an error.
    build_seconds, seconds, simulation_seconds : float
        Time to build, to run, and the part of the latter that the simulator took.
    """

    name: str
    simulator: str
    mode: str
    policy: str
    neurons: int
    lanes: int
    presentations: int
    cycles: int
    core_cycles: int
    values_compared: int
    differences: int
    build_seconds: float
    seconds: float
    simulation_seconds: float


def run(scenario: Scenario, folder: Path, *, waveform: bool = True) -> Report:
    """Build a scenario and run it.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    folder : Path
        Where everything is written; it is emptied first.
    waveform : bool
        After a mismatch, simulate its presentation again with a waveform, in a folder beside.

    Returns
    -------
    Report

    Raises
    ------
    BenchError
        With the first mismatch, and the path of its waveform.
    """
    started = time.perf_counter()
    built = build_core(scenario, folder, waves=waves_wanted())
    built_after = time.perf_counter()
    try:
        _simulate(scenario, built)
    except BenchError as e:
        hint = _waveform(folder) if waveform else ""
        raise BenchError(f"{scenario.name}: {e}{hint}") from None
    values = json.loads((folder / REPORT_FILE).read_text())
    learns = {sequence.learn for sequence in scenario.sequences}
    mode = "both" if len(learns) == 2 else "learning" if True in learns else "inference"
    return Report(
        name=scenario.name,
        simulator=built.simulator,
        mode=mode,
        policy=scenario.network.pruning.policy,
        neurons=scenario.network.all_neurons,
        lanes=scenario.hardware.lanes,
        presentations=scenario.presentations,
        differences=0,
        build_seconds=round(built_after - started, 2),
        seconds=round(time.perf_counter() - built_after, 2),
        **values,
    )


def _simulate(scenario: Scenario, built: Built) -> None:
    (built.folder / SCENARIO_FILE).write_bytes(pickle.dumps(scenario))
    built.run(_BENCH, name="lockstep")


def _waveform(folder: Path) -> str:
    """Simulate the presentation that failed alone, with a waveform; return the end of a message."""
    failure = folder / FAILURE_FILE
    if not failure.exists():
        return ""
    scenario: Scenario = pickle.loads(failure.read_bytes())
    # Beside the folder, not in it: make would take what it finds in the folder above.
    alone = folder.with_name(f"{folder.name}-waveform")
    built = build_core(scenario, alone, waves=True)
    try:
        _simulate(scenario, built)
    except BenchError:
        again = "the presentation alone differs too"
    else:
        again = "the presentation alone does not differ"
    waves = sorted([*alone.glob("*.vcd"), *alone.glob("*.fst")])
    return f"; waveform: {waves[0] if waves else 'none'} ({again})"
