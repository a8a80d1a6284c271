"""The whole core beside the engine, and the message and waveform of a mismatch."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from prunus_sim.cosim.run import run
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.simulator.runner import BenchError


@pytest.mark.sim
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_core_equals_engine(tmp_path: Path, name: str) -> None:
    report = run(SCENARIOS[name](0), tmp_path / "bench")
    assert report.differences == 0
    assert report.values_compared > 1000


def _short() -> Scenario:
    scenario = SCENARIOS["tiny-learning"](0)
    return replace(scenario, sequences=scenario.sequences[:2])


@pytest.mark.sim
@pytest.mark.parametrize(
    ("fault", "units"),
    [
        # The fault, and the units that the message may name.
        pytest.param("pruning: < => <=", ("pruning",), id="pruning compares with <="),
        pytest.param("sweep.update: - => +", ("stdp",), id="weights move away"),
        pytest.param(
            "stream_key: presentation + 1'h1 => presentation + 2'h2",
            ("stream_key",),
            id="every other one",
        ),
    ],
)
def test_fault_in_the_verilog_is_found_in_its_unit_with_a_waveform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, units: tuple[str, ...]
) -> None:
    monkeypatch.setenv("INJECT_FAULT", fault)
    with pytest.raises(BenchError) as caught:
        run(_short(), tmp_path / "bench")
    message = str(caught.value)
    assert any(f"unit {unit}: " in message for unit in units), message
    assert "waveform: " in message
    waveform = Path(message.rpartition("waveform: ")[2].partition(" ")[0])
    assert waveform.stat().st_size > 1000


@pytest.mark.sim
def test_same_results_in_icarus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    reports = []
    for sim in ("verilator", "icarus"):
        monkeypatch.setenv("SIM", sim)
        reports.append(run(_short(), tmp_path / sim))
    assert reports[0].core_cycles == reports[1].core_cycles
    assert [report.simulator for report in reports] == ["verilator", "icarus"]
