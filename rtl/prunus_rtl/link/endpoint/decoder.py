"""Request decoder: the octets of a request become a struct."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import (
    BUFFER_BYTES,
    INFER,
    OFFSET,
    READ_WRITE,
    REQUEST_HEADER,
    Opcode,
)

__all__ = ["CODED_AT", "LEVELS_AT", "WORDS_AT", "RequestDecoder", "fields_layout"]

#: Where in a request are the words of WRITE, and the levels of IMAGE or items of EVENTS.
WORDS_AT = REQUEST_HEADER + READ_WRITE.size
LEVELS_AT = REQUEST_HEADER + OFFSET.size
#: Where the coded levels of INFER are, and where its offset begins.
CODED_AT = REQUEST_HEADER + INFER.size
_OFFSET_AT = CODED_AT - OFFSET.size
#: Where the address of READ and WRITE begins: behind space and count.
_ADDRESS_AT = REQUEST_HEADER + 2


def fields_layout(address_bits: int) -> data.StructLayout:
    """Return the layout of the fields of a request, for addresses of words of so many bits.

    ``opcode`` is 0 if there is no such opcode. ``arguments`` are the first two octets of the body:
    ``space`` and ``count`` of READ and WRITE, ``offset`` of IMAGE and EVENTS, ``stop_after`` and
    flags of PRESENT and INFER, ``first`` of SPIKES. ``margin`` is that of PRESENT and INFER,
    ``offset`` that of INFER, ``base`` the address of READ and WRITE; ``beyond`` is high if that has
    bits above. What a request is too short for is undefined.
    """
    arguments = {
        "words": {"space": 8, "count": 8},
        "image": {"offset": 16},
        "present": {"stop_after": 8, "learn": 1, "keep": 1, "unknown": 6},
        "spikes": {"first": 16},
    }
    layouts = {name: data.StructLayout(fields) for name, fields in arguments.items()}
    return data.StructLayout(
        {
            "opcode": range(max(Opcode) + 1),
            "arguments": data.UnionLayout(layouts),
            "margin": 16,
            "offset": 16,
            "base": address_bits,
            "beyond": 1,
        }
    )


class RequestDecoder(wiring.Component):
    """Reads the first octets of a request, and begins its response with sequence and opcode.

    Timing
    ------
    ``done`` is 20 cycles after ``start``, and one more for each cycle in which ``octets`` waits.
    ``octets`` is a function of registers. Clock domain ``sync``.

    Parameters
    ----------
    address_bits : int
        Bits of the address of a word.
    last : Opcode
        There is no opcode above.

    Members
    -------
    start, done : In(1), Out(1)
        Begin; the last octet is there. High for one cycle each.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    octets : Out(stream.Signature(8))
        Sequence and opcode, as they came.
    request : Out(fields_layout(address_bits))
        Fields; valid from the cycle after ``done`` until the next ``start``.
    """

    def __init__(self, *, address_bits: int, last: Opcode) -> None:
        self._last = last
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "octet_address": Out(range(BUFFER_BYTES)),
                "octet": In(8),
                "octets": Out(stream.Signature(8)),
                "request": Out(fields_layout(address_bits)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.pointer = pointer = ReadPointer(end=BUFFER_BYTES)
        request, at = self.request, pointer.address
        base = request.base
        # An octet comes from block RAM, late in a cycle: it is registered before it is looked at.
        octet = self.octets.payload
        taken = Signal()
        taken_at = Signal.like(at)
        # Of the octet before that.
        above = Signal()
        unknown = Signal()
        # `octets` holds the octet that the pointer is at.
        held = Signal()
        m.d.comb += self.octet_address.eq(at)
        m.d.sync += [
            octet.eq(self.octet),
            taken.eq(pointer.advance),
            taken_at.eq(at),
            above.eq(0),
            unknown.eq(0),
        ]
        with m.If(above):
            m.d.sync += request.beyond.eq(1)
        with m.If(unknown):
            m.d.sync += request.opcode.eq(0)
        with m.If(taken):
            with m.Switch(taken_at):
                with m.Case(REQUEST_HEADER - 1):
                    m.d.sync += [request.opcode.eq(octet), unknown.eq(octet > self._last)]
                with m.Case(REQUEST_HEADER):
                    m.d.sync += request.arguments.words.space.eq(octet)
                with m.Case(REQUEST_HEADER + 1):
                    m.d.sync += [
                        request.arguments.words.count.eq(octet),
                        request.beyond.eq(0),
                    ]
                for k in range(WORDS_AT - _ADDRESS_AT):
                    with m.Case(_ADDRESS_AT + k):
                        if k < len(request.margin) // 8:
                            m.d.sync += request.margin.word_select(k, 8).eq(octet)
                        if (at_offset := _ADDRESS_AT + k - _OFFSET_AT) >= 0:
                            m.d.sync += request.offset.word_select(at_offset, 8).eq(octet)
                        part = base[8 * k : 8 * k + 8]
                        m.d.sync += [part.eq(octet), above.eq(octet[len(part) :] != 0)]
        with m.FSM(name="decoder"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.start)
                with m.If(self.start):
                    m.next = "Read"
            with m.State("Read"):
                copied = at < REQUEST_HEADER
                m.d.comb += [
                    self.octets.valid.eq(held & copied),
                    pointer.advance.eq(Mux(copied, held & self.octets.ready, pointer.valid)),
                ]
                m.d.sync += held.eq(pointer.valid & ~pointer.advance)
                with m.If(pointer.advance & (at == WORDS_AT - 1)):
                    m.next = "Last"
            with m.State("Last"):
                m.next = "Done"
            with m.State("Done"):
                m.d.comb += self.done.eq(1)
                m.next = "Idle"
        return m
