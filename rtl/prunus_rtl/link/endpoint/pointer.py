"""Read pointer: an address in a memory that answers one or two cycles later."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ReadPointer"]


class ReadPointer(wiring.Component):
    """Address of a memory that is read in every cycle, and whether its data have come.

    Timing
    ------
    ``valid`` is low in the first ``latency`` cycles of an address, and high from then on: if the
    memory reads at ``address`` in the first cycle, its data are those of ``address`` while
    ``valid`` is high. Outputs are registers. Clock domain ``sync``.

    Parameters
    ----------
    end : int
        Addresses are below this.
    stride : int
        Largest step of the address.
    latency : int
        Cycles from an address to its data: 1 or 2.

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

    def __init__(self, *, end: int, stride: int = 1, latency: int = 1) -> None:
        self._latency = latency
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
        stays = ~(self.load | self.advance)
        if self._latency > 1:
            stayed = Signal()
            m.d.sync += [stayed.eq(stays), self.valid.eq(stays & stayed)]
        else:
            m.d.sync += self.valid.eq(stays)
        with m.If(self.load):
            m.d.sync += self.address.eq(self.target)
        with m.Elif(self.advance):
            m.d.sync += self.address.eq(self.address + self.stride)
        return m
