"""Event loader: events go from requests to the core, through a queue."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.link.endpoint.decoder import LEVELS_AT
from prunus_rtl.link.endpoint.pointer import ReadPointer
from prunus_rtl.link.protocol.items import END_OF_STEP
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, OFFSET, Status

__all__ = ["QUEUED_ITEMS", "EventLoader"]

#: Items that the queue holds: more than there are in any request.
QUEUED_ITEMS = BUFFER_BYTES // 2


class EventLoader(wiring.Component):
    """Sends the items of an EVENTS request to the core, after all were checked.

    A first pass looks at every item: each step must name its inputs in ascending order, so each at
    most once, and a presentation has ``steps`` steps. What a request with a fault would have
    changed is taken back. The second pass fills the queue, from which the core takes them in its
    own time; it never waits, since a request is only started when the queue is empty.

    Timing
    ------
    An item takes 4 cycles in each pass, and 3 from the queue to the core, or more. ``octets``,
    ``events`` and ``waiting`` are functions of registers. Clock domain ``sync``.

    Memory: :data:`QUEUED_ITEMS` items
    (:class:`prunus_rtl.lib.broadcast_fifo.BroadcastQueue`).

    Parameters
    ----------
    event : StructLayout
        Event of the core (:func:`prunus_rtl.streams.event_layout`).
    inputs, steps : int
        Number of inputs, and of the steps of a presentation.

    Members
    -------
    check, start : In(1), In(1)
        Begin the first pass; begin the second one, if there was no fault. High for one cycle; not
        before ``done``.
    done : Out(1)
        The pass is over; high for one cycle.
    status : Out(Status)
        Fault that the first pass has found; OK if none. Valid from the cycle after ``done``.
    length : In(9)
        Octets of the request, which has one item or more and no half. Valid until ``done``.
    octet_address, octet : Out(8), In(8)
        Read port of the request.
    octets : Out(stream.Signature(8))
        Position, low octet first.
    events : Out(stream.Signature(event))
        To the core.
    position : Out(16)
        Items of the presentation that is being sent which are there, modulo 2**16; 0 if it is
        complete.
    waiting : Out(1)
        The core has not taken all of them.
    clear : In(1)
        Forget all of them. Not between ``check`` or ``start`` and ``done``.
    """

    def __init__(self, *, event: data.StructLayout, inputs: int, steps: int) -> None:
        self._event = event
        self._inputs = inputs
        self._steps = steps
        super().__init__(
            {
                "check": In(1),
                "start": In(1),
                "done": Out(1),
                "status": Out(Status),
                "length": In(range(2 * BUFFER_BYTES)),
                "octet_address": Out(range(BUFFER_BYTES)),
                "octet": In(8),
                "octets": Out(stream.Signature(8)),
                "events": Out(stream.Signature(event)),
                "position": Out(8 * OFFSET.size),
                "waiting": Out(1),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.pointer = pointer = ReadPointer(end=2 * BUFFER_BYTES)
        m.submodules.queue = queue = ResetInserter(self.clear)(
            BroadcastQueue(shape=self._event, depth=QUEUED_ITEMS, readers=1)
        )
        out = queue.o[0]
        # How far the presentation has come; and what that was before the request.
        mark = data.StructLayout(
            {"step": range(self._steps), "begun": 1, "last": self._event["pre"].shape}
        )
        now = Signal(mark)
        before = Signal(mark)
        complete = Signal()
        checking = Signal()
        low = Signal(8)
        item = Cat(low, self.octet)
        end = Signal()
        wrong = Signal()
        over = Signal()
        m.d.comb += [
            end.eq(item == END_OF_STEP),
            wrong.eq(complete | ~end & ((item >= self._inputs) | now.begun & (item <= now.last))),
            over.eq(pointer.address == self.length - 1),
            self.octet_address.eq(pointer.address),
            pointer.target.eq(LEVELS_AT),
            queue.i.p.pre.eq(item),
            queue.i.p.end.eq(end),
            self.waiting.eq(queue.busy | self.events.valid),
            out.ready.eq(~self.events.valid | self.events.ready),
        ]
        # A register, because the queue is a block RAM, and what the event is decides much.
        with m.If(out.ready):
            m.d.sync += [self.events.valid.eq(out.valid), self.events.payload.eq(out.payload)]
        with m.FSM(name="events"):
            with m.State("Idle"):
                m.d.comb += pointer.load.eq(self.check | self.start)
                m.d.sync += checking.eq(self.check)
                with m.If(self.check):
                    m.d.sync += before.eq(now)
                with m.If(self.check | self.start):
                    m.next = "Low"
            with m.State("Low"):
                m.d.comb += pointer.advance.eq(pointer.valid)
                with m.If(pointer.valid):
                    m.d.sync += low.eq(self.octet)
                    m.next = "High"
            with m.State("High"):
                m.d.comb += queue.i.valid.eq(pointer.valid & ~checking)
                with m.If(pointer.valid):
                    m.d.comb += pointer.advance.eq(1)
                    m.next = "Low"
                    with m.If(checking):
                        m.d.sync += [now.begun.eq(~end), now.last.eq(item)]
                        with m.If(end):
                            last_step = now.step == self._steps - 1
                            m.d.sync += [now.step.eq(now.step + 1), complete.eq(last_step)]
                        with m.If(over | wrong):
                            m.d.comb += self.done.eq(1)
                            m.d.sync += self.status.eq(Status.OK)
                            m.next = "Idle"
                        with m.If(wrong):
                            m.d.sync += [
                                self.status.eq(Status.VALUE),
                                now.eq(before),
                                complete.eq(0),
                            ]
                    with m.Else():
                        m.d.sync += self.position.eq(self.position + 1)
                        with m.If(over):
                            with m.If(complete):
                                m.d.sync += [self.position.eq(0), now.eq(0), complete.eq(0)]
                            m.next = "PutLow"
            for state, octet, following in (
                ("PutLow", self.position[:8], "PutHigh"),
                ("PutHigh", self.position[8:], "Idle"),
            ):
                with m.State(state):
                    m.d.comb += [self.octets.valid.eq(1), self.octets.payload.eq(octet)]
                    with m.If(self.octets.ready):
                        m.d.comb += self.done.eq(following == "Idle")
                        m.next = following
        with m.If(self.clear):
            m.d.sync += [
                self.events.valid.eq(0),
                self.position.eq(0),
                now.eq(0),
                complete.eq(0),
            ]
        return m
