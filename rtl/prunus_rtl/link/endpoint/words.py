"""Word access: READ and WRITE of the core's memories and of the identity block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.memory_port import answer_layout
from prunus_rtl.bus.spaces import DATA_BITS
from prunus_rtl.link.endpoint.decoder import WORDS_AT, fields_layout
from prunus_rtl.link.endpoint.log import SPIKES_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.protocol import (
    BUFFER_BYTES,
    IDENTITY_SPACE,
    MAX_BODY,
    Opcode,
    Status,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Identity

__all__ = ["WordAccess"]


class WordAccess(wiring.Component):
    """Reads and writes words, one after the other, after all were checked.

    A first pass reads every address, so that a wrong one is found before anything is written.

    Timing
    ------
    ``check`` and ``start`` take a cycle or more for each word, as long as the memory port takes,
    and at least one for each octet. ``octets`` is a function of registers, ``answers`` and
    ``log_data``. Clock domain ``sync``.

    Parameters
    ----------
    requests : StructLayout
        Request of the memory port (:func:`prunus_rtl.bus.memory_port.request_layout`).
    widths : mapping of int to int
        Bits of a word of each address space of the core.

    Members
    -------
    check, start : In(1), In(1)
        Begin the first pass; begin the second one. High for one cycle; not before ``done``.
    done : Out(1)
        The pass is over; high for one cycle.
    status : Out(Status)
        Fault that the first pass has found; OK if none. Valid from the cycle after ``done``.
    request, length : In(fields_layout(...)), In(9)
        READ or WRITE of a space that exists and of a word or more; its octets. Valid until
        ``done``.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    octets : Out(stream.Signature(8))
        Words that are read.
    requests, answers : Out(stream.Signature(requests)), In(stream.Signature(answer_layout()))
        Memory port.
    log_address, log_data : Out(7), In(8)
        Read port of the log RAM.
    write, write_address, write_data, write_ready : Out(1), Out(7), Out(8), In(1)
        Write port of the log RAM.
    """

    def __init__(self, *, requests: data.StructLayout, widths: Mapping[int, int]) -> None:
        self._sizes = {space: word_bytes(bits) for space, bits in widths.items()}
        super().__init__(
            {
                "check": In(1),
                "start": In(1),
                "done": Out(1),
                "status": Out(Status),
                "request": In(fields_layout(requests["address"].width)),
                "length": In(range(2 * BUFFER_BYTES)),
                "octet_address": Out(range(BUFFER_BYTES)),
                "octet": In(8),
                "octets": Out(stream.Signature(8)),
                "requests": Out(stream.Signature(requests)),
                "answers": In(stream.Signature(answer_layout())),
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
        most = DATA_BITS // 8
        # In the first pass it is where the next word would be in the message.
        m.submodules.pointer = pointer = ReadPointer(end=2 * BUFFER_BYTES, stride=most)
        words = self.request.arguments.words
        writing = self.request.opcode == Opcode.WRITE
        identity = words.space == IDENTITY_SPACE
        size = Signal(range(most + 1))
        with m.Switch(words.space):
            for space, octets in self._sizes.items():
                with m.Case(space):
                    m.d.comb += size.eq(octets)
            with m.Default():
                m.d.comb += size.eq(1)

        checking = Signal()
        word = Signal(8)
        octet = Signal(range(most))
        last = octet + 1 == size
        address = Signal(len(self.request.base) + 1)
        gathered = Signal(DATA_BITS)
        # An address of the identity block that does not exist or cannot be written; any address
        # that the memory port has no bits for.
        outside = (
            self.request.beyond
            | address[-1]
            | identity & (address >= Identity.FORMAT.size)
            | identity & writing & (address < Identity.NETWORK_AT)
        )
        # A register: what is made of it is enough for one cycle.
        m.d.sync += address.eq(self.request.base + word)
        m.d.comb += [
            self.octet_address.eq(pointer.address),
            self.log_address.eq(address),
            self.write_address.eq(address),
            self.write_data.eq(self.octet),
            self.requests.p.address.eq(address),
            self.requests.p.space.eq(words.space),
            self.requests.p.data.eq(gathered),
            self.requests.p.write.eq(writing & ~checking),
            self.octets.payload.eq(
                Mux(identity, self.log_data, self.answers.p.data.word_select(octet, 8))
            ),
            pointer.target.eq(WORDS_AT),
            pointer.stride.eq(Mux(checking, size, 1)),
        ]

        def end(status: Any = Status.OK) -> None:
            m.d.comb += self.done.eq(1)
            m.d.sync += self.status.eq(status)
            m.next = "Idle"

        def next_word() -> None:
            m.d.sync += [word.eq(word + 1), octet.eq(0)]
            m.next = "Address"

        with m.FSM(name="words"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.check | self.start)
                m.d.sync += [checking.eq(self.check), word.eq(0), octet.eq(0)]
                with m.If(self.check | self.start):
                    m.next = "Address"
            with m.State("Address"):
                m.next = "Word"
            with m.State("Word"):
                with m.If(checking & (pointer.address > WORDS_AT + MAX_BODY)):
                    end(Mux(writing, Status.LENGTH, Status.VALUE))
                with m.Elif(word == words.count):
                    short = checking & writing & (pointer.address != self.length)
                    end(Mux(short, Status.LENGTH, Status.OK))
                with m.Elif(checking & outside):
                    end(Status.ADDRESS)
                with m.Elif(checking & identity):
                    m.d.comb += pointer.advance.eq(1)
                    next_word()
                with m.Elif(checking | ~(writing | identity)):
                    m.next = "Request"
                with m.Elif(writing):
                    m.next = "Gather"
                with m.Else():
                    m.next = "Read"
            with m.State("Read"):
                m.next = "Put"
            with m.State("Request"):
                m.d.comb += self.requests.valid.eq(1)
                with m.If(self.requests.ready):
                    m.next = "Await"
            with m.State("Await"):
                with m.If(self.answers.valid):
                    m.next = "Put"
                    with m.If(checking | writing):
                        m.d.comb += [self.answers.ready.eq(1), pointer.advance.eq(checking)]
                        next_word()
                        with m.If(self.answers.p.error):
                            end(Status.ADDRESS)
            with m.State("Put"):
                # The log RAM was given this address two states before.
                m.d.comb += self.octets.valid.eq(1)
                with m.If(self.octets.ready):
                    m.d.sync += octet.eq(octet + 1)
                    with m.If(last):
                        m.d.comb += self.answers.ready.eq(1)
                        next_word()
            with m.State("Gather"):
                m.d.comb += [
                    self.write.eq(pointer.valid & identity),
                    pointer.advance.eq(pointer.valid & (~identity | self.write_ready)),
                ]
                m.d.sync += gathered.word_select(octet, 8).eq(self.octet)
                with m.If(pointer.advance):
                    m.d.sync += octet.eq(octet + 1)
                    with m.If(last):
                        m.next = "Request"
                        with m.If(identity):
                            next_word()
        return m
