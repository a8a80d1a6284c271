"""A table of the report, and how its cells are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prunus_model.common.provenance import UNKNOWN

__all__ = ["Row", "Table", "comparable", "count", "percent", "short"]

#: A row of a results file.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Parameters
    ----------
    name : str
        How other documents call it.
    title : str
        Above it.
    headings : sequence of str
        One for each column.
    rows : sequence of sequences of str
        The cells.
    text : sequence of int
        Columns of prose, which may wrap, beside the first.
    note : str
        Below it.
    """

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: Sequence[int] = ()
    note: str = ""


def comparable(row: Row, other: Row) -> bool:
    """Return whether two rows are of the same inputs, so that one may be divided by the other.

    Where a digest is not known, they must be of the same commit.
    """
    if row["inputs"] != other["inputs"]:
        return False
    return UNKNOWN not in row["inputs"].values() or row["commit"] == other["commit"]


def count(value: float | None) -> str:
    """Return a whole number, or what stands for none.

    Examples
    --------
    >>> count(12345.6), count(None)
    ('12,346', '--')
    """
    return "--" if value is None else f"{value:,.0f}"


def percent(share: float) -> str:
    """Return a share in percent, with one digit; nothing is never less than nothing.

    Examples
    --------
    >>> percent(0.12345), percent(-0.0001)
    ('12.3 %', '0.0 %')
    """
    # Adding 0 makes a positive zero of a negative one.
    return f"{round(100 * share, 1) + 0.0:.1f} %"


def short(value: float) -> str:
    """Return a figure in at most three digits, if it has no more before the point.

    Examples
    --------
    >>> [short(x) for x in (0, 0.04567, 3.14159, 31.4159, 314.159, 31415.9, 2e6)]
    ['0', '0.0457', '3.14', '31.4', '314', '31,416', '2,000,000']
    """
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
