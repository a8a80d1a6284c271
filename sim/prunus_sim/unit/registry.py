"""Unit benches: which there are, and how each is run."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunus_sim.simulator.runner import run_bench

__all__ = ["UNITS", "cases_of", "run_unit"]

#: Modules of :mod:`prunus_sim.unit` that have a component and cases.
UNITS = (
    "rate",
    "refractory",
    "broadcast_fifo",
    "dense",
    "packed",
    "array",
    "feedforward",
    "threshold",
    "stdp",
    "pruning",
    "trace",
    "lift",
    "readout",
    "memory_port",
    "prng",
)


def _module(unit: str) -> Any:
    return importlib.import_module(f"prunus_sim.unit.{unit}")


def cases_of(unit: str) -> Sequence[str]:
    """Return the names of the cases of a bench."""
    return tuple(_module(unit).CASES)


def run_unit(unit: str, case: str, folder: Path, *, seeds: int = 3) -> int:
    """Build a unit for a case, and run its bench.

    Parameters
    ----------
    unit : str
        One of :data:`UNITS`.
    case : str
        One of :func:`cases_of`.
    folder : Path
        Where everything is written; it is emptied first.
    seeds : int
        How many seeds, from ``SEED`` on.

    Returns
    -------
    int
        Tests that have passed.

    Raises
    ------
    BenchError
        If one fails.
    """
    component = _module(unit).component(case)
    env = {"CASE": case, "SEEDS": str(seeds)}
    return run_bench(component, bench=unit, build_dir=folder, env=env)
