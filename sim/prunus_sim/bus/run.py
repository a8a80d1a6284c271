"""Runs a scenario over a bus: builds the system, simulates it beside the golden model."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_rtl.bus.capability import SPIKE_ROOM
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_sim.bus.variables import BUS_VARIABLE, STREAMS_VARIABLE
from prunus_sim.cosim.build import make_core
from prunus_sim.cosim.interface import REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.simulator.runner import BenchError, build

__all__ = ["BUS_RUNS", "SYSTEMS", "BusReport", "run_bad_input", "run_over_bus", "system_of"]

#: Systems by the name of their bus.
SYSTEMS: dict[str, Any] = {"axi": AxiSystem, "wishbone": WishboneSystem}
#: Runs of the regression, the most important first: job, bus, whether over streams.
BUS_RUNS = (
    ("small", "axi", True),
    ("events", "wishbone", False),
    ("small", "wishbone", False),
    ("small", "axi", False),
    ("layer", "wishbone", False),
    ("events", "axi", True),
    ("packed", "axi", True),
    ("medium", "axi", True),
)
#: Hash of a network that has no file.
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusReport:
    """Result of a scenario in which core and golden model were equal.

    Attributes
    ----------
    name, bus, simulator : str
    streams : bool
        Whether inputs and spikes went over streams.
    presentations : int
    cycles, core_cycles : int
        Clock cycles from the first word of an image, or the start, to the end of its presentation
        as the program sees it; those that the core counted.
    values_compared, differences : int
        Values that were compared; 0, since the first mismatch raises an error.
    """

    name: str
    bus: str
    simulator: str
    streams: bool
    presentations: int
    cycles: int
    core_cycles: int
    values_compared: int
    differences: int


def system_of(scenario: Scenario, bus: str, *, spike_room: int = SPIKE_ROOM) -> Any:
    """Return the system of a scenario; its memories are initialised with the state."""
    return SYSTEMS[bus](core=make_core(scenario), network=_NO_HASH, spike_room=spike_room)


def run_over_bus(
    scenario: Scenario,
    folder: Path,
    *,
    bus: str,
    streams: bool = False,
    spike_room: int = SPIKE_ROOM,
    sim: str | None = None,
) -> BusReport:
    """Build a scenario and run it over a bus.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    folder : Path
        Where everything is written; it is emptied first.
    bus : str
        ``axi`` or ``wishbone``.
    streams : bool
        Inputs and spikes go over streams. Only with ``axi``.
    spike_room : int
        Most output spikes that wait for the program.
    sim : str, optional
        Simulator. Default: the one that ``SIM`` names.

    Returns
    -------
    BusReport

    Raises
    ------
    BenchError
        With the first mismatch.
    """
    built = build(system_of(scenario, bus, spike_room=spike_room), folder, sim=sim)
    (built.folder / SCENARIO_FILE).write_bytes(pickle.dumps(scenario))
    env = {BUS_VARIABLE: bus, STREAMS_VARIABLE: str(int(streams))}
    try:
        built.run("prunus_sim.bus.bench", env=env, name="lockstep")
    except BenchError as e:
        raise BenchError(f"{scenario.name} over {bus}: {e}") from None
    values = json.loads((folder / REPORT_FILE).read_text())
    return BusReport(
        name=scenario.name,
        bus=bus,
        simulator=built.simulator,
        streams=streams,
        presentations=scenario.presentations,
        differences=0,
        **values,
    )


def run_bad_input(scenario: Scenario, folder: Path, *, bus: str, sim: str | None = None) -> int:
    """Build the system of a scenario, and do wrong to it what can be done wrong over a bus.

    Parameters
    ----------
    scenario, folder, bus, sim
        As of :func:`run_over_bus`.

    Returns
    -------
    int
        Tests that have passed.

    Raises
    ------
    BenchError
        If one fails.
    """
    built = build(system_of(scenario, bus), folder, sim=sim)
    (built.folder / SCENARIO_FILE).write_bytes(pickle.dumps(scenario))
    return built.run("prunus_sim.bus.bad_input", env={BUS_VARIABLE: bus}, name="bad_input")
