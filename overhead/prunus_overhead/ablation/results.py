"""The file of the ablation and of the energy of networks: each is written beside the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_json

__all__ = ["OVERHEAD", "keep_part", "own_rows"]

#: Where it is, in the checkout; and where rows of standard cells come from.
OVERHEAD = Path("overhead/results/overhead.json")
_CELLS = "cells.json"
_SHARED = ("ablation", "energy")


def keep_part(path: Path, *, command: str, versions: dict[str, str], **parts: Any) -> None:
    """Write some parts of the results; others stay as they are.

    Rows of standard cells are copied from ``cells.json`` beside it, so that all are in one file;
    they say so (``"from"``).

    Parameters
    ----------
    path : Path
        The file.
    command : str
        Which has made these parts.
    versions : dict of str to str
        With which versions.
    **parts
        Parts by name.
    """
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    commands = content.get("commands", {}) | dict.fromkeys(parts, command)
    old = content.get("versions", {})
    kept = {name: value for name, value in content.items() if name not in ("command", "commands")}
    kept = {"commands": commands} | kept | {"versions": old | versions} | parts
    cells = path.parent / _CELLS
    if cells.exists():
        copied = json.loads(cells.read_text())
        for name in _SHARED:
            rows = [row | {"from": _CELLS} for row in copied.get(name, [])]
            kept[name] = own_rows(kept.get(name, [])) + rows
    write_json(path, {"command": "; ".join(dict.fromkeys(commands.values()))} | kept)


def own_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that were not copied from ``cells.json``."""
    return [row for row in rows if row.get("from") != _CELLS]
