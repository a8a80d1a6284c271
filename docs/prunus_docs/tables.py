"""Tables of the results files in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["origin", "table", "versions"]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: names to the left, then numbers."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def versions(results: dict[str, Any]) -> str:
    """Return with which versions results were made."""
    return ", ".join(f"{name} {value}" for name, value in results["provenance"]["tools"].items())


def origin(results: dict[str, Any]) -> str:
    """Return by which command results were made, and with which versions."""
    return f"`{results['provenance']['command']}`, {versions(results)}"
