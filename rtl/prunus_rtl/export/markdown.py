"""Markdown of the documents of a package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["bit_range", "table"]


def bit_range(low: int, width: int) -> str:
    """Return the bits of a field, as in `7-0`."""
    if width == 0:
        return "none"
    return str(low) if width == 1 else f"{low + width - 1}-{low}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines: list[Sequence[object]] = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
