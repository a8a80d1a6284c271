"""Redundancy: the co-activity of neighbouring inputs, and which inputs are redundant by it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import COACTIVITY_BITS
from prunus_model.spec.pruning import RedundancyParams
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.streams import Access

__all__ = ["Redundancy"]


class Redundancy(wiring.Component):
    """Running share of the learning sweeps in which an input follows the one before it.

    Equals :func:`prunus_model.reference.redundancy.update_coactivity`: up is down seen from the
    other end, so that both are one subtraction between two rows of exclusive ors. With the site of
    the input on the checkerboard it says which inputs are redundant, as
    :func:`prunus_model.reference.redundancy.redundant_inputs` does once the presentation is late
    enough.

    Timing
    ------
    ``redundant`` is valid one cycle after ``read``, until the next; ``recent`` is needed then, and
    the new word is written at the end of that cycle. A sweep reads all inputs, upwards from 0, one
    per cycle or slower. Clock domain ``sync``. Memory: one word per input, not cleared by reset;
    reads come from the sweep, one for each input, and so do writes.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    params : RedundancyParams
        Speed of the co-activity, and width of the image.
    init : list of int, optional
        Initial words. Default: 0.

    Members
    -------
    read, pre : In(1), In(range(inputs))
        Ask for an input, and update its co-activity.
    recent : In(1)
        Whether that input, asked for in the cycle before, was active recently.
    redundant : Out(1)
        Its co-activity, from before this sweep, is at least one half, and it is on an odd site.
    access : In(Access(range(inputs), COACTIVITY_BITS))
        Memory port.
    """

    def __init__(
        self, *, inputs: int, params: RedundancyParams, init: list[int] | None = None
    ) -> None:
        self._inputs = inputs
        self._params = params
        self._init = init
        super().__init__(
            {
                "read": In(1),
                "pre": In(range(inputs)),
                "recent": In(1),
                "redundant": Out(1),
                "access": In(Access(range(inputs), unsigned(COACTIVITY_BITS))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.memory = memory = StateMemory(
            shape=unsigned(COACTIVITY_BITS), depth=self._inputs, init=self._init
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

        mirror = self.recent.replicate(COACTIVITY_BITS)
        distance = Signal(COACTIVITY_BITS)
        updated = (distance - (distance >> self._params.shift)) ^ mirror
        odd = self._odd_site(m)
        m.d.comb += [
            memory.read.eq(self.read),
            memory.read_address.eq(self.pre),
            self.redundant.eq(memory.read_data[-1] & odd),
            distance.eq(memory.read_data ^ mirror),
            memory.write_data.eq(Mux(follows & ~first, updated, memory.read_data)),
        ]
        return m

    def _odd_site(self, m: Module) -> Signal:
        """Return whether the input that was asked for last is on an odd site."""
        width = self._params.image_width
        odd = Signal()
        if width % 2:
            # In rows of odd length, odd and even sites alternate over the ends of the rows, too.
            with m.If(self.read):
                m.d.sync += odd.eq(self.pre[:1])
            return odd
        column = Signal(range(width))
        ends = column == width - 1
        with m.If(self.read):
            m.d.sync += [column.eq(column + 1), odd.eq(odd ^ ~ends)]
            with m.If(ends):
                m.d.sync += column.eq(0)
            with m.If(self.pre == 0):
                m.d.sync += [column.eq(0), odd.eq(0)]
        return odd
