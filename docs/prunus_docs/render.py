"""What the documents show of the results: blocks between markers, written from results files.

A block stands between ``<!-- name -->`` and ``<!-- /name -->``, on lines of its own or within one.
Whether its results are of today is found out here and written behind it, never by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from prunus_docs.boards import BOARDS_BLOCKS, boards_table
from prunus_docs.freshness import age
from prunus_docs.hardware import HARDWARE_BLOCKS
from prunus_docs.kinds import kinds
from prunus_docs.model import MODEL_BLOCKS
from prunus_docs.overhead import OVERHEAD_BLOCKS
from prunus_docs.results import Results, read
from prunus_docs.study import REPRODUCTION_BLOCKS
from prunus_docs.templates import filled_by
from prunus_model.common.errors import PrunusError, ResultsError

__all__ = ["BLOCKS", "block", "documents", "rendered"]

_Found = Mapping[str, list[dict[str, Any]]]
_MARKER = re.compile(r"<!-- (/?)([a-z-]+) -->")


def _one(kind: str, write: Callable[[dict[str, Any]], str]) -> Callable[[_Found], str]:
    return lambda found: write(found[kind][0])


def _all(kind: str, write: Callable[[list[dict[str, Any]]], str]) -> Callable[[_Found], str]:
    return lambda found: write(found[kind])


def _first(write: Callable[[Mapping[str, dict[str, Any]]], str]) -> Callable[[_Found], str]:
    return lambda found: write({name: contents[0] for name, contents in found.items()})


#: All blocks by name: the kinds of results that one is made of, and how it is written.
BLOCKS: Mapping[str, tuple[tuple[str, ...], Callable[[_Found], str]]] = {
    **{n: ((kind,), _one(kind, f)) for n, (kind, f) in MODEL_BLOCKS.items()},
    **{n: ((kind,), _one(kind, f)) for n, (kind, f) in HARDWARE_BLOCKS.items()},
    **{n: (("reproduction",), _one("reproduction", f)) for n, f in REPRODUCTION_BLOCKS.items()},
    **{n: ((kind,), _all(kind, f)) for n, (kind, f) in BOARDS_BLOCKS.items()},
    **{n: (of, _first(f)) for n, (of, f) in OVERHEAD_BLOCKS.items()},
    "boards": ((), lambda _: boards_table()),
    "attack": (("attack",), _one("attack", partial(filled_by, "attack"))),
}


def block(name: str, root: Path, *, inline: bool) -> str:
    """Return a block, with the age of its results if they are not of today.

    Parameters
    ----------
    name : str
        A key of :data:`BLOCKS`.
    root : Path
        The checkout.
    inline : bool
        Whether it stands within a line.

    Raises
    ------
    ResultsError
        If a results file has not the form of its kind, or not the rows that the block shows.
    """
    of, write = BLOCKS[name]
    found: dict[str, list[Results]] = {}
    for kind in (kinds()[one] for one in of):
        found[kind.name] = [read(path, kind) for path in kind.paths(root)]
        if not found[kind.name]:
            return f"Not measured yet: `{kind.command}`."
    contents = {kind: [one.content for one in results] for kind, results in found.items()}
    try:
        text = write(contents)
    except (ArithmeticError, LookupError, TypeError, UndefinedError, ValueError) as e:
        files = ", ".join(kinds()[kind].files for kind in of)
        raise ResultsError(
            f"Results {files} must have all rows that block {name} is made of, and not {e!r}"
        ) from e
    told = age([one for results in found.values() for one in results])
    if not told:
        return text
    return f"{text} ({told})" if inline else f"{text}\n\n*{told[0].upper()}{told[1:]}.*"


def documents(root: Path) -> list[Path]:
    """Return the documents that have blocks: the README of the project and of each part."""
    return [root / "README.md", *sorted(root.glob("*/README.md"))]


def rendered(text: str, root: Path) -> str:
    """Return a document with every block renewed.

    Parameters
    ----------
    text : str
        The document.
    root : Path
        The checkout.

    Raises
    ------
    PrunusError
        If a marker is not the one of a block, or one is opened and not closed, or the reverse.
    """
    pieces, at = [], 0
    markers = iter(_MARKER.finditer(text))
    for opening in markers:
        name = opening[2]
        if opening[1] or name not in BLOCKS:
            raise PrunusError(f"Marker {opening[0]} must open a block: {', '.join(sorted(BLOCKS))}")
        closing = next(markers, None)
        if closing is None or (closing[1], closing[2]) != ("/", name):
            raise PrunusError(f"Marker {opening[0]} must be followed by <!-- /{name} -->")
        inline = not text.startswith("\n", opening.end())
        new = block(name, root, inline=inline)
        pieces += [text[at : opening.end()], new if inline else f"\n{new}\n"]
        at = closing.start()
    return "".join([*pieces, text[at:]])
