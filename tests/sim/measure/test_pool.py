"""Benches in processes of their own: what is shown, and that no process is left behind."""

import io
import os
import re
import signal
import time
from multiprocessing import active_children
from pathlib import Path

import pytest
from rich.console import Console

from prunus_rtl.export.simulators import SimulatorError
from prunus_sim.measure.pool import Display, Task, run_all
from prunus_sim.measure.results import Row
from prunus_sim.simulator.verilog import BenchError


def equal(folder: Path) -> Row:
    return {"bench": folder.name, "wall_seconds": 1.5}


def differs(_folder: Path) -> Row:
    raise BenchError("Cosim mismatch [0]")


def waits(folder: Path) -> Row:
    folder.mkdir(parents=True)
    time.sleep(3600)
    return {}


def dies(_folder: Path) -> Row:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_results_come_with_their_names_and_folders(tmp_path: Path) -> None:
    tasks: list[Task] = [("a", equal, ()), ("b", differs, ()), ("c", equal, ())]
    found = dict(run_all(tasks, tmp_path, 2))
    assert {name: str(result) for name, result in found.items()} == {
        "a": "{'bench': '0', 'wall_seconds': 1.5}",
        "b": "Cosim mismatch [0]",
        "c": "{'bench': '2', 'wall_seconds': 1.5}",
    }
    assert isinstance(found["b"], BenchError)


def test_each_bench_that_starts_or_ends_has_its_line(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=80)
    tasks: list[Task] = [("a", equal, ()), ("[b]", differs, ()), ("c", equal, ())]
    with Display(console, len(tasks)) as display:
        list(run_all(tasks, tmp_path, 1, display=display))
    file = console.file
    assert isinstance(file, io.StringIO)
    # How long it takes is another matter.
    text = re.sub(r"about \d+ (s|min) left", "about 9 s left", file.getvalue())
    assert text.splitlines() == [
        "running a",
        "equal a (1.5 s); 1 of 3, about 9 s left",
        "running [b]",
        "DIFFERS [b]: Cosim mismatch [0]",
        "running c",
        "equal c (1.5 s); 3 of 3",
    ]


def test_bar_in_a_terminal_names_what_runs(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with Display(console, 2) as display:
        list(run_all([("one", equal, ()), ("two", equal, ())], tmp_path, 1, display=display))
    file = console.file
    assert isinstance(file, io.StringIO)
    shown = file.getvalue()
    assert "0/2" in shown
    assert "1/2" in shown
    assert "running: one" in shown
    assert "running: two" in shown
    assert "left; running: two" in shown


def test_caller_that_is_interrupted_leaves_no_process_behind(tmp_path: Path) -> None:
    results = run_all([("a", equal, ()), ("b", waits, ()), ("c", waits, ())], tmp_path, 2)
    assert next(results)[0] == "a"
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt())
    assert active_children() == []


def test_process_that_dies_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SimulatorError, match=r"^Bench a must run to its end, but its process died$"
    ):
        list(run_all([("a", dies, ())], tmp_path, 1))
    assert active_children() == []
