"""A core behind each bus beside the engine, with the masters of cocotbext; and bad input."""

import shutil
from pathlib import Path

import pytest

from prunus_sim.bus.jobs import JOBS
from prunus_sim.bus.run import BUS_RUNS, run_bad_input, run_over_bus
from prunus_sim.simulator.runner import BenchError

pytestmark = pytest.mark.sim


@pytest.mark.parametrize(("job", "bus", "streams"), BUS_RUNS)
def test_core_behind_a_bus_equals_engine(tmp_path: Path, job: str, bus: str, streams: bool) -> None:
    report = run_over_bus(JOBS[job](0), tmp_path / "bench", bus=bus, streams=streams)
    assert report.differences == 0
    assert report.values_compared > 500
    assert report.cycles >= report.core_cycles


@pytest.mark.parametrize(
    ("job", "bus", "streams", "room"),
    [("layer", "axi", True, 3), ("layer-events", "wishbone", False, 5)],
)
def test_no_spike_is_lost_if_more_come_than_there_is_room_for(
    tmp_path: Path, job: str, bus: str, streams: bool, room: int
) -> None:
    run = run_over_bus(JOBS[job](0), tmp_path / "bench", bus=bus, streams=streams, spike_room=room)
    assert run.differences == 0
    assert run.values_compared > 500


@pytest.mark.parametrize("sim", ["verilator", "icarus"])
@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_bad_input_is_refused_and_nothing_hangs(tmp_path: Path, bus: str, sim: str) -> None:
    if sim == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    assert run_bad_input(JOBS["small"](0), tmp_path / "bench", bus=bus, sim=sim) == 3


def test_same_cycles_in_icarus(tmp_path: Path) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    reports = [
        run_over_bus(JOBS["small"](0), tmp_path / sim, bus="axi", streams=True, sim=sim)
        for sim in ("verilator", "icarus")
    ]
    assert reports[0].core_cycles == reports[1].core_cycles
    assert reports[0].cycles == reports[1].cycles


def test_a_fault_of_the_gateware_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INJECT_FAULT", "stream_key: presentation + 1'h1 => presentation + 2'h2")
    with pytest.raises(BenchError, match=r"small, levels over axi: .*stream_key"):
        run_over_bus(JOBS["small"](0), tmp_path / "bench", bus="axi")
