"""CRC-32 of octets, half an octet per cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

__all__ = ["Checksum"]

#: Bits per cycle. A whole octet per cycle would take twice the LUTs, and the link is slower anyway.
_BITS = 4


class Checksum(wiring.Component):
    """CRC-32 as in zlib and Ethernet.

    Timing
    ------
    An octet takes 2 cycles; ``crc`` and ``match`` are up to date in the cycle after its transfer.
    ``i.ready`` is a register. Clock domain ``sync``.

    Members
    -------
    start : In(1)
        Begin anew. Not while an octet is offered.
    i : In(stream.Signature(8))
        Octets.
    shift : In(1)
        Shift the CRC out: in two cycles the next octet of it is in ``crc``. Not while an octet is
        offered; then ``start`` comes next.
    crc : Out(8)
        CRC of all octets since ``start``: its low octet, which goes first.
    match : Out(1)
        The last four octets were the CRC of those before them.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "i": In(stream.Signature(8)),
                "shift": In(1),
                "crc": Out(8),
                "match": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(_BITS).create()
        high = Signal()
        with m.If(self.i.valid):
            m.d.sync += high.eq(~high)
        m.d.comb += [
            crc.start.eq(self.start),
            crc.valid.eq(self.i.valid | self.shift),
            crc.data.eq(self.i.payload.word_select(high, _BITS)),
            self.i.ready.eq(high),
            self.crc.eq(crc.crc),
            self.match.eq(crc.match_detected),
        ]
        with m.If(self.shift):
            # What is equal to the end of the register feeds nothing back.
            m.d.comb += crc.data.eq(~crc.crc[:_BITS])
        return m
