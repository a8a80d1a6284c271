"""Refractory inputs: which spikes of a stream of events are dropped."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import STEP_BITS
from prunus_rtl.lib.ram import Ram
from prunus_rtl.streams import event_layout

__all__ = ["Refractory", "heard_layout"]


def heard_layout(*, inputs: int) -> data.StructLayout:
    """Return the layout of an event that has been judged.

    ``event``, as it came; whether it is ``dropped``; and ``last_step``, the step of the last spike
    of this input that was not, this one included. For the end of a step neither means anything.
    """
    return data.StructLayout(
        {"event": event_layout(inputs=inputs), "dropped": 1, "last_step": unsigned(STEP_BITS)}
    )


class Refractory(wiring.Component):
    """Marks spikes that come too soon after another of the same input.

    Equals :func:`prunus_model.reference.refractory.kept`. Events stay in the stream, marked, so
    that they can be counted. It counts the steps itself, by their ends, and runs as far ahead as
    the events are taken; with ``hold`` no step ahead, so that of a presentation that is left early
    nothing is read in vain.

    Timing
    ------
    ``busy`` is high for ``inputs`` cycles after ``clear``; events are taken from then until the end
    of the last step. One event per cycle, two cycles later. ``o`` depends on registers only,
    ``i.ready`` on registers, ``hold`` and ``o.ready``. Clock domain ``sync``.

    Memory: one word per input: a step, and whether there was a spike. It is cleared for all inputs
    after ``clear``; a spike reads it once and writes it once, also if it is dropped.

    Parameters
    ----------
    inputs, steps : int
        Number of inputs, and of the steps of a presentation.
    refractory_steps : int
        Largest age, in steps, of a last spike after which a spike is dropped. 1..255.

    Members
    -------
    clear : In(1)
        A presentation begins.
    stop : In(1)
        It is over: what has not been taken is forgotten.
    busy : Out(1)
        Still clearing.
    hold, step : In(1), In(STEP_BITS)
        Take no event of a step before it is executed; and the step that is.
    flush : In(1)
        Let events pass without a look at them.
    i : In(stream.Signature(event_layout(inputs=inputs)))
        Events of all steps; in a step an input spikes at most once.
    o : Out(stream.Signature(heard_layout(inputs=inputs)))
        The same.
    """

    def __init__(self, *, inputs: int, steps: int, refractory_steps: int) -> None:
        self._inputs = inputs
        self._steps = steps
        self._refractory_steps = refractory_steps
        super().__init__(
            {
                "clear": In(1),
                "stop": In(1),
                "busy": Out(1),
                "hold": In(1),
                "step": In(STEP_BITS),
                "flush": In(1),
                "i": In(stream.Signature(event_layout(inputs=inputs))),
                "o": Out(stream.Signature(heard_layout(inputs=inputs))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs, steps = self._inputs, self._steps
        word = data.StructLayout({"step": range(steps), "valid": 1})
        m.submodules.memory = memory = Ram(shape=word.size, depth=inputs)

        cleared = Signal(range(inputs))
        running = Signal()
        with m.If(self.clear):
            m.d.sync += [self.busy.eq(1), cleared.eq(0)]
        with m.Elif(self.busy):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == inputs - 1):
                m.d.sync += [self.busy.eq(0), running.eq(1)]

        # Stage 1: the event of which the memory shows the word. Stage 2: the output.
        event = Signal(event_layout(inputs=inputs))
        valid = Signal()
        looked_up = Signal()
        step = Signal(range(steps))
        move = Signal()
        judged = Signal()
        last_end = Signal()
        ahead = Signal()
        m.d.comb += [
            move.eq(valid & (~self.o.valid | self.o.ready)),
            judged.eq(move & looked_up),
            last_end.eq(valid & event.end & (step == steps - 1)),
            ahead.eq((step != self.step) | (valid & event.end)),
            self.i.ready.eq(running & ~last_end & (~valid | move) & ~(self.hold & ahead)),
            memory.read.eq(self.i.valid & self.i.ready & ~self.i.p.end & ~self.flush),
            memory.read_address.eq(self.i.p.pre),
        ]
        last = word(memory.read_data)
        # The step of a spike is earlier than the present one, so the difference has no sign.
        age = Signal(range(steps))
        dropped = Signal()
        written = Signal(word)
        m.d.comb += [
            age.eq(step - last.step),
            dropped.eq(last.valid & (age <= self._refractory_steps)),
            written.step.eq(Mux(self.busy, 0, Mux(dropped, last.step, step))),
            written.valid.eq(~self.busy),
            memory.write.eq(judged | self.busy),
            memory.write_address.eq(Mux(self.busy, cleared, event.pre)),
            memory.write_data.eq(written),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [event.eq(self.i.p), valid.eq(1), looked_up.eq(memory.read)]
        with m.Elif(move):
            m.d.sync += valid.eq(0)
        with m.If(move):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.p.event.eq(event),
                self.o.p.dropped.eq(dropped),
                self.o.p.last_step.eq(written.step),
            ]
            with m.If(event.end):
                m.d.sync += step.eq(step + 1)
                with m.If(last_end):
                    m.d.sync += running.eq(0)
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.clear):
            m.d.sync += step.eq(0)
        with m.If(self.stop):
            m.d.sync += [running.eq(0), valid.eq(0), self.o.valid.eq(0)]
        return m
