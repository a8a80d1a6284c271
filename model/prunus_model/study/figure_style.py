"""Colours, marks and columns that figures share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["color_of", "column", "marker_of"]

#: The same policy has the same colour in every figure.
_COLORS = {
    "none": "C7",
    "not pruned": "C7",
    "adaptive": "C1",
    "ramp and cap": "C1",
    "lift": "C3",
    "constant": "C0",
    "soft": "C2",
    "post": "C4",
}
#: What :func:`prunus_model.study.statistics.by_series` adds to a name.
_SCHEDULE = re.compile(r", \d+ epochs$")
_MARKS = "o^sD"
_OTHERS = (
    "C5",
    "C6",
    "C8",
    "C9",
    "navy",
    "darkgreen",
    "gold",
    "deeppink",
    "black",
    "teal",
    "indigo",
    "chocolate",
    "steelblue",
    "crimson",
    "olive",
)


def color_of(name: str, values: dict[str, Any]) -> str:
    """Return the colour of a series; the same for all schedules of a policy."""
    rules = [_SCHEDULE.sub("", other) for other in values["series"]]
    others = [rule for rule in dict.fromkeys(rules) if rule not in _COLORS]
    rule = _SCHEDULE.sub("", name)
    return _COLORS.get(rule) or _OTHERS[others.index(rule) % len(_OTHERS)]


def marker_of(name: str, values: dict[str, Any]) -> str:
    """Return the mark of the points of a series, which tells its schedule."""
    found = [_SCHEDULE.search(other) for other in values["series"]]
    schedules = list(dict.fromkeys(match[0] if match else "" for match in found))
    match = _SCHEDULE.search(name)
    return _MARKS[schedules.index(match[0] if match else "") % len(_MARKS)]


def column(points: Sequence[dict[str, Any]], name: str) -> list[float]:
    """Return a value of each point of a series."""
    return [float(point[name]) for point in points]
