"""The file of the ablation: rows of several runs, each with what it is of."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ABLATION", "keep_rows"]

Row = dict[str, Any]

#: Where it is, in the checkout.
ABLATION = Path("overhead/results/ablation.json")
#: What a row says of itself where it differs from the file.
_OWN = ("command", "commit", "inputs")


def keep_rows(
    path: Path, head: Mapping[str, Any], rows: Sequence[Row], *, key: Callable[[Row], Hashable]
) -> list[Row]:
    """Return new rows and those of a file that they do not replace.

    Rows of the file that are of other inputs than the new ones keep theirs, with the command and
    the commit that they were made by.

    Parameters
    ----------
    path : Path
        The file; need not be there.
    head : mapping
        Header of the new rows, as of :func:`prunus_model.common.provenance.header`.
    rows : sequence of dict
        The new rows.
    key : function
        Equal for rows of the same core.

    Returns
    -------
    list of dict
        Kept rows, then new ones.
    """
    if not path.exists():
        return list(rows)
    content = json.loads(path.read_text())
    replaced = {key(row) for row in rows}
    kept = []
    for row in content["rows"]:
        if key(row) in replaced:
            continue
        own = {name: row.get(name, content["provenance"][name]) for name in _OWN}
        bare = {name: value for name, value in row.items() if name not in _OWN}
        kept.append(bare if own["inputs"] == head["inputs"] else bare | own)
    return [*kept, *rows]
