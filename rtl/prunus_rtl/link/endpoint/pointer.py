"""Read pointer: an address in a memory that answers one cycle later."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ReadPointer"]


class ReadPointer(wiring.Component):
    """Address of a memory that is read in every cycle, and whether its data have come.

    Timing
    ------
    ``valid`` is low in the first cycle of an address, and high from the second on: if the memory
    reads at ``address`` in that first cycle, its data are those of ``address`` while ``valid`` is
    high. Outputs are registers. Clock domain ``sync``.

    Parameters
    ----------
    end : int
        Addresses are below this.
    stride : int
        Largest step of the address.

    Members
    -------
    load, target : In(1), In(range(end))
        Go to ``target``.
    advance, stride : In(1), In(range(stride + 1))
        Go on by ``stride``, 1 unless it is driven. ``load`` comes first.
    address : Out(range(end))
        Present address.
    valid : Out(1)
        The data of this address are there.
    """

    def __init__(self, *, end: int, stride: int = 1) -> None:
        address = Shape.cast(range(end))
        super().__init__(
            {
                "load": In(1),
                "target": In(address),
                "advance": In(1),
                "stride": In(range(stride + 1), init=1),
                "address": Out(address),
                "valid": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.d.sync += self.valid.eq(~(self.load | self.advance))
        with m.If(self.load):
            m.d.sync += self.address.eq(self.target)
        with m.Elif(self.advance):
            m.d.sync += self.address.eq(self.address + self.stride)
        return m
