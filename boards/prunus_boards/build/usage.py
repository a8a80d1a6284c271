"""What nextpnr and yosys tell of a finished design, and of constraints that were not met."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_boards.platforms.board import Flow

__all__ = ["Placement", "ignored_constraints", "read_placement", "usage"]

#: What nextpnr says of a constraint that it does not take, whatever the family.
_IGNORED = re.compile(
    r"ignoring clock constraint|ignoring (?:unsupported|trailing) ?\w* ?(?:LPF|PCF|SDC)|"
    r"ignoring PCF setting|unmatched constraint|invalid constraint|unsupported constraint",
    re.IGNORECASE,
)


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
    constraint_mhz : float
        The frequency that the tool was asked for, for that clock.
    path : (str, str)
        Both ends of the critical path, where it begins and where it ends; "" if not known.
    """

    seed: int
    fmax_mhz: float
    cells: Mapping[str, int]
    constraint_mhz: float
    path: tuple[str, str]


def ignored_constraints(log: str) -> list[str]:
    r"""Return the lines of a log of place and route that tell of constraints it has not taken.

    Examples
    --------
    >>> ignored_constraints("Info: ok\nWarning: unmatched constraint 'x' (on line 3)")
    ["Warning: unmatched constraint 'x' (on line 3)"]
    """
    return [line.strip() for line in log.splitlines() if _IGNORED.search(line)]


def read_placement(report: Path, *, seed: int) -> Placement:
    """Read the report that nextpnr writes.

    All that is clocked in a design is clocked by the core's clock; if the tool sees several, the
    slowest counts.
    """
    content: dict[str, Any] = json.loads(report.read_text())
    name, clock = min(content["fmax"].items(), key=lambda item: item[1]["achieved"])
    return Placement(
        seed=seed,
        fmax_mhz=round(clock["achieved"], 2),
        cells={kind: int(count["used"]) for kind, count in content["utilization"].items()},
        constraint_mhz=clock["constraint"],
        path=_critical_path(content, name),
    )


def _critical_path(content: Mapping[str, Any], clock: str) -> tuple[str, str]:
    """Return both ends of the critical path from a clock to itself: cell and pin of each."""
    for path in content.get("critical_paths", ()):
        edges = path["from"].split(), path["to"].split()
        if path["path"] and all(edge[-1:] == [clock] for edge in edges):
            start, end = path["path"][0]["from"], path["path"][-1]["to"]
            return f"{start['cell']}.{start['port']}", f"{end['cell']}.{end['port']}"
    return "", ""


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
