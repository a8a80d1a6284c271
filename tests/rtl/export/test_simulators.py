# amaranth: UnusedElaboratable=no

import re
import sys
from pathlib import Path

import pytest

from prunus_rtl.export import simulators
from prunus_rtl.export.simulators import (
    SimulatorError,
    find_simulator,
)


def test_lines_of_a_bench_are_told_when_they_come_and_an_interrupt_ends_it(tmp_path: Path) -> None:
    told: list[str] = []
    program = "import time; print('image 0: a', flush=True); print('PASS: b', flush=True)"
    run = simulators._run([sys.executable, "-c", program], tmp_path, "Any 1.0", told.append)
    assert (run.status, run.passed, told) == (0, True, ["image 0: a", "PASS: b"])

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    endless = f"{program}; open('running', 'w').close(); time.sleep(3600)"
    with pytest.raises(KeyboardInterrupt):
        simulators._run([sys.executable, "-c", endless], tmp_path, "Any 1.0", interrupt)


def test_simulator_that_is_missing_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_simulator("auto") is None
    assert find_simulator("none") is None
    message = "Simulator icarus must have iverilog, vvp: apt install iverilog"
    with pytest.raises(SimulatorError, match=re.escape(message)):
        find_simulator("icarus")
