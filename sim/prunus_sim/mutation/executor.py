"""Runs the tests on single mutants: elaborates a mutated copy of the gateware, then tests it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from prunus_model.common.errors import PrunusError
from prunus_model.common.owned import owned
from prunus_sim.mutation.operators import Mutant
from prunus_sim.mutation.units import stages

__all__ = ["ELABORATION", "MutationError", "Row", "Suite", "row_of"]

#: Module whose ``elaborate_all`` elaborates the gateware.
ELABORATION = "prunus_sim.mutation.elaboration"

_PYTEST = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-rfE")
#: Exit status of a child that does not import the mutated gateware.
_WRONG_GATEWARE = 97
_NO_TESTS = 5
#: Most seconds of an elaboration, also where tests may take less.
_ELABORATION = 400.0
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?::.+?)(?: - .*)?$", re.MULTILINE)

# An editable installation must not win over the mutated copy.
_CHILD = f"""
import sys
from pathlib import Path
import prunus_rtl
folder, what, *arguments = sys.argv[1:]
if Path(prunus_rtl.__file__).resolve().parent != Path(folder).resolve():
    print(f"prunus_rtl must be imported from {{folder}}, not {{prunus_rtl.__file__}}")
    sys.exit({_WRONG_GATEWARE})
if what == "elaborate":
    import importlib
    importlib.import_module(arguments[0]).elaborate_all()
else:
    import pytest
    sys.exit(pytest.main(arguments))
"""

#: A mutant with its verdict: killed, timeout, survived, equivalent or invalid.
Row = dict[str, Any]


class MutationError(PrunusError):
    """The mutation test itself cannot be run."""


def row_of(mutant: Mutant) -> Row:
    """Return a mutant, but for its source, without a verdict."""
    names = ("file", "scope", "line", "operator", "before", "after")
    return {name: getattr(mutant, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests that judge a mutant, and where they are run.

    Parameters
    ----------
    gateware : Path
        Folder of the package that is mutated; it is only read.
    tests : Path
        Folder of the tests.
    timeout : float
        Most seconds of one run of pytest.
    elaboration : str
        Module whose ``elaborate_all`` elaborates the gateware; imported beside the mutated copy.
    """

    gateware: Path
    tests: Path
    timeout: float
    elaboration: str = ELABORATION
    _children: set[int] = field(default_factory=set, init=False)
    _lock: Any = field(default_factory=Lock, init=False)

    def stages(self, file: str) -> list[list[str]]:
        """Return the runs of pytest for a file (:func:`prunus_sim.mutation.units.stages`)."""
        return stages(file, gateware=self.gateware, tests=self.tests)

    def judge(self, mutant: Mutant) -> Row:
        """Return the verdict on a mutant: killed, timeout, survived or invalid."""
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="prunus-mutant-") as scratch:
            package = self.copy(Path(scratch))
            (package / mutant.file).write_text(mutant.source)
            verdict, test = self._judge(package, mutant.file)
        return {
            **row_of(mutant),
            "verdict": verdict,
            "test": test,
            "seconds": round(time.perf_counter() - started, 1),
        }

    def check_without_fault(self, files: Sequence[str]) -> None:
        """Elaborate the gateware as it is, and run all tests that will judge mutants of files.

        Raises
        ------
        MutationError
            If one of that fails: then it says nothing about a mutant.
        """
        runs = [run for file in files for run in self.stages(file)]
        tests = dict.fromkeys(path for run in runs for path in run)
        with tempfile.TemporaryDirectory(prefix="prunus-mutant-") as scratch:
            package = self.copy(Path(scratch))
            status, output = self.run(package, "elaborate", self.elaboration)
            if status != 0:
                told = output.strip()[-500:]
                raise MutationError(f"Gateware without a fault must elaborate: {told}")
            # As long as the runs that judge mutants may take, one after the other.
            longest = self.timeout * len(runs)
            status, output = (
                self.run(package, "test", *_PYTEST, *tests, longest=longest) if tests else (0, "")
            )
        if status not in (0, _NO_TESTS):
            failed = _FAILED.search(output)
            told = failed.group(1) if failed else output.strip()[-500:] or "no end"
            raise MutationError(f"Gateware without a fault must pass the tests, not fail: {told}")

    def copy(self, scratch: Path) -> Path:
        """Copy the gateware into a folder; return where the package is then."""
        package = scratch / "prunus_rtl"
        shutil.copytree(self.gateware, package, ignore=shutil.ignore_patterns("__pycache__"))
        return package

    def run(
        self, package: Path, what: str, *arguments: str, longest: float | None = None
    ) -> tuple[int | None, str]:
        """Run a child on a copy; return its exit status, None if it took too long, and output."""
        path = [str(package.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # A warning is an error in the tests too; it must not pass for a fault that they find.
        strict = ["-W", "error"] if what == "elaborate" else []
        command = [sys.executable, *strict, "-c", _CHILD, str(package), what, *arguments]
        with self._child(command, environment) as child:
            try:
                usual = self.timeout if what == "test" else max(self.timeout, _ELABORATION)
                output, _ = child.communicate(timeout=longest or usual)
            except subprocess.TimeoutExpired:
                return None, ""
        if child.returncode == _WRONG_GATEWARE:
            raise MutationError(output.strip())
        return child.returncode, output

    def stop(self) -> None:
        """End all children, so that nothing is left when a run is interrupted."""
        with self._lock:
            for pid in self._children:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    @contextmanager
    def _child(
        self, command: list[str], environment: dict[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a child that ends with this process, and leave nothing of it."""
        with owned(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as child:
            with self._lock:
                self._children.add(child.pid)
            try:
                yield child
            finally:
                with self._lock:
                    self._children.discard(child.pid)

    def _judge(self, package: Path, file: str) -> tuple[str, str]:
        status, output = self.run(package, "elaborate", self.elaboration)
        if status != 0:
            lines = output.strip().splitlines()
            return "invalid", lines[-1] if lines else ""
        for tests in self.stages(file):
            status, output = self.run(package, "test", *_PYTEST, *tests)
            if status is None:
                return "timeout", Path(tests[0]).name
            if status == 1:
                found = _FAILED.search(output)
                return "killed", found.group(1) if found else Path(tests[0]).name
            if status not in (0, _NO_TESTS):
                lines = output.strip().splitlines() or [""]
                raise MutationError(f"Tests of {file} must run, but pytest ended with {lines[-1]}")
        return "survived", ""
