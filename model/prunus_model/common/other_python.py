"""Scripts that run in another Python, with packages that this one does not have."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunus_model.common.errors import PrunusError

__all__ = ["run_script"]


def run_script(python: str, script: Path, args: Sequence[str], *, what: str) -> dict[str, Any]:
    """Run a script in another Python and return the JSON that it prints.

    Parameters
    ----------
    python : str
        The Python.
    script : Path
        The script.
    args : sequence of str
        Its arguments.
    what : str
        What is told if it does not run to its end: ``BindsNET must run``.

    Raises
    ------
    PrunusError
        If there is no such Python, or the script fails; with its last line.
    """
    try:
        done = subprocess.run(
            [python, str(script), *args], capture_output=True, text=True, check=False
        )
    except OSError as e:
        raise PrunusError(f"{what} with {python}: {e.strerror}") from e
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise PrunusError(f"{what} with {python}: {said[-1] if said else 'it said nothing'}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
