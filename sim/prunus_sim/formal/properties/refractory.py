"""Properties of the refractory inputs: which spikes are dropped; none is lost, changed or ahead."""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.encoder import EncoderParams
from prunus_rtl.encoder.refractory import Refractory
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import held, implies, opened, small, stream_rules

__all__ = ["CASES", "RefractoryProperties"]


class RefractoryProperties(Properties):
    """A spike is dropped iff its input was heard so few steps before; here for any input.

    A presentation is stopped at any time. With ``hold``, which stays during one, the step that is
    executed follows the ends of steps that were taken, at any time.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(
            free={
                "clear": 1,
                "stop": 1,
                "hold": 1,
                "next": 1,
                "valid": 1,
                "payload": shapes.event.size,
                "ready": 1,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        inputs, encoder = s.network.inputs, s.network.encoder
        steps = encoder.steps
        unit = Refractory(inputs=inputs, steps=steps, refractory_steps=encoder.refractory_steps)
        opened(unit)
        m.submodules.unit = unit
        shown, holding = Signal(), Signal()
        # Ends of steps that came in, went out, and were executed.
        began, ended, step = (Signal(range(steps + 1), name=n) for n in ("began", "ended", "step"))
        inside = Signal(range(4))
        tracked = Signal(s.pre)
        seen, known, last = Signal(), Signal(), Signal(s.step)
        m.d.comb += [
            tracked.eq(AnyConst(s.pre)),
            unit.clear.eq(self.clear),
            unit.stop.eq(self.stop),
            unit.hold.eq(holding),
            unit.step.eq(step),
            unit.flush.eq(0),
            unit.i.valid.eq(self.valid),
            unit.i.payload.eq(self.payload),
            unit.o.ready.eq(self.ready),
            Assume(implies(self.clear, ~shown)),
            Assume(implies(self.stop, shown & ~unit.busy)),
            Assume(implies(unit.i.valid & ~unit.i.p.end, unit.i.p.pre < inputs)),
            # An input spikes once in a step.
            Assume(~(unit.i.valid & ~unit.i.p.end & (unit.i.p.pre == tracked) & seen)),
        ]
        m.d.sync += shown.eq((shown | self.clear) & ~self.stop)
        with m.If(~shown):
            m.d.sync += holding.eq(self.hold)
        held(m, unit.i, name="i")
        stream_rules(m, unit.o, name="o", withdrawn=self.stop)
        taken, given = unit.i.valid & unit.i.ready, unit.o.valid & unit.o.ready
        event, dropped = unit.o.p.event, unit.o.p.dropped
        of_tracked = given & ~event.end & (event.pre == tracked)
        near = known & (ended - last <= encoder.refractory_steps)
        with m.If(taken):
            with m.If(unit.i.p.end):
                m.d.sync += [began.eq(began + 1), seen.eq(0)]
            with m.Elif(unit.i.p.pre == tracked):
                m.d.sync += seen.eq(1)
        with m.If(given & event.end):
            m.d.sync += ended.eq(ended + 1)
        with m.If(of_tracked & ~dropped):
            m.d.sync += [known.eq(1), last.eq(ended)]
        with m.If(self.next & (step < ended)):
            m.d.sync += step.eq(step + 1)
        m.d.sync += inside.eq(inside + taken - given)
        with m.If(self.clear):
            m.d.sync += [began.eq(0), ended.eq(0), step.eq(0), known.eq(0), seen.eq(0)]
        with m.If(self.clear | self.stop):
            m.d.sync += inside.eq(0)
        m.d.comb += [
            Assert(implies(unit.o.valid | taken, shown & ~unit.busy), "nothing before or after"),
            Assert(implies(of_tracked, dropped == near), "dropped iff its input was just heard"),
            Assert(
                implies(of_tracked, unit.o.p.last_step == Mux(near, last, ended)),
                "the step to keep is that of the last spike that was heard",
            ),
            Assert(inside <= 2, "no more than two events are inside"),
            Assert(implies(inside == 0, ~unit.o.valid), "nothing comes out that did not come in"),
            Assert((began <= steps) & (ended <= began), "no event after the last end"),
            Assert(implies(taken & (began == steps), 0), "no event of the next presentation"),
            Assert(implies(taken & holding, began == step), "no step ahead"),
            Cover(of_tracked & dropped, "a spike is dropped"),
            Cover(of_tracked & known & ~dropped, "an input is heard again"),
            Cover(ended == steps, "all steps are over"),
            Cover(taken & (began > step) & (ended < began), "ahead of the step that is executed"),
            Cover(self.stop & unit.o.valid & ~unit.o.ready, "an event is withdrawn"),
        ]
        return m


CASES = (
    Case(
        name="dropped spikes, stream rules, no step ahead",
        sizes="3 pre, 4 steps, 2 refractory",
        build=lambda: RefractoryProperties(
            shapes=small(
                inputs=3,
                network={"encoder": EncoderParams(steps=4, refractory_steps=2)},
            )
        ),
        bmc=18,
        cover=22,
        deep=26,
    ),
)
