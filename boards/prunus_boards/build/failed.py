"""Builds that are not good enough: what is wrong with them, and the evidence that is kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from prunus_boards.build.usage import Placement, ignored_constraints
from prunus_boards.platforms.board import Board
from prunus_model.common.atomic import staged, write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.manifest import MANIFEST, check_replaceable, digests

__all__ = [
    "FAILED",
    "TIMING",
    "BuildError",
    "check_clock",
    "check_constraints",
    "check_failed",
    "failed_folder",
    "keep_failed",
]

#: Log of place and route in the folder of a build, and what stands there in place of a report if
#: the design is not good enough.
TIMING, FAILED = "timing.log", "failed.json"
_FORMAT, _WHAT = "prunus failed build", "failed build"
_SUFFIX = "-failed"
#: By how much nextpnr may differ from a frequency that it is asked for: it counts picoseconds.
_ROUNDING = 1e-3


class BuildError(PrunusError):
    """A design was built, but is not good enough."""


def failed_folder(folder: Path) -> Path:
    """Return where the evidence of a build is kept that is not good enough.

    Examples
    --------
    >>> failed_folder(Path("build/icebreaker/inference-400"))
    PosixPath('build/icebreaker/inference-400-failed')
    """
    return folder.with_name(folder.name + _SUFFIX)


def check_failed(folder: Path) -> None:
    """Check that the evidence of a build could replace what is there.

    Raises
    ------
    ConfigError
        If that is anything but an older failed build.
    """
    check_replaceable(failed_folder(folder), format=_FORMAT, what=_WHAT)


def check_constraints(
    placements: Sequence[Placement], tool: str, folder: Path, clock_hz: int
) -> None:
    """Check that a tool has taken all constraints, and has been asked for the clock.

    Parameters
    ----------
    placements : sequence of Placement
        All attempts. Their logs are in ``folder``.
    tool : str
        What has placed and routed.
    folder : Path
        Where it has worked.
    clock_hz : int
        Clock of the core.

    Raises
    ------
    BuildError
        With what the tool says.
    """
    for placement in placements:
        log = (folder / f"seed{placement.seed}.tim").read_text(errors="replace")
        if ignored := ignored_constraints(log):
            raise BuildError(f"{tool} must take all constraints, not say: {ignored[0]}")
        asked = clock_hz / 1e6
        if abs(placement.constraint_mhz - asked) > _ROUNDING * asked:
            raise BuildError(
                f"{tool} must be asked for the clock of {asked:g} MHz, "
                f"not for {placement.constraint_mhz:g} MHz"
            )


def check_clock(placements: Sequence[Placement], best: Placement, clock_hz: int) -> None:
    """Check that the best of all attempts reaches the clock.

    Raises
    ------
    BuildError
        If it does not; names both ends of its critical path.
    """
    if best.fmax_mhz * 1e6 >= clock_hz:
        return
    many = f"best of {len(placements)} seeds" if len(placements) > 1 else "design"
    start, end = best.path
    raise BuildError(
        f"Clock of {clock_hz / 1e6:g} MHz must be met, but the {many} reaches "
        f"{best.fmax_mhz:.1f} MHz"
        + (f", from {start} to {end}" if start else "")
        + "; try a slower `--clock`, or more `--seeds`"
    )


def keep_failed(
    folder: Path,
    build_folder: Path,
    board: Board,
    placements: Sequence[Placement],
    best: Placement,
    clock_hz: int,
    reason: str,
) -> Path:
    """Keep what tells why a design is not good enough: timing log, constraints, figures.

    Parameters
    ----------
    folder : Path
        Where the build would have been; an older failed one beside it is replaced.
    build_folder : Path
        Where the tools have worked.
    board, placements, best, clock_hz
        What was built, all attempts, and the fastest.
    reason : str
        What is wrong.

    Returns
    -------
    Path
        The folder.
    """
    kept = failed_folder(folder)
    with staged(kept) as work:
        shutil.copy(build_folder / f"seed{best.seed}.tim", work / TIMING)
        for suffix in ("lpf", "pcf", "cst", "sdc"):
            for constraints in build_folder.glob(f"*.{suffix}"):
                shutil.copy(constraints, work / constraints.name)
        content = {
            "board": board.name,
            "device": board.device,
            "reason": reason,
            "clock_mhz": clock_hz / 1e6,
            "fmax_mhz": [placement.fmax_mhz for placement in placements],
            "seeds": [placement.seed for placement in placements],
            "critical_path": list(best.path),
            "cells": dict(best.cells),
        }
        write_json(work / FAILED, content)
        write_json(work / MANIFEST, {"format": _FORMAT, "files": digests(work)})
        # Again, as the build has taken a while.
        check_failed(folder)
    return kept
