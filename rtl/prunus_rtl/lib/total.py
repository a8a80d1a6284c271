"""Sum of several numbers, by a tree of adders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["total"]


def total(values: Sequence[Any]) -> Any:
    """Return the sum of one or more values: neighbours are added, then their sums, and so on.

    Examples
    --------
    >>> total([1, 2, 3, 4, 5])
    15
    """
    while len(values) > 1:
        values = [sum(values[k + 1 : k + 2], values[k]) for k in range(0, len(values), 2)]
    return values[0]
