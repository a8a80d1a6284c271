"""Numbers on the command line, of all parts."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import click

__all__ = ["Number", "WholeNumber"]


class Number(click.FloatRange):
    """A number within a range; neither NaN, which click takes for one in any range, nor infinite.

    Examples
    --------
    >>> Number(min=0).convert("0.5", None, None)
    0.5
    """

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number.

        Raises
        ------
        click.BadParameter
            If it is none, infinite, or outside the range.
        """
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        # Comparisons with NaN are false.
        above = self.min is None or (number > self.min if self.min_open else number >= self.min)
        below = self.max is None or (number < self.max if self.max_open else number <= self.max)
        if not (math.isfinite(number) and above and below):
            self.fail(f"It must be {self._allowed()}, not {str(value)!r:.40}", param, ctx)
        return number

    def _allowed(self) -> str:
        """Return what is allowed, in words."""
        if self.min is None and self.max is None:
            return "a finite number"
        if None not in (self.min, self.max) and not (self.min_open or self.max_open):
            return f"a number in {self.min:g}..{self.max:g}"
        ends = []
        if self.min is not None:
            ends.append(f"{'above' if self.min_open else 'at least'} {self.min:g}")
        if self.max is not None:
            ends.append(f"{'below' if self.max_open else 'at most'} {self.max:g}")
        return f"a number {' and '.join(ends)}"


class WholeNumber(click.IntRange):
    """A whole number within a range, whose ends are in it.

    Examples
    --------
    >>> WholeNumber(1, 8).convert("3", None, None)
    3
    """

    name = "integer"

    def __init__(self, min: int | None = None, max: int | None = None) -> None:
        super().__init__(min=min, max=max)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number.

        Raises
        ------
        click.BadParameter
            If it is none, or outside the range.
        """
        try:
            number = int(value)
        except (TypeError, ValueError):
            self._refuse(value, param, ctx)
        if (self.min is not None and number < self.min) or (
            self.max is not None and number > self.max
        ):
            self._refuse(value, param, ctx)
        return number

    def _refuse(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoReturn:
        ends = ("" if end is None else str(end) for end in (self.min, self.max))
        match tuple(ends):
            case ("", ""):
                allowed = "a whole number"
            case (low, ""):
                allowed = f"a whole number of at least {low}"
            case ("", high):
                allowed = f"a whole number of at most {high}"
            case (low, high):
                allowed = f"a whole number in {low}..{high}"
        self.fail(f"It must be {allowed}, not {str(value)!r:.40}", param, ctx)
