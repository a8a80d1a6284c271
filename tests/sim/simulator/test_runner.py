# amaranth: UnusedElaboratable=no

"""What the runner says when something is missing or wrong, and that it never passes what fails."""

import re
import shutil
from pathlib import Path

import pytest

from prunus_rtl.export.simulators import SimulatorError, check_tools
from prunus_sim.simulator import runner
from prunus_sim.simulator.runner import BenchError, Built, build, simulator
from prunus_sim.unit import broadcast_fifo as queue

_FAILING = "prunus_sim.unit.failing"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(queue.component("four lanes"), tmp_path_factory.mktemp("queue") / "build")


@pytest.mark.sim
def test_failing_bench_raises_with_its_message(built: Built) -> None:
    message = "1 of 1 tests of prunus_sim.unit.failing failed; the first: "
    message += "expects_another_spike: spike 0: o__0 must be 8, not 7; log: "
    with pytest.raises(BenchError, match=re.escape(message)):
        built.run(_FAILING, only="expects_another_spike", name="failing")


@pytest.mark.sim
def test_bench_that_never_ends_raises(built: Built) -> None:
    with pytest.raises(BenchError, match=r"waits_for_ever: .*SimTimeoutError"):
        built.run(_FAILING, only="waits_for_ever", name="waiting")


@pytest.mark.sim
def test_run_without_tests_raises(built: Built) -> None:
    message = f"{_FAILING} must hold a test that is asked for, but it holds none"
    with pytest.raises(BenchError, match=re.escape(message)):
        built.run(_FAILING, only="nothing", name="nothing")


@pytest.mark.sim
def test_module_that_does_not_exist_raises(built: Built) -> None:
    with pytest.raises(BenchError, match=r"prunus_sim\.unit\.nowhere must run"):
        built.run("prunus_sim.unit.nowhere", name="nowhere")


@pytest.mark.sim
def test_waveform_is_written_if_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVES", "1")
    monkeypatch.setenv("CASE", "four lanes")
    monkeypatch.setenv("SEEDS", "1")
    waves = build(queue.component("four lanes"), tmp_path / "build")
    waves.run("prunus_sim.unit.broadcast_fifo", name="queue")
    assert (waves.folder / "queue.vcd").stat().st_size > 1000


def test_simulator_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM", "questa")
    message = "SIM must be one of verilator, icarus, not 'questa'"
    with pytest.raises(SimulatorError, match=re.escape(message)):
        simulator()


@pytest.mark.parametrize(
    ("sim", "missing", "message"),
    [
        ("verilator", {"g++"}, "Simulator verilator must have g++: apt install g++"),
        (
            "verilator",
            {"make", "perl"},
            ("Simulator verilator must have make, perl: apt install make && apt install perl"),
        ),
        (
            "icarus",
            {"iverilog", "vvp"},
            "Simulator icarus must have iverilog, vvp: apt install iverilog",
        ),
    ],
)
def test_says_in_one_line_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, sim: str, missing: set[str], message: str
) -> None:
    def which(tool: str) -> str | None:
        return None if tool in missing else f"/usr/bin/{tool}"

    monkeypatch.setattr(shutil, "which", which)
    with pytest.raises(SimulatorError, match=f"^{re.escape(message)}$"):
        check_tools(sim)


def test_fault_must_be_in_its_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "check_tools", lambda _: None)
    monkeypatch.setenv("INJECT_FAULT", "nowhere: < => >")
    message = "INJECT_FAULT must be UNIT: OLD => NEW with OLD in UNIT, not 'nowhere: < => >'"
    with pytest.raises(SimulatorError, match=re.escape(message)):
        build(queue.component("four lanes"), tmp_path / "build")
