"""Deframer: frames of octets become messages in a buffer."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, CRC_BYTES, DELIMITER, REQUEST_HEADER

__all__ = ["Deframer"]

#: Code of a group that no 0 follows: 254 octets.
_LONGEST = 255


class Deframer(wiring.Component):
    """Deframer: unstuffs (COBS) and checks frames.

    An octet is written to the buffer as soon as it is unstuffed; whether the frame is whole is
    known at its end. Anything may come; after the next delimiter it is in step again.

    Timing
    ------
    An octet takes 2 cycles, the first code of a frame and delimiters 1. ``octets.ready`` and all
    outputs depend combinationally on ``octets`` and ``checksum.ready``. Clock domain ``sync``.

    Members
    -------
    enable : In(1)
        Take octets. May go low only after ``done``.
    octets : In(stream.Signature(8))
        From the host.
    start : Out(1)
        ``start`` of a :class:`prunus_rtl.link.framing.crc.Checksum`.
    checksum : Out(stream.Signature(8))
        Octets for it.
    match : In(1)
        Its ``match``.
    write, address, data : Out(1), Out(8), Out(8)
        Write port of the buffer.
    done : Out(1)
        A frame is over that was not empty; high for one cycle.
    whole : Out(1)
        It is not broken. Valid while ``done``.
    length : Out(9)
        Octets of the message. Valid from ``done`` until the next frame begins, if ``whole``.
    """

    def __init__(self) -> None:
        octets = stream.Signature(8)
        super().__init__(
            {
                "enable": In(1),
                "octets": In(octets),
                "start": Out(1),
                "checksum": Out(octets),
                "match": In(1),
                "write": Out(1),
                "address": Out(range(BUFFER_BYTES)),
                "data": Out(8),
                "done": Out(1),
                "whole": Out(1),
                "length": Out(range(2 * BUFFER_BYTES)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        begun = Signal()
        # Octets until the next code, and whether a 0 comes before it.
        group = Signal(8, init=1)
        zero = Signal()
        overflow = Signal()
        octet = self.octets.payload
        code = group == 1
        offered = self.enable & self.octets.valid
        emitted = self.checksum.valid & self.checksum.ready
        full = self.length == BUFFER_BYTES - CRC_BYTES
        m.d.comb += [
            self.data.eq(Mux(code, 0, octet)),
            self.checksum.payload.eq(self.data),
            # The length is that without the CRC: it begins below 0.
            self.address.eq(self.length + CRC_BYTES),
            self.write.eq(emitted & ~full),
            self.whole.eq(
                self.match & code & ~overflow & (self.length.as_signed() >= REQUEST_HEADER)
            ),
        ]
        with m.If(offered):
            with m.If(octet == DELIMITER):
                m.d.comb += [self.octets.ready.eq(1), self.done.eq(begun)]
                m.d.sync += [begun.eq(0), group.eq(1)]
            with m.Elif(code & ~(begun & zero)):
                # The code of the first group, or of one behind a group without a 0.
                m.d.comb += self.octets.ready.eq(1)
            with m.Else():
                m.d.comb += [
                    self.checksum.valid.eq(1),
                    self.octets.ready.eq(self.checksum.ready),
                ]
            with m.If(self.octets.ready & (octet != DELIMITER)):
                m.d.sync += [begun.eq(1), group.eq(group - 1)]
                with m.If(code):
                    m.d.sync += [group.eq(octet), zero.eq(octet != _LONGEST)]
                with m.If(~begun):
                    m.d.comb += self.start.eq(1)
                    m.d.sync += [self.length.eq(-CRC_BYTES), overflow.eq(0)]
        with m.If(emitted):
            with m.If(full):
                m.d.sync += overflow.eq(1)
            with m.Else():
                m.d.sync += self.length.eq(self.length + 1)
        return m
