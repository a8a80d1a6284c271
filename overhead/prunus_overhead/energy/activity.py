"""Class c, switching activity: what has been measured is in the results; it is looked up here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["CELLS", "HOW_TO_GET", "activity_rows", "matching"]

#: Where the measurements of class c are, in the checkout.
CELLS = Path("overhead/results/cells.json")
#: What to do if there are none.
HOW_TO_GET = (
    "class c needs a liberty file and a C++ compiler: apt install qflow-tech-osu018 g++ perl, then "
    "`make cells`"
)


def activity_rows(path: Path = CELLS) -> list[dict[str, Any]]:
    """Return all rows of class c; none if they were never measured.

    Parameters
    ----------
    path : Path
        Results file.
    """
    if not path.exists():
        return []
    content = json.loads(path.read_text())
    return [row for row in content.get("energy", []) if row["class"] == "c"]


def matching(
    rows: Sequence[Mapping[str, Any]],
    *,
    mode: str,
    policy: str,
    neurons: int,
    early_exit: int,
) -> list[Mapping[str, Any]]:
    """Return the rows for a network of this kind, without those in which nothing may be pruned."""
    wanted = {"mode": mode, "policy": policy, "neurons": neurons, "early_exit": early_exit}
    return [
        row
        for row in rows
        if all(row.get(key) == value for key, value in wanted.items())
        and not row.get("same_decisions")
    ]
