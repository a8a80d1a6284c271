"""Memory port: every state variable can be written and read back between presentations."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.spaces import DATA_BITS, SPACE_BITS, readable, spaces
from prunus_rtl.bus.store_port import store_has
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_rtl.streams import Access

__all__ = [
    "MemoryPort",
    "answer_layout",
    "request_layout",
]


def request_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a request; see :class:`prunus_rtl.hardware.Space` for addresses."""
    address_bits = max(width for width, _, _ in spaces(shapes).values())
    return data.StructLayout(
        {"data": DATA_BITS, "address": max(1, address_bits), "space": SPACE_BITS, "write": 1}
    )


def answer_layout() -> data.StructLayout:
    """Return the layout of an answer: the word read (0 for a write), and whether it failed."""
    return data.StructLayout({"data": DATA_BITS, "error": 1})


class MemoryPort(wiring.Component):
    """Memory port.

    Every request gets one answer, in order. A request outside of all spaces changes nothing and is
    answered with ``error``. Words that exist but can't be read
    (:func:`prunus_rtl.bus.spaces.readable`) read as 0. Bits of ``data`` above the width of a word
    are ignored.

    Timing
    ------
    One request at a time. The answer comes 2 cycles after the request, plus the cycles of the unit:
    1 for a memory, 4 for the packed store, 4 for a synapse, up to 17 for a potential. While a
    presentation runs (``enable`` = 0) no request is taken. Answers are registered. Clock domain
    ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.

    Members
    -------
    enable : In(1)
        Requests may be taken.
    idle : Out(1)
        No request is being worked on.
    requests : In(stream.Signature(request_layout(shapes)))
        Requests.
    answers : Out(stream.Signature(answer_layout()))
        Answers.
    synapses, theta ... votes : Out(Access(...))
        One for each space of :func:`spaces`, with its name in lower case.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        members = {
            "enable": In(1),
            "idle": Out(1),
            "requests": In(stream.Signature(request_layout(shapes))),
            "answers": Out(stream.Signature(answer_layout())),
        }
        for space, (address_bits, data_bits, _) in spaces(shapes).items():
            members[space.name.lower()] = Out(Access(address_bits, data_bits))
        super().__init__(members)

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        request = Signal(request_layout(s))
        strobe = Signal()
        done = Signal()
        valid = Signal()
        read_data = Signal(DATA_BITS)
        for space, (address_bits, _, _) in spaces(s).items():
            access = getattr(self, space.name.lower())
            m.d.comb += [
                access.write.eq(request.write),
                access.address.eq(request.address[:address_bits]),
                access.data.eq(request.data),
            ]
            with m.If(request.space == space.value):
                m.d.comb += [access.strobe.eq(strobe & valid), done.eq(access.done)]
                if space in readable(s):
                    m.d.comb += read_data.eq(access.value)

        with m.FSM(name="memory_port"):
            with m.State("Wait"):
                m.d.comb += [
                    self.idle.eq(~self.requests.valid),
                    self.requests.ready.eq(self.enable),
                ]
                # Checked before it is kept: the comparison is long, and what is strobed far away.
                m.d.sync += [request.eq(self.requests.payload), valid.eq(self._exists(m))]
                with m.If(self.enable & self.requests.valid):
                    m.next = "Access"
            with m.State("Access"):
                m.d.comb += strobe.eq(1)
                m.d.sync += [self.answers.p.error.eq(~valid), self.answers.p.data.eq(0)]
                m.next = "Await"
                with m.If(~valid):
                    m.d.sync += self.answers.valid.eq(1)
                    m.next = "Answer"
            with m.State("Await"):
                with m.If(done):
                    m.d.sync += [
                        self.answers.valid.eq(1),
                        self.answers.p.data.eq(Mux(request.write, 0, read_data)),
                    ]
                    m.next = "Answer"
            with m.State("Answer"):
                with m.If(self.answers.ready):
                    m.d.sync += self.answers.valid.eq(0)
                    m.next = "Wait"
        return m

    def _exists(self, m: Module) -> Signal:
        """Return whether there is a word at the address of the request that is offered."""
        s = self._shapes
        at = self.requests.p
        exists = Signal()
        with m.Switch(at.space):
            for space, (address_bits, _, depth) in spaces(s).items():
                inside = at.address < depth
                part = at.address[:address_bits]
                if space is Space.SYNAPSES or (space is Space.V_FIRE and s.group_bits):
                    inside &= part[: s.post_bits] < s.network.neurons
                if space is Space.STORE and s.store is not None:
                    inside &= store_has(s.store, part)
                with m.Case(space.value):
                    m.d.comb += exists.eq(inside)
        return exists
