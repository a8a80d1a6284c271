"""A standard cell: area, pins, capacitances, energy per transition, leakage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Cell", "Pin", "Power", "Table"]


def _check_finite(of: Table | Pin | Cell, *names: str) -> None:
    for name in names:
        if not np.isfinite(getattr(of, name)).all():
            raise ValueError(f"{name} must be finite, not {np.ravel(getattr(of, name)).tolist()}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Energy of a transition by load of the output and transition time of the input.

    Attributes
    ----------
    loads : ndarray of float, shape (rows,)
        Loads in pF; one entry if the energy does not depend on the load.
    slews : ndarray of float, shape (columns,)
        Transition times in ns; likewise.
    energy : ndarray of float, shape (rows, columns)
        Energy in pJ.

    Raises
    ------
    ValueError
        If a number is not finite.
    """

    loads: npt.NDArray[np.float64]
    slews: npt.NDArray[np.float64]
    energy: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_finite(self, "loads", "slews", "energy")

    def at(self, load: float, slew: float) -> float:
        """Return the energy in pJ: bilinear in the table, constant beyond its ends."""
        by_load = [float(np.interp(slew, self.slews, row)) for row in self.energy]
        return float(np.interp(load, self.loads, by_load))


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """A group ``internal_power``: energy of a rising and of a falling transition of a pin.

    Attributes
    ----------
    rise, fall : Table or None
        Energies; None counts as 0.
    """

    rise: Table | None
    fall: Table | None

    def both(self, load: float, slew: float) -> float:
        """Return the energy in pJ of a rising and a falling transition together."""
        return sum(table.at(load, slew) for table in (self.rise, self.fall) if table is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pin of a cell.

    Attributes
    ----------
    name, direction : str
        ``direction`` is "input", "output", "inout" or "internal".
    capacitance : float
        pF.
    clock : bool
        Whether it clocks the cell.
    three_state : bool
        Whether the output can be switched off.
    function : str
        Function of an output; empty if there is none.
    powers : tuple of Power
        Energies of its transitions, one for each pin that may have caused them.
    max_load : float
        pF that an output may drive; infinite if the file does not tell.
    gating : str
        What it is of a clock gate: "clock", "enable", "test", or "out"; empty in other cells.

    Raises
    ------
    ValueError
        If the capacitance is not finite.
    """

    name: str
    direction: str
    capacitance: float
    clock: bool
    three_state: bool
    function: str
    powers: tuple[Power, ...]
    max_load: float = np.inf
    gating: str = ""

    def __post_init__(self) -> None:
        _check_finite(self, "capacitance")

    def transition(self, load: float, slew: float) -> float:
        """Return the energy in pJ of one transition: mean of rise and fall, and of all causes."""
        if not self.powers:
            return 0.0
        return sum(power.both(load, slew) for power in self.powers) / (2 * len(self.powers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell.

    Attributes
    ----------
    name : str
    area : float
        In um2.
    leakage : float
        In W.
    sequential : bool
        Whether it is a flip-flop, a latch or a clock gate.
    latch : str
        The pin while which is high data passes through; empty if it is no latch, or a latch of
        another kind.
    gate : str
        Kind of the clock gate (``clock_gating_integrated_cell``); empty if it is none.
    pins : dict of str to Pin

    Raises
    ------
    ValueError
        If area or leakage is not finite.
    """

    name: str
    area: float
    leakage: float
    sequential: bool
    pins: Mapping[str, Pin]
    latch: str = ""
    gate: str = ""

    def __post_init__(self) -> None:
        _check_finite(self, "area", "leakage")
