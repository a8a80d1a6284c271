"""Framer: requests in, responses out, half duplex, in one buffer memory."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.ram import Ram
from prunus_rtl.link.framing.crc import Checksum
from prunus_rtl.link.framing.deframer import Deframer
from prunus_rtl.link.framing.enframer import Enframer, initial_responses
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES

__all__ = ["Framer"]


class Framer(wiring.Component):
    """Framer: one message at a time, first in, then out.

    Deframer and enframer share the checksum and a memory of ``2 * BUFFER_BYTES`` octets, the
    request below, the response above.

    Timing
    ------
    As :class:`prunus_rtl.link.framing.deframer.Deframer` and
    :class:`prunus_rtl.link.framing.enframer.Enframer`. Clock domain ``sync``.

    Members
    -------
    rx, tx : In(stream.Signature(8)), Out(stream.Signature(8))
        From and to the host.
    receive : In(1)
        Wait for a request. May go low only after ``done``.
    done, whole, length : Out(1), Out(1), Out(9)
        A request has come: see the deframer.
    address, data : In(8), Out(8)
        Read port of the request: ``data`` is what was at ``address`` one cycle before. While
        nothing is sent.
    begin, i, finish, repeat, broken, held, sent
        The response: see the enframer, whose ``done`` is ``sent``.
    pending : Out(1)
        An octet of the response was taken but is not in the buffer yet: ``finish`` must wait.
    """

    def __init__(self) -> None:
        octets = stream.Signature(8)
        super().__init__(
            {
                "rx": In(octets),
                "tx": Out(octets),
                "receive": In(1),
                "done": Out(1),
                "whole": Out(1),
                "length": Out(range(2 * BUFFER_BYTES)),
                "address": In(range(BUFFER_BYTES)),
                "data": Out(8),
                "begin": In(1),
                "i": In(octets),
                "finish": In(1),
                "repeat": In(1),
                "broken": In(1),
                "held": Out(1),
                "sent": Out(1),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.checksum = checksum = Checksum()
        m.submodules.deframer = deframer = Deframer()
        m.submodules.enframer = enframer = Enframer()
        init = bytes(BUFFER_BYTES) + initial_responses()
        m.submodules.buffer = buffer = Ram(shape=8, depth=2 * BUFFER_BYTES, init=list(init))
        wiring.connect(m, wiring.flipped(self.rx), deframer.octets)
        wiring.connect(m, wiring.flipped(self.tx), enframer.octets)
        # An octet often comes from the buffer, and what it is decides where the next one goes: a
        # register between the two.
        octet = Signal(8)
        with m.If(self.i.ready):
            m.d.sync += [self.pending.eq(self.i.valid), octet.eq(self.i.payload)]
        m.d.comb += [
            self.i.ready.eq(~self.pending | enframer.i.ready),
            enframer.i.valid.eq(self.pending),
            enframer.i.payload.eq(octet),
        ]
        m.d.comb += [
            deframer.enable.eq(self.receive),
            deframer.match.eq(checksum.match),
            self.done.eq(deframer.done),
            self.whole.eq(deframer.whole),
            self.length.eq(deframer.length),
            enframer.crc.eq(checksum.crc),
            checksum.shift.eq(enframer.shift),
            enframer.begin.eq(self.begin),
            enframer.finish.eq(self.finish),
            enframer.repeat.eq(self.repeat),
            enframer.broken.eq(self.broken),
            self.held.eq(enframer.held),
            self.sent.eq(enframer.done),
            # One of them is at work.
            checksum.start.eq(deframer.start | enframer.start),
            checksum.i.valid.eq(deframer.checksum.valid | enframer.checksum.valid),
            checksum.i.payload.eq(
                Mux(self.receive, deframer.checksum.payload, enframer.checksum.payload)
            ),
            deframer.checksum.ready.eq(checksum.i.ready),
            enframer.checksum.ready.eq(checksum.i.ready),
            buffer.write.eq(deframer.write | enframer.write),
            buffer.write_address.eq(
                Mux(self.receive, deframer.address, Cat(enframer.write_address, 1))
            ),
            buffer.write_data.eq(Mux(self.receive, deframer.data, enframer.write_data)),
            buffer.read.eq(1),
            buffer.read_address.eq(
                Cat(Mux(enframer.busy, enframer.read_address, self.address), enframer.busy)
            ),
            self.data.eq(buffer.read_data),
            enframer.read_data.eq(buffer.read_data),
        ]
        return m
