"""Wishbone B4, classic: a slave that asks for one access after the other."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.access import ADDRESS_BITS, access_layout, outcome_layout
from prunus_rtl.bus.registers import REGISTER_BITS

__all__ = ["Wishbone", "WishboneSignature"]


class WishboneSignature(wiring.Signature):
    """Wishbone B4 with 32 bits of data, as the master sees it; ``adr`` is in words of 32 bits."""

    def __init__(self) -> None:
        super().__init__(
            {
                "cyc": Out(1),
                "stb": Out(1),
                "we": Out(1),
                "adr": Out(ADDRESS_BITS - 2),
                "sel": Out(REGISTER_BITS // 8),
                "dat_w": Out(REGISTER_BITS),
                "dat_r": In(REGISTER_BITS),
                "ack": In(1),
                "err": In(1),
            }
        )


class Wishbone(wiring.Component):
    """Wishbone slave, classic cycles.

    A read is of the whole word, whatever ``sel`` says. If the master gives up a cycle, by ``cyc``
    or ``stb``, the access is carried out all the same, and its response is dropped.

    Timing
    ------
    The request follows ``stb`` at once, and ``ack`` or ``err`` the response 1 cycle later, for one
    cycle. ``requests`` depends combinationally on the bus; all outputs to the bus are registers.
    Clock domain ``sync``.

    Members
    -------
    bus : In(WishboneSignature())
        The bus.
    requests, responses : Out(stream.Signature(access_layout())), In(...(outcome_layout()))
        Accesses of the registers, one at a time. ``requests`` is always ready if no access runs.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(WishboneSignature()),
                "requests": Out(stream.Signature(access_layout())),
                "responses": In(stream.Signature(outcome_layout())),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        bus, request, response = self.bus, self.requests, self.responses
        under_way, given_up, asks = Signal(), Signal(), Signal()
        m.d.comb += [
            asks.eq(bus.cyc & bus.stb),
            request.valid.eq(asks & ~under_way & ~bus.ack & ~bus.err),
            request.p.write.eq(bus.we),
            request.p.address.eq(Cat(Const(0, 2), bus.adr)),
            request.p.data.eq(bus.dat_w),
            request.p.strobe.eq(bus.sel),
            response.ready.eq(under_way),
        ]
        m.d.sync += [bus.ack.eq(0), bus.err.eq(0)]
        with m.If(request.valid & request.ready):
            m.d.sync += [under_way.eq(1), given_up.eq(0)]
        with m.If(under_way & ~asks):
            m.d.sync += given_up.eq(1)
        with m.If(under_way & response.valid):
            answered = asks & ~given_up
            m.d.sync += [
                under_way.eq(0),
                bus.ack.eq(answered & ~response.p.error),
                bus.err.eq(answered & response.p.error),
                bus.dat_r.eq(response.p.data),
            ]
        return m
