"""Tables of the report for the README."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from prunus_docs.tables import table
from prunus_overhead.report.sources import Results
from prunus_overhead.report.tables import tables

__all__ = ["OVERHEAD_BLOCKS"]

_Contents = Mapping[str, dict[str, Any]]


def _table(name: str, shown: Callable[[Sequence[str]], bool], contents: _Contents) -> str:
    """Return a table of the report, some of its rows, and how its results were made."""
    (one,) = [one for one in tables(Results(content=dict(contents))) if one.name == name]
    text = table(one.headings, [row for row in one.rows if shown(row)])
    commands = [f"`{content['provenance']['command']}`" for content in contents.values()]
    return " ".join([f"{text}\n\n{one.note}", *([f"{'; '.join(commands)}."] if commands else [])])


def _any(_: Sequence[str]) -> bool:
    return True


#: Blocks by name: the kinds of results, and what is made of the first file of each. The tables of
#: others' figures are of none.
OVERHEAD_BLOCKS: dict[str, tuple[tuple[str, ...], Callable[[_Contents], str]]] = {
    name: (kinds, partial(_table, name, shown))
    for name, kinds, shown in (
        ("ablation", ("ablation",), _any),
        ("cells", ("cells",), _any),
        (
            "pruning-unit",
            ("energy", "cells"),
            lambda row: row[0] in ("adaptive", "lift"),
        ),
        ("savings", ("energy",), lambda row: row[2] in ("adaptive", "lift")),
        ("reasons", ("energy",), lambda row: row[1] == "800"),
        ("sensitivity", ("energy",), _any),
        ("peers", (), _any),
        ("peers-supervised", (), _any),
    )
}
