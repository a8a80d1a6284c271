"""Tables of the report for the README."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from prunus_docs.tables import table
from prunus_overhead.report.sources import SOURCES, read_results
from prunus_overhead.report.table import Table
from prunus_overhead.report.tables import tables

__all__ = ["BLOCKS", "overhead_blocks"]

#: Tables in the README, with what makes them and which of their rows are shown.
BLOCKS: dict[str, tuple[str, Callable[[Sequence[str]], bool]]] = {
    "ablation": ("ablation", lambda _: True),
    "cells": ("cells", lambda _: True),
    "pruning-unit": ("energy", lambda row: row[0] in ("adaptive", "adaptive + redundancy")),
    "savings": ("energy", lambda row: row[2] in ("adaptive", "adaptive + redundancy")),
    "reasons": ("energy", lambda row: row[1] == "800"),
    "sensitivity": ("energy", lambda _: True),
    "peers": ("", lambda _: True),
    "peers-supervised": ("", lambda _: True),
}


def overhead_blocks(root: Path) -> dict[str, str]:
    """Return each table in Markdown, or what to run for it.

    Parameters
    ----------
    root : Path
        The checkout.
    """
    results = read_results(root)
    found = {one.name: one for one in tables(results)}
    targets = {source.name: source.target for source in SOURCES}
    blocks = {}
    for name, (source, shown) in BLOCKS.items():
        if name not in found:
            blocks[name] = f"Not measured yet: `{targets[source]}`."
            continue
        made = results.content.get(source, {})
        command = made.get("commands", {}).get(source, made.get("command", ""))
        blocks[name] = _markdown(found[name], shown, command)
    return blocks


def _markdown(one: Table, shown: Callable[[Sequence[str]], bool], command: str) -> str:
    text = table(one.headings, [row for row in one.rows if shown(row)])
    origin = f" `{command}`." if command else ""
    return f"{text}\n\n{one.note}{origin}"
