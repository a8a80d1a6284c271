"""Tables of the results files in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["origin", "table"]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    """Return a table: names to the left, then numbers, or text."""
    other = "---:" if numbers else "---"
    lines = [headings, ["---"] + [other] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def origin(results: dict[str, Any]) -> str:
    """Return by which command results were made, and with which versions."""
    header = results["provenance"]
    return ", ".join([f"`{header['command']}`", *(f"{n} {v}" for n, v in header["tools"].items())])
