"""Duplicate check: recognises the request that was carried out last."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.endpoint.log import LAST_AT, LAST_BYTES, SPIKES_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES

__all__ = ["DuplicateCheck"]


class DuplicateCheck(wiring.Component):
    """Compares sequence and CRC of a request with those in the log RAM, and writes them there.

    Timing
    ------
    ``done`` is 17 cycles after ``start``, and one more for each cycle in which ``write`` waits for
    ``write_ready``. All outputs are functions of registers, but ``write_data``, which is ``octet``.
    Clock domain ``sync``.

    Members
    -------
    start : In(1)
        Begin; high for one cycle.
    done, repeated : Out(1), Out(1)
        The check is over, high for one cycle; then ``repeated`` tells whether the request is the
        last one again. Both are registers.
    held : In(1)
        There was a request before. Valid at ``start``.
    length : In(9)
        Octets of the request, behind which is its CRC. Valid until ``done``.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    log_address, log_data : Out(7), In(8)
        Read port of the log RAM.
    write, write_address, write_data, write_ready : Out(1), Out(7), Out(8), In(1)
        Write port of the log RAM.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "repeated": Out(1),
                "held": In(1),
                "length": In(range(2 * BUFFER_BYTES)),
                "octet_address": Out(range(BUFFER_BYTES)),
                "octet": In(8),
                "log_address": Out(range(SPIKES_AT)),
                "log_data": In(8),
                "write": Out(1),
                "write_address": Out(range(SPIKES_AT)),
                "write_data": Out(8),
                "write_ready": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.pointer = pointer = ReadPointer(end=BUFFER_BYTES, latency=2)
        active = Signal()
        # Octet of the mark: the sequence, then the CRC.
        number = Signal(range(LAST_BYTES + 1))
        m.d.comb += [
            self.octet_address.eq(pointer.address),
            self.log_address.eq(LAST_AT + number),
            self.write.eq(active & pointer.valid),
            self.write_address.eq(LAST_AT + number),
            self.write_data.eq(self.octet),
            pointer.load.eq(self.start),
        ]
        # Both octets come from block RAM, late in a cycle: registers of two bits each, so that what
        # is decided by all of them is decided in the next one.
        unequal = Signal(4)
        taken, compared, last = Signal(), Signal(), Signal()
        m.d.comb += taken.eq(self.write & self.write_ready)
        m.d.sync += [
            *(
                unequal[k].eq(self.octet.word_select(k, 2) != self.log_data.word_select(k, 2))
                for k in range(len(unequal))
            ),
            compared.eq(taken),
            last.eq(taken & (number == LAST_BYTES - 1)),
            self.done.eq(last),
        ]
        with m.If(self.start):
            m.d.sync += [active.eq(1), number.eq(0), self.repeated.eq(self.held)]
        with m.If(compared & (unequal != 0)):
            m.d.sync += self.repeated.eq(0)
        with m.If(taken):
            m.d.comb += [
                pointer.load.eq(number == 0),
                pointer.target.eq(Mux(number == 0, self.length, 0)),
                pointer.advance.eq(1),
            ]
            m.d.sync += number.eq(number + 1)
            with m.If(number == LAST_BYTES - 1):
                m.d.sync += active.eq(0)
        return m
