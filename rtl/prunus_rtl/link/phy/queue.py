"""Receive queue: octets from a serial line wait for a link that is at work."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.broadcast_fifo import BroadcastQueue

__all__ = ["ReceiveQueue"]


class ReceiveQueue(wiring.Component):
    """Queue of octets with a register behind its memory.

    Timing
    ------
    Latency 3 cycles; an octet leaves every second cycle at most. ``i.ready`` and ``o`` are
    functions of registers only. Clock domain ``sync``.

    Memory: ``depth`` octets (:class:`prunus_rtl.lib.broadcast_fifo.BroadcastQueue`).

    Parameters
    ----------
    depth : int
        Octets that it holds, and one more in the register. A power of 2, at least 2.

    Members
    -------
    i : In(stream.Signature(8))
        Octets.
    o : Out(stream.Signature(8))
        The same.
    """

    def __init__(self, *, depth: int) -> None:
        self._depth = depth
        octets = stream.Signature(8)
        super().__init__({"i": In(octets), "o": Out(octets)})

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.queue = queue = BroadcastQueue(shape=8, depth=self._depth, readers=1)
        wiring.connect(m, wiring.flipped(self.i), queue.i)
        out = queue.o[0]
        # What an octet is decides much in the link, and a block RAM is late with it.
        m.d.comb += out.ready.eq(~self.o.valid)
        with m.If(out.valid & out.ready):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(out.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
