"""Echoes: which inputs only say what the inputs before them say, as the learning sweeps see it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import AdaptivePruning
from prunus_model.spec.formats import ECHO_BITS
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.shapes import Shapes
from prunus_rtl.streams import Access

__all__ = ["Echoes"]


class Echoes(wiring.Component):
    """Running share of the learning sweeps in which an input follows the one before it.

    Equals :func:`prunus_model.reference.pruning.moved_echo`: up is down seen from the other end, so
    that both are one subtraction between two rows of exclusive ors. With the colour of the input on
    the chessboard it says which inputs are redundant, as
    :func:`prunus_model.reference.pruning.redundant` does once the presentation is late enough.

    Timing
    ------
    ``redundant`` is valid one cycle after ``read``, until the next; ``recent`` is needed then, and
    the new word is written at the end of that cycle. A sweep reads all inputs, upwards from 0, one
    per cycle or slower. Clock domain ``sync``. Memory: one word per input, not cleared by reset;
    reads come from the sweep, one for each input, and so do writes.

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
    redundant : Out(1)
        Its echo, from before this sweep, is at least one half, and it is on a black square.
    access : In(Access(shapes.pre, shapes.echo))
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
                "redundant": Out(1),
                "access": In(Access(shapes.pre, shapes.echo)),
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
            shape=s.echo, depth=s.network.inputs, init=self._init
        )
        wiring.connect(m, wiring.flipped(self.access), memory.access)

        first = Signal()
        follows = Signal()
        m.d.sync += [
            memory.write.eq(self.read),
            memory.write_address.eq(self.pre),
            first.eq(self.pre == 0),
        ]
        with m.If(memory.write):
            m.d.sync += follows.eq(self.recent)

        mirror = self.recent.replicate(ECHO_BITS)
        distance = Signal(s.echo)
        moved = (distance - (distance >> s.network.echo_shift)) ^ mirror
        black = self._black(m)
        m.d.comb += [
            memory.read.eq(self.read),
            memory.read_address.eq(self.pre),
            self.redundant.eq(memory.read_data[-1] & black),
            distance.eq(memory.read_data ^ mirror),
            memory.write_data.eq(Mux(follows & ~first, moved, memory.read_data)),
        ]
        return m

    def _black(self, m: Module) -> Signal:
        """Return the colour of the input that was asked for last."""
        policy = self._shapes.network.pruning
        row_length = policy.row_length if isinstance(policy, AdaptivePruning) else 1
        black = Signal()
        if row_length % 2:
            # Without gaps between the rows the colours alternate.
            with m.If(self.read):
                m.d.sync += black.eq(self.pre[:1])
            return black
        column = Signal(range(row_length))
        ends = column == row_length - 1
        with m.If(self.read):
            m.d.sync += [column.eq(column + 1), black.eq(black ^ ~ends)]
            with m.If(ends):
                m.d.sync += column.eq(0)
            with m.If(self.pre == 0):
                m.d.sync += [column.eq(0), black.eq(0)]
        return black
