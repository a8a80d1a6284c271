"""What is proved: properties of a unit at one size; what came out of it, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring
from amaranth.lib.wiring import In

__all__ = ["Case", "CounterexampleError", "Properties"]


class CounterexampleError(AssertionError):
    """An assertion can fail, or a cover statement cannot be reached.

    Parameters
    ----------
    text : str
        What happened.
    property : str
        Message of the assertion or cover statement.
    vcd : Path, optional
        Waveform of the counterexample.
    """

    def __init__(self, text: str, *, property: str, vcd: Path | None) -> None:
        super().__init__(text)
        self.property = property
        self.vcd = vcd


class Properties(wiring.Component):
    """A unit together with assumptions, assertions and cover statements about it.

    Parameters
    ----------
    free : mapping of str to shape-like
        Inputs that may do anything in every cycle, as far as no assumption forbids it.
    probes : mapping of str to (str, shape-like), optional
        Inputs that are connected to internal signals of the unit, named by their path
        (``"unit.row"``). Only invariants for induction may use them.
    """

    def __init__(
        self, *, free: Mapping[str, Any], probes: Mapping[str, tuple[str, Any]] | None = None
    ) -> None:
        self.probes = {name: path for name, (path, _) in (probes or {}).items()}
        shapes = dict(free) | {name: shape for name, (_, shape) in (probes or {}).items()}
        super().__init__({name: In(shape) for name, shape in shapes.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One set of properties at one size, and how it is proved.

    Parameters
    ----------
    name : str
        Unit, and what is proved about it.
    sizes : str
        Sizes for which it is proved.
    build : callable
        Returns the properties.
    bmc : int
        Steps of the bounded proof.
    induction : int, optional
        Largest number of steps for induction. Default: bounded proof only.
    cover : int
        Steps in which all cover statements are reached.
    deep : int
        Steps of the bounded proof if a deep one is asked for; 0 means ``bmc``.
    minutes : int
        What it takes on one core, if more than about one minute: it is left out of the bounded set
        of tests, and if more than :data:`prunus_sim.formal.prove.MOST_MINUTES`, of the default run.
    """

    name: str
    sizes: str
    build: Callable[[], Properties]
    bmc: int
    induction: int | None = None
    cover: int
    deep: int = 0
    minutes: int = 0
