"""AXI4-Lite: a slave that asks for one access after the other."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.access import ADDRESS_BITS, access_layout, outcome_layout
from prunus_rtl.bus.registers import REGISTER_BITS

__all__ = ["OKAY", "SLVERR", "AxiLite", "AxiLiteSignature"]

#: Responses.
OKAY, SLVERR = 0b00, 0b10


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite with 32 bits of data, as the master sees it. Names and meaning as in AXI."""

    def __init__(self) -> None:
        address = {"addr": ADDRESS_BITS, "prot": 3}
        written = {"data": REGISTER_BITS, "strb": REGISTER_BITS // 8}
        channels: dict[str, tuple[Any, Any, dict[str, int]]] = {
            "aw": (Out, In, address),
            "w": (Out, In, written),
            "b": (In, Out, {"resp": 2}),
            "ar": (Out, In, address),
            "r": (In, Out, {"data": REGISTER_BITS, "resp": 2}),
        }
        members: dict[str, Any] = {}
        for name, (there, back, fields) in channels.items():
            members |= {name + field: there(bits) for field, bits in fields.items()}
            members |= {f"{name}valid": there(1), f"{name}ready": back(1)}
        super().__init__(members)


class AxiLite(wiring.Component):
    """AXI4-Lite slave.

    Address and data of a write come in any order. One write and one read are held; if both wait,
    they take turns. A response that the master does not take keeps back what follows on its own
    side only: a read goes on while a write response waits, and the other way round. ``awprot`` and
    ``arprot`` are ignored.

    Timing
    ------
    From the transfer of an address (and the data of a write) to the request 2 cycles, and from the
    response to ``bvalid`` or ``rvalid`` 1 cycle. All outputs are functions of registers. Clock
    domain ``sync``.

    Members
    -------
    bus : In(AxiLiteSignature())
        The bus.
    requests, responses : Out(stream.Signature(access_layout())), In(...(outcome_layout()))
        Accesses of the registers, one at a time.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(AxiLiteSignature()),
                "requests": Out(stream.Signature(access_layout())),
                "responses": In(stream.Signature(outcome_layout())),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        bus, request = self.bus, self.requests
        write_address, read_address = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        data, strobe = Signal(REGISTER_BITS), Signal(REGISTER_BITS // 8)
        held = {name: Signal(name=f"{name}_held") for name in ("aw", "w", "ar")}
        for name, pairs in (
            ("aw", ((write_address, bus.awaddr),)),
            ("w", ((data, bus.wdata), (strobe, bus.wstrb))),
            ("ar", ((read_address, bus.araddr),)),
        ):
            m.d.comb += getattr(bus, f"{name}ready").eq(~held[name])
            with m.If(getattr(bus, f"{name}valid") & ~held[name]):
                m.d.sync += held[name].eq(1)
                m.d.sync += [kept.eq(value) for kept, value in pairs]

        # A request is offered, or its response waited for; of a write; a write is next.
        offered, under_way, writing, turn = Signal(), Signal(), Signal(), Signal()
        write_waits, read_waits = Signal(), Signal()
        with m.If(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        m.d.comb += [
            write_waits.eq(held["aw"] & held["w"] & ~bus.bvalid),
            read_waits.eq(held["ar"] & ~bus.rvalid),
            request.valid.eq(offered),
            request.p.write.eq(writing),
            request.p.address.eq(Mux(writing, write_address, read_address)),
            request.p.data.eq(data),
            request.p.strobe.eq(strobe),
            self.responses.ready.eq(under_way),
        ]
        with m.If(~offered & ~under_way & (write_waits | read_waits)):
            m.d.sync += [offered.eq(1), writing.eq(write_waits & (turn | ~read_waits))]
        with m.If(offered & request.ready):
            m.d.sync += [offered.eq(0), under_way.eq(1), turn.eq(~writing)]
            with m.If(writing):
                m.d.sync += [held["aw"].eq(0), held["w"].eq(0)]
            with m.Else():
                m.d.sync += held["ar"].eq(0)
        response = Mux(self.responses.p.error, SLVERR, OKAY)
        with m.If(under_way & self.responses.valid):
            m.d.sync += under_way.eq(0)
            with m.If(writing):
                m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(response)]
            with m.Else():
                m.d.sync += [
                    bus.rvalid.eq(1),
                    bus.rresp.eq(response),
                    bus.rdata.eq(self.responses.p.data),
                ]
        return m
