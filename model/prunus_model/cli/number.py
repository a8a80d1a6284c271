"""Numbers on the command line, of all parts."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["Number"]


class Number(click.FloatRange):
    """A number within a range; neither NaN, which click takes for one in any range, nor infinite.

    Examples
    --------
    >>> Number(min=0).convert("0.5", None, None)
    0.5
    """

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
            self.fail(f"It must be {self._allowed()}, not {str(value)!r}", param, ctx)
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
