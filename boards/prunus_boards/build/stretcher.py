"""Makes pulses long enough to be seen."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Stretcher"]


class Stretcher(wiring.Component):
    """Makes pulses longer.

    Timing
    ------
    ``o`` rises one cycle after ``i``, and falls ``cycles`` cycles later than it would without this:
    a pulse of ``n`` cycles becomes one of ``n + cycles``; if the next one begins before its end,
    they are one. No combinational path.

    Parameters
    ----------
    cycles : int
        How much longer. At least 1.

    Members
    -------
    i : In(1)
        Pulses.
    o : Out(1)
        Longer ones.
    """

    def __init__(self, *, cycles: int) -> None:
        if cycles < 1:
            raise ValueError(f"Cycles must be 1 or more, not {cycles}")
        self._cycles = cycles
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        # Counts upwards, as all its bits are then cleared together, and the carry is one chain.
        past = Signal(range(self._cycles + 1))
        with m.If(self.i):
            m.d.sync += [past.eq(0), self.o.eq(1)]
        with m.Elif(past == self._cycles):
            m.d.sync += self.o.eq(0)
        with m.Else():
            m.d.sync += past.eq(past + 1)
        return m
