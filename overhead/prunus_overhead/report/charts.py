"""Charts as data: what is drawn, and where, in percent of the width. `charts.html.j2` draws them.

Positions in percent let a chart be as wide as the page while its text keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Axis", "Bar", "Bars", "Part", "Point", "Scatter", "Series", "Strip", "short"]

#: Steps of ticks within a decade.
_STEPS = (1, 2, 5, 10)
#: Ticks that an axis has at most.
_TICKS = 7
#: Room between the extremes and the ends of an axis that does not begin at 0.
_MARGIN = 0.08


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis.

    Parameters
    ----------
    label : str
        What it shows, with unit.
    least, most : float
        Its ends.
    log : bool
        Whether it is logarithmic; then ``least`` is more than 0.

    Examples
    --------
    >>> axis = Axis.around([12.0, 95.0], label="nJ", log=True)
    >>> axis.ticks
    [20, 50, 100]
    >>> round(axis.percent(100), 1)
    95.2
    """

    label: str
    least: float
    most: float
    log: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, label: str, log: bool = False) -> Axis:
        """Return an axis with room for all values."""
        low, high = min(values), max(values)
        if log:
            room = (high / low) ** _MARGIN if high > low else 1.2
            return cls(label=label, least=low / room, most=high * room, log=True)
        room = (high - low) * _MARGIN or abs(high) * _MARGIN or 1
        return cls(label=label, least=low - room, most=high + room)

    def percent(self, value: float) -> float:
        """Return where a value is, in percent of the axis."""
        least, most, at = self.least, self.most, value
        if self.log:
            least, most, at = math.log(least), math.log(most), math.log(value)
        return round(100 * (at - least) / (most - least), 3)

    @property
    def ticks(self) -> list[float]:
        """Round values on the axis: 1, 2 or 5 times a power of 10."""
        if self.log:
            first, last = math.floor(math.log10(self.least)), math.ceil(math.log10(self.most))
            every = [s * 10**k for k in range(first, last) for s in _STEPS[:3]]
            return [tick for tick in every if self.least <= tick <= self.most]
        step = self._step()
        first, last = math.ceil(self.least / step), math.floor(self.most / step)
        return [round(k * step, 10) for k in range(first, last + 1)]

    def _step(self) -> float:
        fine = (self.most - self.least) / _TICKS
        decade = math.pow(10, math.floor(math.log10(fine)))
        return next(s * decade for s in _STEPS if s * decade >= fine * 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point.

    Parameters
    ----------
    x, y : float
        Where.
    tip : str
        What is told when the pointer is over it.
    label : str
        What is written beside it.
    hollow : bool
        Whether it is drawn as a ring.
    """

    x: float
    y: float
    tip: str
    label: str = ""
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points of one colour, joined by a line in their order.

    Parameters
    ----------
    name : str
        As in the legend; also names the colour.
    points : sequence of Point
        The points.
    """

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Points over two axes.

    Parameters
    ----------
    title, caption : str
        Above and below the chart.
    x, y : Axis
        The axes.
    series : sequence of Series
        The points.
    rings : str
        What a ring stands for, if there is any.
    """

    title: str
    caption: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    rings: str = ""
    kind: Literal["scatter"] = "scatter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a stacked bar.

    Parameters
    ----------
    name : str
        As in the legend; also names the colour.
    value : float
        Its length.
    """

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stacked bar.

    Parameters
    ----------
    label : str
        What it is.
    parts : sequence of Part
        Its pieces, from the left.
    text : str
        What is written at its end. Default: the sum.
    """

    label: str
    parts: Sequence[Part]
    text: str = ""

    @property
    def total(self) -> float:
        """Sum of the pieces."""
        return sum(part.value for part in self.parts)

    @property
    def end(self) -> str:
        """What is written at its end."""
        return self.text or short(self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Stacked bars, one below the other.

    Parameters
    ----------
    title, caption : str
        Above and below the chart.
    unit : str
        Unit of the values.
    bars : sequence of Bar
        The bars.
    whole : float
        Length that takes the whole width. Default: that of the longest bar.
    """

    title: str
    caption: str
    unit: str
    bars: Sequence[Bar]
    whole: float = 0
    kind: Literal["bars"] = "bars"

    @property
    def stacked(self) -> bool:
        """Whether any bar has more than one piece, so that colours must be explained."""
        return any(len(bar.parts) > 1 for bar in self.bars)

    @property
    def legend(self) -> list[str]:
        """Names of all pieces, in the order in which they first occur."""
        return list(dict.fromkeys(part.name for bar in self.bars for part in bar.parts))

    def placed(self, bar: Bar) -> list[tuple[Part, float, float]]:
        """Return for each piece of a bar where it begins and how long it is, in percent."""
        most = self.whole or max(other.total for other in self.bars) or 1
        placed, start = [], 0.0
        for part in bar.parts:
            width = 100 * part.value / most
            placed.append((part, round(start, 3), round(width, 3)))
            start += width
        return placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Rows of dots on one axis, each with a mark at its median.

    Parameters
    ----------
    title, caption : str
        Above and below the chart.
    x : Axis
        The axis.
    rows : sequence of (label, colour, values)
        One row of dots each.
    """

    title: str
    caption: str
    x: Axis
    rows: Sequence[tuple[str, str, Sequence[float]]]
    kind: Literal["strip"] = "strip"
