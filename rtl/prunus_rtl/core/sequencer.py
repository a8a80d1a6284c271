"""Sequencer: the order of what happens in a presentation, step by step."""

from __future__ import annotations

from typing import Any, Literal

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import STEP_BITS
from prunus_rtl.streams import control_layout, event_layout, spike_layout

__all__ = ["Sequencer"]

#: Members of the sequencer that counters have under the same names.
_COUNTED = ("running", "inhibited_step", "input_spike", "integrated_spike", "output_spike")


class Sequencer(wiring.Component):
    """State machine of the core: views, steps, inhibition, early exit, and who works when.

    A presentation goes through these states::

        Wait -> Init -> step, step, ... step -> Flush -> DrainVotes -> Report -> Wait
        step: Integrate -> DrainLanes -> Compare -> Fire -> Learn -> Decide

    With views they are gone through for each view from *Init* to *DrainVotes*, which goes on to
    *NextView* and *Init* until the last view is over or the margin is reached.

    *Integrate* hands the events of the step to the lanes; in an inhibited step they are dropped and
    the step is over with its last event. *DrainLanes* waits until the lanes have added all
    synapses and all thresholds are computed. *Compare* looks for the winner; without one the step
    is over. *Fire* sends the output spike, *Learn* waits for the learning sweep, and *Decide*, with
    a margin only, until the votes are counted. *Flush* takes the events that are left after an
    early exit; only if they come from outside. *DrainVotes* waits until the votes of the last spike
    are counted.

    In a feed-forward layer *Fire* sends all output spikes of the step, one after the other, and
    both early exits are looked at once, at the end of a step that has any.

    Timing
    ------
    One state per cycle or longer; *Init* follows the transfer of ``control`` and *Integrate* the
    last state of a step at once. ``spikes`` and ``result_valid`` are registers; ``event.ready``
    depends combinationally on ``event`` and ``pre.ready``. Clock domain ``sync``.
    How many cycles a presentation takes: :mod:`prunus_rtl.timing`.

    Parameters
    ----------
    inputs, post_bits : int
        Number of inputs; width of the index of a neuron.
    steps, inhibition_steps : int
        Steps of a presentation; steps after an output spike in which events are dropped.
    learn : bool
        Whether the core can learn.
    score_bits : int
        Width of a score.
    source : "levels" or "events"
        Whether events come from the encoder, which stops after an early exit, or from outside.
    refractory : bool
        Whether inputs are refractory.
    views : bool
        Whether a presentation has several views. Only with levels.
    feedforward : bool
        Whether all neurons that reach their threshold fire. Without learning, inhibition and views.
    step_spikes : int
        Most output spikes of a step.

    Members
    -------
    control : In(stream.Signature(control_layout(learn=learn, score_bits=score_bits)))
        Starts a presentation.
    startable : In(1)
        All that a presentation needs is there.
    waiting, begin, running, finish : Out(1)
        No presentation runs, and memories may be accessed; it begins; its cycles are counted; the
        last step is over, and all votes are counted.
    begin_view, end_view : Out(1)
        A view begins; it is over, and all votes are counted. Without views, ``begin`` and
        ``finish``.
    last_view, next_view : In(1), Out(1)
        No view follows this one; it is over, and one follows. Only with ``views``.
    learning : Out(1)
        The presentation that runs, or could begin in this cycle, learns. Only if the core can.
    forget_scores : Out(1)
        A presentation begins that does not keep the scores.
    result_valid, result_ready : Out(1), In(1)
        The result is offered, and taken.
    step, hold : Out(STEP_BITS), Out(1)
        Present step; the presentation may stop early, so that no event may be drawn ahead.
    event : In(stream.Signature(event_layout(inputs=inputs)))
        Events of all steps.
    pre : Out(stream.Signature(range(inputs)))
        Spiking inputs, for the lanes.
    input_spike, integrated_spike : Out(1)
        An input spikes, and is sent to the lanes.
    traced : Out(1)
        As ``input_spike``, for the trace.
    spike_step : Out(STEP_BITS)
        What the trace of that input is then.
    dropped, last_step : In(1), In(STEP_BITS)
        The event is a spike that a refractory input drops; the step of its last spike that was not,
        or of this one. Only with ``refractory``.
    dropped_spike, flushing : Out(1)
        A spike is dropped in a step that is not inhibited; events that are left are taken. Only
        with ``refractory``.
    step_done, inhibited_step, output_spike : Out(1)
        A step is over; an inhibited one is; there is an output spike. High for one cycle each.
    output_spikes : In(range(steps * step_spikes + 1))
        Output spikes of the view, one cycle after ``output_spike``.
    initialised, thresholds_ready, lanes_busy : In(1)
        Units that learn are ready for events; all thresholds are computed; some lane still works.
    compare, forget : Out(1)
        Look for the winner; set all potentials to 0.
    membrane_idle, membrane_done, fires, post : In(1), In(1), In(1), In(post_bits)
        No comparison runs; it is over in this cycle; there is a winner; the winner.
    offered, last_spike, taken : In(1), In(1), Out(1)
        ``post`` is one that fires, and the last of the step; it is taken. Only with
        ``feedforward``; then ``fires`` is that some have not been taken.
    spikes : Out(stream.Signature(spike_layout(post_bits=post_bits)))
        Output spikes.
    vote : Out(stream.Signature(post_bits))
        Output spikes, for the readout.
    margin, margin_reached : Out(score_bits), In(1)
        Lead that ends the presentation, 0 for none; the leading class has it, never if it is 0.
        Valid while ``vote.ready``, which is low while votes are counted.
    learn_spike, learned : Out(1), In(1)
        Learn from the winner; that is over.
    """

    def __init__(
        self,
        *,
        inputs: int,
        post_bits: int,
        steps: int,
        inhibition_steps: int,
        learn: bool,
        score_bits: int,
        source: Literal["levels", "events"],
        refractory: bool = False,
        views: bool = False,
        feedforward: bool = False,
        step_spikes: int = 1,
    ) -> None:
        self._refractory = refractory
        self._views = views
        self._feedforward = feedforward
        self._steps = steps
        self._inhibition_steps = inhibition_steps
        self._learn = learn
        self._source = source
        super().__init__(
            {
                "control": In(stream.Signature(control_layout(learn=learn, score_bits=score_bits))),
                "startable": In(1),
                "waiting": Out(1),
                "begin": Out(1),
                "running": Out(1),
                "finish": Out(1),
                "begin_view": Out(1),
                "end_view": Out(1),
                "forget_scores": Out(1),
                "result_valid": Out(1),
                "result_ready": In(1),
                "step": Out(STEP_BITS),
                "hold": Out(1),
                "event": In(stream.Signature(event_layout(inputs=inputs))),
                "pre": Out(stream.Signature(range(inputs))),
                "input_spike": Out(1),
                "integrated_spike": Out(1),
                "traced": Out(1),
                "spike_step": Out(STEP_BITS),
                "step_done": Out(1),
                "inhibited_step": Out(1),
                "output_spike": Out(1),
                "output_spikes": In(range(steps * step_spikes + 1)),
                "initialised": In(1),
                "thresholds_ready": In(1),
                "lanes_busy": In(1),
                "compare": Out(1),
                "forget": Out(1),
                "membrane_idle": In(1),
                "membrane_done": In(1),
                "fires": In(1),
                "post": In(post_bits),
                "spikes": Out(stream.Signature(spike_layout(post_bits=post_bits))),
                "vote": Out(stream.Signature(unsigned(post_bits))),
                "margin": Out(score_bits),
                "margin_reached": In(1),
                "learn_spike": Out(1),
                "learned": In(1),
            }
            | (
                {
                    "dropped": In(1),
                    "last_step": In(STEP_BITS),
                    "dropped_spike": Out(1),
                    "flushing": Out(1),
                }
                if refractory
                else {}
            )
            | ({"last_view": In(1), "next_view": Out(1)} if views else {})
            | ({"offered": In(1), "last_spike": In(1), "taken": Out(1)} if feedforward else {})
            | ({"learning": Out(1)} if learn else {})
        )

    @property
    def counted(self) -> tuple[str, ...]:
        """Members that counters have under the same names."""
        return (*_COUNTED, "dropped_spike") if self._refractory else _COUNTED

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        from_outside = self._source == "events"
        stop_after = Signal(STEP_BITS)
        learns = Signal()
        inhibition = Signal(range(self._inhibition_steps + 1))
        lanes_idle = Signal()
        integrating = Signal()
        fire = Signal()
        last_step = Signal()
        exits = Signal()
        event = self.event.p
        m.d.sync += lanes_idle.eq(~self.lanes_busy)
        m.d.comb += [
            self.hold.eq((stop_after != 0) | (self.margin != 0)),
            last_step.eq(self.step == self._steps - 1),
            self.traced.eq(self.event.valid & self.event.ready & ~event.end & integrating),
            self.spike_step.eq(self.last_step if self._refractory else self.step),
            self.pre.payload.eq(event.pre),
            self.vote.payload.eq(self.post),
            self.learn_spike.eq(fire & learns),
        ]
        with m.If(self.spikes.ready):
            m.d.sync += self.spikes.valid.eq(0)

        def next_step(*, fired: bool = False) -> None:
            m.d.comb += self.step_done.eq(1)
            if fired:
                enough = self.output_spikes == stop_after
                if self._feedforward:
                    enough = self.output_spikes >= stop_after
                m.d.comb += exits.eq((stop_after != 0) & enough | self.margin_reached)
            # The encoder must not begin a step that will not be executed; a source of events must
            # be heard to its end.
            with m.If(from_outside or ~exits):
                m.d.sync += self.step.eq(self.step + 1)
            m.next = "Integrate"
            with m.If(exits & ~last_step):
                m.next = "Flush" if from_outside else "DrainVotes"
            with m.If(last_step):
                m.next = "DrainVotes"

        def after_spike() -> None:
            with m.If(self.hold if self._feedforward else self.margin != 0):
                m.next = "Decide"
            with m.Else():
                next_step(fired=not self._feedforward)

        def finish() -> None:
            m.d.comb += self.finish.eq(1)
            m.d.sync += self.result_valid.eq(1)
            m.next = "Report"

        with m.FSM(name="core") as fsm:
            m.d.comb += self.running.eq(~fsm.ongoing("Wait") & ~fsm.ongoing("Report"))
            if self._refractory and from_outside:
                m.d.comb += self.flushing.eq(fsm.ongoing("Flush"))
            begins: Any = self.begin
            if self._views:
                begins |= fsm.ongoing("NextView")
            m.d.comb += self.begin_view.eq(begins)
            if self._learn:
                # Without views it is of use when a presentation begins only.
                learning = self.control.p.learn
                if self._views:
                    learning = Mux(fsm.ongoing("Wait"), learning, learns)
                m.d.comb += self.learning.eq(learning)
            with m.State("Wait"):
                m.d.comb += [
                    self.control.ready.eq(self.startable),
                    self.waiting.eq(1),
                    self.begin.eq(self.control.valid & self.control.ready),
                    self.forget_scores.eq(self.begin & ~self.control.p.keep),
                ]
                m.d.sync += [self.step.eq(0), inhibition.eq(0)]
                with m.If(self.begin):
                    m.d.sync += [
                        stop_after.eq(self.control.p.stop_after),
                        self.margin.eq(self.control.p.margin),
                    ]
                    if self._learn:
                        m.d.sync += learns.eq(self.control.p.learn)
                    m.next = "Init"
            with m.State("Init"):
                with m.If(self.membrane_idle & self.initialised & self.thresholds_ready):
                    m.next = "Integrate"
            with m.State("Integrate"):
                inhibited = inhibition != 0
                spike = self.event.valid & ~event.end
                ignored = inhibited | self.dropped if self._refractory else inhibited
                m.d.comb += [
                    integrating.eq(1),
                    self.pre.valid.eq(spike & ~ignored),
                    self.event.ready.eq(event.end | ignored | self.pre.ready),
                    self.input_spike.eq(spike & self.event.ready),
                    self.integrated_spike.eq(spike & self.event.ready & ~ignored),
                ]
                if self._refractory:
                    m.d.comb += self.dropped_spike.eq(spike & self.dropped & ~inhibited)
                with m.If(self.event.valid & event.end):
                    m.next = "DrainLanes"
                    with m.If(inhibited):
                        m.d.comb += self.inhibited_step.eq(1)
                        m.d.sync += inhibition.eq(inhibition - 1)
                        next_step()
            with m.State("DrainLanes"):
                with m.If(lanes_idle & self.thresholds_ready):
                    m.d.comb += self.compare.eq(1)
                    m.next = "Compare"
            with m.State("Compare"):
                with m.If(self.membrane_done):
                    with m.If(self.fires):
                        if not self._feedforward:
                            m.d.comb += [self.forget.eq(1), self.output_spike.eq(1)]
                            m.d.sync += inhibition.eq(self._inhibition_steps)
                        m.next = "Fire"
                    with m.Else():
                        next_step()
            with m.State("Fire"):
                sendable = ~self.spikes.valid | self.spikes.ready
                if self._feedforward:
                    sendable &= self.offered
                m.d.comb += self.vote.valid.eq(sendable)
                with m.If(sendable & self.vote.ready):
                    m.d.comb += fire.eq(1)
                    m.d.sync += [
                        self.spikes.valid.eq(1),
                        self.spikes.p.step.eq(self.step),
                        self.spikes.p.post.eq(self.post),
                    ]
                    if self._learn:
                        with m.If(learns):
                            m.next = "Learn"
                        with m.Else():
                            after_spike()
                    elif self._feedforward:
                        m.d.comb += [self.taken.eq(1), self.output_spike.eq(1)]
                        with m.If(self.last_spike):
                            after_spike()
                    else:
                        after_spike()
            if self._learn:
                with m.State("Learn"):
                    with m.If(self.learned):
                        after_spike()
            with m.State("Decide"):
                # Without a margin, one cycle until the output spikes are counted.
                counted = self.vote.ready
                if self._feedforward:
                    counted |= self.margin == 0
                with m.If(counted):
                    next_step(fired=True)
            if from_outside:
                with m.State("Flush"):
                    m.d.comb += self.event.ready.eq(1)
                    with m.If(self.event.valid & event.end):
                        m.d.sync += self.step.eq(self.step + 1)
                        with m.If(last_step):
                            m.next = "DrainVotes"
            with m.State("DrainVotes"):
                with m.If(self.vote.ready & self.thresholds_ready):
                    m.d.comb += self.end_view.eq(1)
                    if self._views:
                        with m.If(self.last_view | self.margin_reached):
                            finish()
                        with m.Else():
                            m.d.comb += self.next_view.eq(1)
                            m.next = "NextView"
                    else:
                        finish()
            if self._views:
                with m.State("NextView"):
                    m.d.sync += [self.step.eq(0), inhibition.eq(0)]
                    m.next = "Init"
            with m.State("Report"):
                with m.If(self.result_ready):
                    m.d.sync += self.result_valid.eq(0)
                    m.next = "Wait"
        return m
