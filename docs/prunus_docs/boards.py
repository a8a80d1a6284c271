"""Tables of boards: what can be built for, what was built, and how it was compared."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from prunus_boards.platforms import BOARDS
from prunus_docs.templates import filled, filled_by

__all__ = ["BOARDS_BLOCKS", "boards_table"]

_Files = Sequence[dict[str, Any]]

#: Accelerators of others, and their milliseconds per MNIST image as their authors give them.
_PEERS = (("Spiker+", 0.78), ("Flexi-NeurA", 1.1))


def _bitstreams(results: _Files) -> str:
    """Return the table of all builds, and below it what was refused."""
    return filled(
        "bitstreams",
        built=_built(results),
        refused=[r for r in results if "refused" in r],
        tools=sorted({version for r in results for version in r["provenance"]["tools"].values()}),
    )


def _times(results: _Files) -> str:
    """Return the table of the times of an inference, and those of others below it."""
    built = _built(results)
    return filled("times", built=built, peers=_PEERS)


def _former(results: _Files) -> str:
    """Return the table of builds as they were before the gateware was made faster, and as now."""
    text = (files("prunus_docs") / "former_builds.toml").read_text(encoding="utf-8")
    former = {_which(r): r for r in tomllib.loads(text)["builds"]}
    pairs = [(former[_which(r)], r) for r in _built(results) if _which(r) in former]
    return filled("former-builds", pairs=pairs)


def _which(build: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a build is of: the same before and now, with whatever lanes."""
    return build["board"], build["mode"], build["neurons"], build.get("groups")


def _built(results: _Files) -> list[dict[str, Any]]:
    """Return the results of what was built, in the order of the tables."""
    order = list(BOARDS)
    return sorted(
        (r for r in results if "refused" not in r),
        key=lambda r: (order.index(r["board"]), r["mode"], -r["neurons"]),
    )


def boards_table() -> str:
    """Return the table of all boards."""
    return filled("boards", boards=list(BOARDS.values()))


#: Blocks by name: the kind of results, and what is made of its files.
BOARDS_BLOCKS: dict[str, tuple[str, Callable[[_Files], str]]] = {
    "bitstreams": ("bitstream", _bitstreams),
    "times": ("bitstream", _times),
    "former-builds": ("bitstream", _former),
    "netlist": ("netlist", lambda found: "\n\n".join(filled_by("netlist", f) for f in found)),
    "link": ("link", lambda found: filled_by("link", found[0])),
    "throughput": ("throughput", lambda found: filled_by("throughput", found[0])),
    "live": ("live", lambda found: filled_by("live", found[0])),
    "gating": ("gating", lambda found: filled_by("gating", found[0])),
    "standard-cells": ("cells", lambda found: filled_by("standard-cells", found[0])),
}
