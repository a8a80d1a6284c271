"""Budgets of the design, and whether what was measured keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from prunus_model.cli.common import new_table

__all__ = ["Budget", "table_of", "verdicts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One figure with its limits.

    Attributes
    ----------
    figure : str
        What is limited.
    must, reach : float
        What has to be kept, and what is hoped for.
    value : float
        What was measured.
    least : bool
        Whether the limits are lower ones.
    """

    figure: str
    must: float
    reach: float
    value: float
    least: bool = False

    @property
    def verdict(self) -> str:
        """``missed``, ``kept`` or ``reached``."""
        sign = -1 if self.least else 1
        if sign * self.value > sign * self.must:
            return "missed"
        return "reached" if sign * self.value <= sign * self.reach else "kept"


def verdicts(budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """Return budgets with their verdicts, as they are written to a file of results."""
    return [asdict(budget) | {"verdict": budget.verdict} for budget in budgets]


def table_of(found: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of what :func:`verdicts` has given."""
    table = new_table("", "budget", "must", "reach", "measured", "verdict")
    for row in found:
        numbers = (f"{row[key]:,.10g}" for key in ("must", "reach", "value"))
        table.add_row(row["figure"], *numbers, row["verdict"])
    return table
