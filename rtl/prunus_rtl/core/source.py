"""Where the events of a core come from: its encoder or outside, then the refractory inputs."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, ResetInserter, Signal
from amaranth.lib import wiring

from prunus_rtl.core.sequencer import Sequencer
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.encoder.refractory import Refractory
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.shapes import Shapes

__all__ = ["build_source"]


def build_source(m: Module, s: Shapes, sequencer: Sequencer, outside: Any, seed: Any) -> Any:
    """Build what is between the inputs of a core and its sequencer.

    Parameters
    ----------
    m : Module
        Module of the core; units and wires are added to it.
    s : Shapes
        Of the core.
    sequencer : Sequencer
        Its sequencer, which takes the events.
    outside : stream
        Levels or events, as a member of the core seen from within.
    seed : value
        Seed of the encoder stream, mixed.

    Returns
    -------
    value
        Whether there is something to be shown.
    """
    source = sequencer.event
    if s.refractory:
        m.submodules.refractory = refractory = Refractory(
            inputs=s.network.inputs,
            steps=s.network.encoder.steps,
            refractory_steps=s.network.encoder.refractory_steps,
        )
        source = refractory.i
        m.d.comb += [
            refractory.clear.eq(sequencer.begin_view),
            refractory.stop.eq(sequencer.end_view),
            refractory.hold.eq(sequencer.hold),
            refractory.step.eq(sequencer.step),
            refractory.flush.eq(sequencer.flushing),
            sequencer.event.payload.eq(refractory.o.p.event),
            sequencer.dropped.eq(refractory.o.p.dropped),
            sequencer.last_step.eq(refractory.o.p.last_step),
            sequencer.event.valid.eq(refractory.o.valid),
            refractory.o.ready.eq(sequencer.event.ready),
        ]
    if s.hardware.source == "events":
        wiring.connect(m, outside, source)
        return Const(1)
    m.submodules.encoder = encoder = Encoder(
        inputs=s.network.inputs,
        steps=s.network.encoder.steps,
        low_discrepancy=s.low_discrepancy,
        view_indices=s.network.view_indices if s.gathers else None,
        image_levels=s.network.image_levels,
        per_cycle=s.hardware.encoder_inputs,
    )
    m.submodules.events = fifo = ResetInserter(sequencer.end_view)(
        BroadcastQueue(shape=s.event, depth=s.hardware.event_depth, readers=1)
    )
    wiring.connect(m, outside, encoder.levels)
    wiring.connect(m, encoder.events, fifo.i)
    event = Signal(s.event)
    event_valid = Signal()
    m.d.comb += [
        encoder.start.eq(sequencer.begin_view),
        encoder.stop.eq(sequencer.finish),
        encoder.seed.eq(seed),
        # Any output spike may be the last: what follows must not be drawn before.
        encoder.hold.eq(sequencer.hold),
        encoder.step.eq(sequencer.step),
        source.payload.eq(event),
        source.valid.eq(event_valid),
        fifo.o[0].ready.eq(~event_valid | source.ready),
    ]
    # A register, because the queue is a block RAM, and what the event is decides much.
    with m.If(fifo.o[0].ready):
        m.d.sync += [event.eq(fifo.o[0].payload), event_valid.eq(fifo.o[0].valid)]
    with m.If(sequencer.end_view):
        m.d.sync += event_valid.eq(0)
    if s.views:
        m.d.comb += encoder.next_view.eq(sequencer.next_view)
    return encoder.loaded
