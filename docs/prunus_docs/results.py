"""Results files, read and checked."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prunus_docs.forms import Header, Origin
from prunus_docs.kinds import Kind
from prunus_docs.schemas import SCHEMAS
from prunus_model.common.errors import ResultsError

__all__ = ["Results", "read"]


@dataclass(frozen=True, slots=True)
class Results:
    """A results file that has the form of its kind.

    Attributes
    ----------
    provenance : Origin
        Its header.
    content : dict
        All of it, as JSON.
    """

    provenance: Origin
    content: dict[str, Any]

    def origins(self) -> Iterator[Origin]:
        """Yield the header, and what rows say of themselves instead."""
        yield self.provenance
        lists = (rows for rows in self.content.values() if isinstance(rows, list))
        for row in (row for rows in lists for row in rows if isinstance(row, dict)):
            # In an attack, inputs are files, and their number.
            if isinstance(row.get("inputs"), dict):
                own = {name: row[name] for name in ("command", "commit", "inputs") if name in row}
                yield self.provenance.model_copy(update=own)


def read(path: Path, kind: Kind) -> Results:
    """Read a results file and check its form.

    Parameters
    ----------
    path : Path
        The file.
    kind : Kind
        What it must be.

    Raises
    ------
    ResultsError
        If it is not JSON, of another kind, or a value is missing or wrong: the first is named.
    OSError
        If it can't be read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as e:
        raise ResultsError(f"Results {path} must be JSON; make them with `{kind.command}`") from e
    try:
        provenance = Header.model_validate(content).provenance
        if provenance.kind != kind.name:
            raise ResultsError(
                f"Results {path} must be of kind {kind.name}, not {provenance.kind}; make them "
                f"with `{kind.command}`"
            )
        SCHEMAS[kind.name].model_validate(content)
    except ValidationError as e:
        raise ResultsError(f"Results {path}: {_wrong(e)}; make them with `{kind.command}`") from e
    return Results(provenance, content)


def _wrong(error: ValidationError) -> str:
    """Return the first thing that is wrong: where it is, and what is allowed there."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "content"
    match first["type"]:
        case "missing":
            return f"{where} must be there"
        case "extra_forbidden":
            return f"{where} is no key of this kind"
    return f"{where}: {first['msg']}, not {reprlib.repr(first['input'])}"
