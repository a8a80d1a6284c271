"""What nextpnr and yosys tell of a finished design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_boards.platforms.board import Flow

__all__ = ["Placement", "read_placement", "usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One attempt to place and route.

    Attributes
    ----------
    seed : int
        Seed of the attempt.
    fmax_mhz : float
        Highest frequency of the core's clock.
    cells : dict of str to int
        Cells used, by kind.
    """

    seed: int
    fmax_mhz: float
    cells: Mapping[str, int]


def read_placement(report: Path, *, seed: int) -> Placement:
    """Read the report that nextpnr writes.

    All that is clocked in a design is clocked by the core's clock; if the tool sees several, the
    slowest counts.
    """
    content: dict[str, Any] = json.loads(report.read_text())
    return Placement(
        seed=seed,
        fmax_mhz=round(min(clock["achieved"] for clock in content["fmax"].values()), 2),
        cells={kind: int(count["used"]) for kind, count in content["utilization"].items()},
    )


def usage(flow: Flow, placed: Mapping[str, int], synthesised: Mapping[str, int]) -> dict[str, int]:
    """Return how much of each figure of a report a design takes.

    Parameters
    ----------
    flow : Flow
        Tells which cells count.
    placed, synthesised : dict of str to int
        Cells by kind, from nextpnr and from yosys.
    """
    return {
        figure: sum(
            count
            for kind, count in (synthesised if figure == "ff" else placed).items()
            if kind.lstrip("\\").startswith(kinds)
        )
        for figure, kinds in flow.cells.items()
    }
