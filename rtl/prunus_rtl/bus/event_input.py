"""Event input: events from a bus or a stream go through a check and a queue to the core."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from prunus_rtl.bus.axi_stream import packet_layout

__all__ = ["INPUT_BITS", "NO_INPUT", "QUEUED_EVENTS", "EventInput"]

#: Width of the number of an input on the bus.
INPUT_BITS = 16
#: Number that names no input.
NO_INPUT = (1 << INPUT_BITS) - 1
#: Events that wait for the core.
QUEUED_EVENTS = 64
#: Presentations that the core may have got beyond the one that is over, with any number of steps.
_AHEAD = 8


class EventInput(wiring.Component):
    """Checks events, and sends them to the core.

    Each step must name its inputs in ascending order, so each at most once. A wrong event is
    dropped; the end of a step that comes with one is not.

    Timing
    ------
    An event takes 1 cycle, from the stream or to the core; one that ends a step takes 2 to the
    core. Latency 3 cycles. ``wrong`` and ``invalid`` depend combinationally on the event, other
    outputs on registers only. Clock domain ``sync``.

    Memory: :data:`QUEUED_EVENTS` events.

    Parameters
    ----------
    event : StructLayout
        Event of the core (:func:`prunus_rtl.streams.event_layout`).
    inputs, steps : int
        Number of inputs, and of the steps of a presentation.

    Members
    -------
    packets : In(stream.Signature(packet_layout(16)))
        Events: an input, or :data:`NO_INPUT`; ``last`` with the last of a step.
    streaming : In(1)
        Events come over the stream; else from the bus.
    item, write : In(packet_layout(16)), In(1)
        An event from the bus, and to take it. Only while ``room`` is not 0, and not if ``wrong``.
    wrong : Out(1)
        ``item`` must not be taken.
    room : Out(range(QUEUED_EVENTS + 1))
        Events that can be taken; 0 while they cannot come from the bus.
    invalid : Out(1)
        An event of the stream was dropped. High for one cycle.
    finish : In(1)
        End all steps of the running presentation that are missing, and drop the events that wait.
    finishing, began : Out(1), Out(1)
        That is done; it has begun, for something was missing. The latter is high for one cycle.
    done : In(1)
        A presentation is over.
    held : Out(1)
        The core has got all steps of a presentation that is not over.
    events : Out(stream.Signature(event))
        To the core.
    """

    def __init__(self, *, event: data.StructLayout, inputs: int, steps: int) -> None:
        self._event = event
        self._inputs = inputs
        self._steps = steps
        super().__init__(
            {
                "packets": In(stream.Signature(packet_layout(INPUT_BITS))),
                "streaming": In(1),
                "item": In(packet_layout(INPUT_BITS)),
                "write": In(1),
                "wrong": Out(1),
                "room": Out(range(QUEUED_EVENTS + 1)),
                "invalid": Out(1),
                "finish": In(1),
                "finishing": Out(1),
                "began": Out(1),
                "done": In(1),
                "held": Out(1),
                "events": Out(stream.Signature(event)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        pre = self._event["pre"].shape
        queued = data.StructLayout({"pre": pre, "none": 1, "last": 1})
        # Nothing of what waits is sent, once a presentation is to be finished.
        m.submodules.queue = queue = ResetInserter(self.began)(
            SyncFIFOBuffered(width=queued.size, depth=QUEUED_EVENTS)
        )
        packets, events = self.packets, self.events
        previous, begun = Signal(INPUT_BITS), Signal()
        item, taken, none, wrong = Signal(packets.p.shape()), Signal(), Signal(), Signal()
        m.d.comb += [
            item.eq(Mux(self.streaming, packets.payload.as_value(), self.item.as_value())),
            none.eq(item.data == NO_INPUT),
            wrong.eq(~none & ((item.data >= self._inputs) | begun & (item.data <= previous))),
            self.wrong.eq(wrong),
            packets.ready.eq(self.streaming & queue.w_rdy & ~self.finishing),
            self.room.eq(Mux(self.streaming | self.finishing, 0, QUEUED_EVENTS - queue.w_level)),
            taken.eq(Mux(self.streaming, packets.valid & packets.ready, self.write)),
            self.invalid.eq(self.streaming & taken & wrong),
        ]
        put = Signal(queued)
        m.d.comb += [
            put.pre.eq(item.data),
            put.none.eq(none | wrong),
            put.last.eq(item.last),
            queue.w_data.eq(put),
            queue.w_en.eq(taken & (~put.none | put.last)),
        ]
        with m.If(taken):
            with m.If(~none & ~wrong):
                m.d.sync += [previous.eq(item.data), begun.eq(1)]
            with m.If(item.last):
                m.d.sync += begun.eq(0)

        # To the core: an input and the end of its step are two events there.
        out = Signal(queued)
        named = Signal()
        free, ends = Signal(), Signal()
        step, ahead = Signal(range(self._steps)), Signal(range(_AHEAD))
        whole = Signal()
        m.d.comb += [
            out.eq(queue.r_data),
            free.eq(~events.valid | events.ready),
            ends.eq(self.finishing | out.none | named),
            whole.eq(free & ends & (self.finishing | queue.r_rdy) & (step == self._steps - 1)),
            self.held.eq(ahead != 0),
            queue.r_en.eq(free & (ends | ~out.last)),
        ]
        with m.If(free):
            m.d.sync += [
                events.valid.eq(self.finishing | queue.r_rdy),
                events.p.pre.eq(out.pre),
                events.p.end.eq(ends),
            ]
            with m.If(self.finishing | queue.r_rdy):
                m.d.sync += named.eq(~ends & out.last)
                with m.If(ends):
                    m.d.sync += step.eq(Mux(step == self._steps - 1, 0, step + 1))
        m.d.sync += ahead.eq(ahead + whole - self.done)
        with m.If(self.finish & ~self.held & ~whole):
            m.d.comb += self.began.eq(1)
            m.d.sync += [self.finishing.eq(1), begun.eq(0)]
        with m.If(self.finishing & whole):
            m.d.sync += self.finishing.eq(0)
        return m
