"""What other tools do with our graphs, and we with theirs: rows of `model/results/nir.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from prunus_model.common.atomic import write_json
from prunus_model.common.errors import ResultsError
from prunus_model.common.provenance import header
from prunus_model.data.datasets import data_digest
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.trainer import versions

__all__ = ["RESULTS", "Direction", "Row", "Status", "write_rows"]

#: Where the rows are, in the checkout.
RESULTS = Path("model/results/nir.json")
#: Whether a tool read our graph, or we read one of a tool's.
Direction: TypeAlias = Literal["export", "import"]
#: How far it went: not read; read, yet not run; run; run, with the same spikes in every neuron as
#: the side that wrote the graph (of an export, its simulation in plain floating point).
Status: TypeAlias = Literal["refused", "read", "run", "equal"]
#: Where a row is from, if not from where the file is.
_ORIGIN = ("command", "commit", "inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One graph and one tool.

    Attributes
    ----------
    framework, version : str
        The tool.
    direction : "export" or "import"
        From here to it, or from it to here.
    node : str
        Nodes of the graph.
    status : "refused", "read", "run" or "equal"
        How far it went.
    equal_predictions : float, optional
        Share of images with the prediction of the side that wrote the graph, if it ran.
    network : str
        Which network.
    images : int
        Images shown; 0 if it did not run.
    why : str
        Of a refusal, the reason in the tool's own words, one line.
    """

    framework: str
    version: str
    direction: Direction
    node: str
    status: Status
    equal_predictions: float | None = None
    network: str
    images: int = 0
    why: str = ""


def write_rows(
    rows: Sequence[Row],
    *,
    direction: Direction,
    command: str,
    data: str | None,
    tools: Mapping[str, str],
    path: Path = RESULTS,
) -> None:
    """Put the rows of one command into the file; those of others stay.

    Parameters
    ----------
    rows : sequence of Row
        All rows that the command makes, each of the direction.
    direction : "export" or "import"
        That of the rows.
    command : str
        What has made them. Rows of the direction that the same program made before, whatever its
        arguments, go.
    data : str or None
        Data set that was shown; None if nothing was shown: then the rows keep where they are from,
        and the head of the file stays.
    tools : mapping of str to str
        Versions of what determines them, beside those of Prunus.
    path : Path
        The file.

    Raises
    ------
    ResultsError
        If the file is there and is not one of these, or a row is of another direction.
    """
    if any(row.direction != direction for row in rows):
        raise ResultsError(f"Rows must all be of direction {direction}")
    before = _read(path)
    own = header(
        "nir",
        command=command,
        inputs={"model": fingerprint()} | ({"data": data_digest(data)} if data else {}),
        tools=versions() | dict(tools),
    )
    others = [
        {**{key: before["provenance"][key] for key in _ORIGIN}, **row}
        for row in before["rows"]
        if row["direction"] != direction
        or _program(row.get("command", before["provenance"]["command"])) != _program(command)
    ]
    made = [asdict(row) for row in rows]
    if others:
        own["tools"] = before["provenance"]["tools"] | own["tools"]
    if others and data is None:
        made = [{key: own[key] for key in _ORIGIN} | row for row in made]
        head = before["provenance"]
        others = [_without_origin(row, head) for row in others]
        own = {**head, "tools": own["tools"]}
    found = made + others
    order = ("direction", "framework", "version", "network", "node")
    found.sort(key=lambda row: [row[key] for key in order])
    write_json(path, {"provenance": own, "rows": found})


def _program(command: str) -> list[str]:
    """Return what is run, without arguments: `python -m module`, or `make target`."""
    return command.split()[:3]


def _without_origin(row: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the file without what the head of the file says."""
    same = all(row[key] == head[key] for key in _ORIGIN)
    return {key: value for key, value in row.items() if not (same and key in _ORIGIN)}


def _read(path: Path) -> dict[str, Any]:
    """Return what is there."""
    if not path.exists():
        return {"provenance": {}, "rows": []}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["provenance"]["kind"] != "nir":
            raise ValueError("it is of another kind")
        for row in found["rows"]:
            Row(**{key: value for key, value in row.items() if key not in _ORIGIN})
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ResultsError(f"Results file {path} must be one of NIR: {e}") from e
    return found
