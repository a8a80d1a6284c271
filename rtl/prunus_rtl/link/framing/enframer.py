"""Enframer: messages become frames of octets."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    BUFFER_BYTES,
    CRC_BYTES,
    DELIMITER,
    MAX_BODY,
    RESPONSE_HEADER,
    encode,
)

__all__ = ["BROKEN_AT", "Enframer", "initial_responses"]

#: Where in the buffer the response to a broken frame is, stuffed: behind the longest other one.
BROKEN_AT = 1 + RESPONSE_HEADER + MAX_BODY + CRC_BYTES


def initial_responses() -> bytes:
    """Return the initial contents of the buffer."""
    broken = encode(BROKEN_RESPONSE).strip(bytes([DELIMITER]))
    return (bytes(BROKEN_AT) + broken).ljust(BUFFER_BYTES, bytes(1))


class Enframer(wiring.Component):
    """Enframer: checks, stuffs (COBS), and sends a message.

    The message is stuffed while it is written to the buffer: where a 0 is, the code of the group
    before it is written, as soon as its length is known. So every octet is written once, and the
    frame can be sent again.

    Timing
    ------
    An octet of the message takes 2 cycles, one that is sent 2 if it is taken at once; between them
    are 11 cycles. ``octets`` is a function of registers, and of the buffer, only. ``i.ready``
    depends combinationally on ``checksum.ready``. Clock domain ``sync``.

    Members
    -------
    begin : In(1)
        Begin a message. Only while nothing is sent.
    i : In(stream.Signature(8))
        Octets of the message: at most ``RESPONSE_HEADER + MAX_BODY``.
    finish : In(1)
        The message is over: send it. Not while an octet is offered.
    repeat : In(1)
        Send the last message again. Only while ``held``.
    broken : In(1)
        Send the response to a broken frame; the last message is kept.
    held : Out(1)
        There is a last message.
    done : Out(1)
        Everything was sent; high for one cycle.
    start, checksum, shift, crc : Out(1), Out(stream.Signature(8)), Out(1), In(8)
        :class:`prunus_rtl.link.framing.crc.Checksum`.
    write, write_address, write_data : Out(1), Out(8), Out(8)
        Write port of the buffer, which must start with :func:`initial_responses`.
    read_address, read_data : Out(8), In(8)
        Read port of the buffer, needed while ``busy``.
    busy : Out(1)
        Something is sent.
    octets : Out(stream.Signature(8))
        To the host.
    """

    def __init__(self) -> None:
        octets = stream.Signature(8)
        super().__init__(
            {
                "begin": In(1),
                "i": In(octets),
                "finish": In(1),
                "repeat": In(1),
                "broken": In(1),
                "held": Out(1),
                "done": Out(1),
                "start": Out(1),
                "checksum": Out(octets),
                "shift": Out(1),
                "crc": In(8),
                "write": Out(1),
                "write_address": Out(range(BUFFER_BYTES)),
                "write_data": Out(8),
                "busy": Out(1),
                "read_address": Out(range(BUFFER_BYTES)),
                "read_data": In(8),
                "octets": Out(octets),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        # Next octet, and the code of the group that it belongs to.
        at = Signal(range(BUFFER_BYTES))
        code_at = Signal(range(BUFFER_BYTES))
        sent = Signal(range(BUFFER_BYTES))
        fixed = Signal()
        half = Signal(range(2 * CRC_BYTES))
        octet = Signal(8)
        append = Signal()
        m.d.comb += [
            self.held.eq(at != 0),
            self.start.eq(self.begin),
            self.checksum.payload.eq(self.i.payload),
            octet.eq(self.i.payload),
            self.write_address.eq(code_at),
            self.write_data.eq(at - code_at),
            self.read_address.eq(sent),
        ]
        with m.If(append):
            m.d.comb += self.write.eq(1)
            m.d.sync += at.eq(at + 1)
            with m.If(octet == 0):
                m.d.sync += code_at.eq(at)
            with m.Else():
                m.d.comb += [self.write_address.eq(at), self.write_data.eq(octet)]
        with m.If(self.begin):
            m.d.sync += [at.eq(1), code_at.eq(0)]

        with m.FSM(name="enframer") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("Append"))
            with m.State("Append"):
                m.d.comb += [
                    self.checksum.valid.eq(self.i.valid),
                    self.i.ready.eq(self.checksum.ready),
                    append.eq(self.i.valid & self.checksum.ready),
                ]
                m.d.sync += [fixed.eq(self.broken), sent.eq(Mux(self.broken, BROKEN_AT, 0))]
                with m.If(self.finish):
                    m.next = "AppendCrc"
                with m.Elif(self.repeat | self.broken):
                    m.next = "Open"
            with m.State("AppendCrc"):
                m.d.comb += [octet.eq(self.crc), append.eq(~half[0]), self.shift.eq(1)]
                m.d.sync += half.eq(half + 1)
                with m.If(half == 2 * CRC_BYTES - 1):
                    m.next = "Close"
            with m.State("Close"):
                m.d.comb += self.write.eq(1)
                m.next = "Open"
            with m.State("Open"):
                m.d.comb += self.octets.valid.eq(1)
                with m.If(self.octets.ready):
                    m.next = "Fetch"
            with m.State("Fetch"):
                m.next = "Send"
                # The response to a broken frame goes to the end of the buffer.
                with m.If(sent == Mux(fixed, 0, at)):
                    m.next = "Shut"
            with m.State("Send"):
                m.d.comb += [self.octets.valid.eq(1), self.octets.payload.eq(self.read_data)]
                with m.If(self.octets.ready):
                    m.d.sync += sent.eq(sent + 1)
                    m.next = "Fetch"
            with m.State("Shut"):
                m.d.comb += self.octets.valid.eq(1)
                with m.If(self.octets.ready):
                    m.d.comb += self.done.eq(1)
                    m.next = "Append"
        return m
