"""Activity of each input, as the learning sweeps have seen it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.formats import ACTIVITY_BITS, SHARE_BITS
from prunus_rtl.shapes import Access, Shapes
from prunus_rtl.state_memory import StateMemory

__all__ = ["InputActivity"]


class InputActivity(wiring.Component):
    """Running share of the learning sweeps in which each input was recently active.

    Equals :func:`prunus_model.pruning.moved_activity`: up is down seen from the other end, so that
    both are one subtraction between two rows of exclusive ors.

    Timing
    ------
    ``share`` is valid one cycle after ``read``, until the next; ``recent`` is needed then, and the
    new word is written at the end of that cycle. One input per cycle; not the same twice in a row.
    Clock domain ``sync``. Memory: one word per input, not cleared by reset; reads come from the
    sweep, one for each input, and so do writes.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    init : list of int, optional
        Initial words. Default: 0.

    Members
    -------
    read, pre : In(1), In(shapes.pre)
        Ask for an input, and move it.
    recent : In(1)
        Whether that input, asked for in the cycle before, was active recently.
    share : Out(8)
        High byte of its activity, from before this sweep: 255 is always, 0 is never.
    access : In(Access(shapes.pre, shapes.activity))
        Memory port.
    """

    def __init__(self, *, shapes: Shapes, init: list[int] | None = None) -> None:
        self._shapes = shapes
        self._init = init
        super().__init__(
            {
                "read": In(1),
                "pre": In(shapes.pre),
                "recent": In(1),
                "share": Out(SHARE_BITS),
                "access": In(Access(shapes.pre, shapes.activity)),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        m.submodules.memory = memory = StateMemory(
            shape=s.activity, depth=s.network.inputs, init=self._init
        )
        wiring.connect(m, wiring.flipped(self.access), memory.access)
        mirror = self.recent.replicate(ACTIVITY_BITS)
        distance = Signal(s.activity)
        m.d.comb += [
            memory.read.eq(self.read),
            memory.read_address.eq(self.pre),
            self.share.eq(memory.read_data[-SHARE_BITS:]),
            distance.eq(memory.read_data ^ mirror),
            memory.write_data.eq((distance - (distance >> s.network.activity_shift)) ^ mirror),
        ]
        m.d.sync += [memory.write.eq(self.read), memory.write_address.eq(self.pre)]
        return m
