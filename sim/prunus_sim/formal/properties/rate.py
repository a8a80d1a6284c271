"""Properties of the encoder: its events obey the rules of streams, and the order of a step."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import held, implies, opened, small, stream_rules

__all__ = ["CASES", "EncoderProperties"]


class EncoderProperties(Properties):
    """Events of a step ascend and end with one end of step; there are as many as steps.

    An image is started only when one is loaded and none is shown, and stopped at any time while one
    is shown. What the random numbers are does not matter. The step that is executed follows the
    ends of steps that were taken, at any time. With ``hold``, which stays while an image is shown,
    no word of a later step is read or drawn. With groups an image is shown in views, which end
    at any time, and a word is read of the map and then of the levels. The map may hold anything, so
    that it is not said which inputs spike.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(
            free={
                "levels_valid": 1,
                "levels_payload": 8,
                "start": 1,
                "stop": 1,
                "next_view": 1,
                "seed": 32,
                "ready": 1,
                "hold": 1,
                "next": 1,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        inputs, steps = s.network.inputs, s.network.encoder.steps
        image_levels = s.network.image_levels
        unit = Encoder(
            inputs=inputs,
            steps=steps,
            view_indices=s.network.view_indices if s.gathers else None,
            image_levels=image_levels,
            per_cycle=s.hardware.encoder_inputs,
        )
        inside = opened(unit)
        m.submodules.unit = unit
        images, random = inside.submodules["images"], inside.submodules["random"]
        shown = Signal()
        holding = Signal()
        step = Signal(s.step)
        with m.If(~shown):
            m.d.sync += holding.eq(self.hold)
        over: Any = self.stop
        if s.gathers:
            over = self.stop | self.next_view
            m.d.comb += [
                unit.next_view.eq(self.next_view),
                Assume(implies(self.next_view, shown & ~self.stop)),
            ]
        m.d.sync += shown.eq((shown | self.start) & ~over)
        m.d.comb += [
            unit.levels.valid.eq(self.levels_valid),
            unit.levels.payload.eq(self.levels_payload),
            unit.start.eq(self.start),
            unit.stop.eq(self.stop),
            unit.seed.eq(self.seed),
            unit.events.ready.eq(self.ready),
            unit.hold.eq(holding),
            unit.step.eq(step),
            Assume(implies(self.start, unit.loaded & ~shown)),
            Assume(implies(self.stop, shown)),
        ]
        held(m, unit.levels, name="levels")
        stream_rules(m, unit.events, name="events", withdrawn=over)

        taken = unit.events.valid & unit.events.ready
        event = unit.events.p
        some = Signal()
        last = Signal(s.pre)
        ends = Signal(range(steps + 2))
        with m.If(self.start):
            m.d.sync += [some.eq(0), ends.eq(0)]
        with m.Elif(taken):
            m.d.sync += [some.eq(~event.end), last.eq(event.pre)]
            m.d.sync += ends.eq(ends + event.end)
        # What of this image was read and drawn, in words.
        count = s.encoder_words
        read, drawn = Signal(range(steps * count + 2)), Signal(range(steps * count + 2))
        with m.If(self.start):
            m.d.sync += [step.eq(0), read.eq(0), drawn.eq(0)]
        with m.Else():
            # With a map it is the first read that must not be in vain, and the second follows it.
            m.d.sync += [read.eq(read + images.read), drawn.eq(drawn + random.advance)]
            with m.If(self.next & (step < ends) & (ends < steps)):
                m.d.sync += step.eq(step + 1)
        allowed = Signal(range((steps + 1) * count + 1))
        m.d.comb += allowed.eq((step + 1) * count)
        # Loading: every level is taken once, and an image is full after the last.
        waiting = Signal(range(3))
        loaded = Signal(range(image_levels))
        full = unit.levels.valid & unit.levels.ready & (loaded == image_levels - 1)
        with m.If(unit.levels.valid & unit.levels.ready):
            m.d.sync += loaded.eq(Mux(full, 0, loaded + 1))
        m.d.sync += waiting.eq(waiting + full - self.stop)
        m.d.comb += [
            Assert(implies(unit.events.valid, shown), "nothing without an image"),
            Assert(
                implies(unit.events.valid & some & ~event.end, event.pre > last), "inputs ascend"
            ),
            Assert(
                implies(shown & holding, (read <= allowed) & (drawn <= allowed)), "no step ahead"
            ),
            Assert(
                implies(ends == steps, (read == steps * count) & (drawn == read)), "no word twice"
            ),
            Assert(ends <= steps, "no more ends than steps"),
            Assert(~unit.events.valid | (ends < steps), "nothing after the last step"),
            Assert(unit.loaded == (waiting != 0), "loaded: a whole image waits"),
            Assert(unit.levels.ready == (waiting < 2), "two images are taken, no more"),
            Assert(
                Const(s.gathers) | implies(unit.events.valid & ~event.end, event.pre < inputs),
                "inputs that exist",
            ),
            Cover(ends == steps, "all steps are over"),
            Cover(taken & ~event.end & some, "two spikes in a step"),
            Cover(~holding & (drawn > allowed), "ahead of the step that is executed"),
            Cover(holding & (ends == steps), "all steps are over, none was drawn ahead"),
            Cover(unit.events.valid & ~unit.events.ready & over, "an event is withdrawn"),
        ]
        return m


CASES = (
    Case(
        name="stream rules, order, steps, two images",
        sizes="5 pre, 2 steps",
        build=lambda: EncoderProperties(
            shapes=small(inputs=5, network={"encoder": EncoderParams(steps=2)})
        ),
        bmc=21,
        cover=24,
        deep=28,
    ),
    Case(
        name="the same for views",
        sizes="2 views of 5 of 6 levels, 2 steps",
        build=lambda: EncoderProperties(
            shapes=small(
                inputs=5,
                network={
                    "encoder": EncoderParams(steps=2),
                    "groups": GroupsParams(
                        image_width=3, image_height=2, indices=((5, 0, -1, 2, 1), (3, 4, 0, 1, 2))
                    ),
                },
            )
        ),
        bmc=21,
        cover=26,
        deep=28,
    ),
    Case(
        name="the same for 8 inputs per cycle",
        sizes="9 pre, 2 steps",
        build=lambda: EncoderProperties(
            shapes=small(
                inputs=9,
                network={"encoder": EncoderParams(steps=2)},
                hardware={"encoder_inputs": 8},
            )
        ),
        bmc=25,
        cover=28,
        deep=32,
    ),
    Case(
        name="the same for 16 inputs per cycle",
        sizes="5 pre, 2 steps",
        build=lambda: EncoderProperties(
            shapes=small(
                inputs=5,
                network={"encoder": EncoderParams(steps=2)},
                hardware={"encoder_inputs": 16},
            )
        ),
        bmc=21,
        cover=24,
        deep=28,
    ),
)
