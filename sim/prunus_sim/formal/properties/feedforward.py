"""Properties of a feed-forward layer: a step adds, fires, resets, leaks and clips exactly."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import (
    Assert,
    Assume,
    Cat,
    Const,
    Cover,
    Module,
    Mux,
    Signal,
    Value,
    signed,
)

from prunus_model.spec.feedforward import FeedforwardParams, Reset
from prunus_model.spec.formats import V_SIGNED_BITS
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.units import MembraneParams
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, small, words_of

__all__ = ["CASES", "LayerProperties"]

_LOWEST, _HIGHEST = -(1 << V_SIGNED_BITS - 1), (1 << V_SIGNED_BITS - 1) - 1


class LayerProperties(Properties):
    """A comparison does what semantics 4.9 says of a step, for any potentials that there can be.

    Synapses come only while nothing runs; a comparison or clearing starts only when the last one
    has been added. The memory port writes thresholds and biases while nothing else happens. The new
    potential is computed here in two bits more than the unit has. Which neurons fire is looked at
    where the queue of output spikes is told; what that gives out is proved of it alone
    (:mod:`.spike_queue`). Potentials, thresholds and biases are those in the memories when a
    comparison starts, whatever they are: that synapses and the memory port get there is not proved,
    but compared in lockstep.

    Parameters
    ----------
    reset : "zero" or "subtract"
        What is left of a potential that reached its threshold.
    leak_shift : int
        Leak; none if it is 0.
    neurons : int
        Neurons, in two lanes.
    """

    def __init__(self, *, reset: Reset, leak_shift: int, neurons: int) -> None:
        self._reset = reset
        self._shapes = shapes = small(
            inputs=784,
            neurons=neurons,
            weight_bits=8,
            lanes=2,
            network={
                "feedforward": FeedforwardParams(reset=reset),
                "membrane": MembraneParams(leak_shift=leak_shift),
                "pruning": NoPruning(),
            },
            hardware={"learn": False},
        )
        lanes = shapes.hardware.lanes
        free: dict[str, Any] = {"valid": lanes, "compare": 1, "clear": 1, "ready": 1}
        for k in range(lanes):
            free |= {f"slot{k}": shapes.slot, f"weight{k}": shapes.weight}
        free |= {"write": 1, "to_bias": 1, "place": shapes.post, "data": shapes.v_fire}
        super().__init__(
            free=free,
            probes={
                "told": ("unit.queue.write", 1),
                "told_slot": ("unit.queue.slot", shapes.slot),
                "told_fires": ("unit.queue.fires", lanes),
                "cleared": ("unit.queue.clear", 1),
            },
        )

    def _build(self, m: Module) -> FeedforwardMembrane:
        """Add the unit and its environment; keep the memories of all neurons."""
        s = self._shapes
        lanes, neurons = s.hardware.lanes, s.network.neurons
        m.submodules.unit = unit = FeedforwardMembrane(
            neurons=neurons,
            lanes=lanes,
            v_bits=s.v.width,
            weight_bits=s.weight.width,
            leak_shift=s.network.membrane.leak_shift,
            reset=self._reset,
        )
        inside = opened(unit)
        latency = s.slots + 6
        starts = self.compare | self.clear
        cycles = Signal(range(latency + 1))
        accesses = unit.v_fire_access, unit.bias_access
        writing, to_bias = Signal(name="writing"), Signal(name="writing_bias")
        place, data = Signal(s.post, name="writing_place"), Signal(s.v_fire, name="writing_data")
        with m.If(self.write):
            m.d.sync += [
                writing.eq(1),
                to_bias.eq(self.to_bias),
                place.eq(self.place),
                data.eq(self.data),
            ]
        with m.If(accesses[0].done | accesses[1].done):
            m.d.sync += writing.eq(0)
        for access, strobe in zip(accesses, (writing & ~to_bias, writing & to_bias), strict=True):
            m.d.comb += [
                access.strobe.eq(strobe),
                access.write.eq(1),
                access.address.eq(place),
                access.data.eq(data),
            ]
        going = (cycles != 0) & ~unit.done
        m.d.sync += cycles.eq(Mux(starts, 1, Mux(going, cycles + 1, 0)))
        m.d.comb += [
            unit.compare.eq(self.compare),
            unit.clear.eq(self.clear),
            unit.spikes.ready.eq(self.ready),
            Assume(~(self.compare & self.clear)),
            Assume(implies(starts, unit.idle & ~unit.busy & (self.valid == 0) & ~writing)),
            Assume(implies(self.valid != 0, unit.idle & ~writing)),
            Assume(
                implies(
                    self.write,
                    unit.idle & ~unit.busy & ~starts & (self.valid == 0) & ~writing,
                )
            ),
            Assert(
                unit.done == (cycles == latency),
                f"a comparison is over after {latency} cycles",
            ),
            Assert(implies(cycles != 0, ~unit.idle), "idle: no comparison runs"),
            Assert(self.cleared == starts, "the queue of output spikes begins empty"),
        ]
        for k, synapse in enumerate(unit.synapses):
            m.d.comb += [
                synapse.valid.eq(self.valid[k]),
                synapse.p.slot.eq(getattr(self, f"slot{k}")),
                synapse.p.weight.eq(getattr(self, f"weight{k}")),
                Assume(getattr(self, f"slot{k}") < s.hardware.neurons_of(k, s.network)),
            ]
        self.words: dict[str, list[Any]] = {
            name: [Value.cast(0)] * neurons for name in ("v", "v_fire", "bias")
        }
        for k in range(lanes):
            lane = opened(inside.submodules[f"lane{k}"])
            for name, of in self.words.items():
                words = words_of(m, lane.submodules[name], name=f"{name}{k}_")
                for slot in range(s.hardware.neurons_of(k, s.network)):
                    of[slot * lanes + k] = words[slot]
        return unit

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        lanes, neurons = s.hardware.lanes, s.network.neurons
        formats, shift = s.network.formats, s.network.membrane.leak_shift
        unit = self._build(m)
        # How far the synapses of a step can take a potential.
        least = _LOWEST + s.network.inputs * formats.w_min
        most = _HIGHEST + s.network.inputs * formats.w_max
        comparing = Signal()
        clearing = Signal()
        with m.If(self.compare | self.clear):
            m.d.sync += [comparing.eq(self.compare), clearing.eq(self.clear)]
        with m.Elif(unit.done):
            m.d.sync += [comparing.eq(0), clearing.eq(0)]
        fires = Signal(neurons)
        rows = Signal(range(s.slots + 1))
        wide = signed(s.v.width + 2)
        left = [Signal(wide, name=f"left{post}") for post in range(neurons)]
        for post in range(neurons):
            v, v_fire, bias = (self.words[name][post] for name in ("v", "v_fire", "bias"))
            total, rest, leaked, clipped = (
                Signal(wide, name=f"{name}{post}")
                for name in ("total", "rest", "leaked", "clipped")
            )
            above = total - v_fire if self._reset == "subtract" else 0
            m.d.comb += [
                Assume(implies(self.compare, (v >= least) & (v <= most))),
                total.eq(v + bias),
                rest.eq(Mux(total >= v_fire, above, total)),
                leaked.eq(rest - (rest >> shift) if shift else rest),
                clipped.eq(leaked),
            ]
            with m.If(leaked < _LOWEST):
                m.d.comb += clipped.eq(_LOWEST)
            with m.Elif(leaked > _HIGHEST):
                m.d.comb += clipped.eq(_HIGHEST)
            with m.If(self.compare):
                m.d.sync += [
                    fires[post].eq(total >= v_fire),
                    left[post].eq(clipped),
                ]
            m.d.comb += [
                Assert(
                    implies(comparing & unit.done, v == left[post]),
                    "a potential is what the step leaves",
                ),
                Assert(implies(clearing & unit.done, v == 0), "cleared potentials are 0"),
            ]
        # What the queue is told: each slot once, in order.
        row = Signal(lanes)
        padded = Cat(fires, Const(0, lanes * s.slots - neurons))
        m.d.comb += row.eq(padded.word_select(self.told_slot, lanes))
        with m.If(self.compare):
            m.d.sync += rows.eq(0)
        with m.Elif(self.told):
            m.d.sync += rows.eq(rows + 1)
        decided = comparing & unit.done
        m.d.comb += [
            Assert(implies(self.told, comparing), "only a comparison tells spikes"),
            Assert(implies(self.told, self.told_slot == rows), "slots are told in order"),
            Assert(
                implies(self.told, self.told_fires == row),
                "those fire that reach their threshold, and no others",
            ),
            Assert(implies(decided, rows == s.slots), "all slots are told"),
            Cover(decided & fires.all(), "all fire"),
            Cover(decided & ~fires.any(), "nobody fires"),
            Cover(decided & (left[neurons - 1] < 0), "a potential is negative"),
            Cover(clearing & unit.done, "cleared"),
        ]
        if not shift:
            # A leak takes every potential that there can be back to 24 bits.
            m.d.comb += Cover(decided & (left[0] == _LOWEST), "a potential is clipped")
        return m


# 9 steps are a comparison, 19 two of them with whatever comes in between.
CASES = (
    Case(
        name="step of a layer: fire, reset, leak, clip",
        sizes="3 neurons, 2 lanes, 24-bit v, reset by subtraction",
        build=lambda: LayerProperties(reset="subtract", leak_shift=4, neurons=3),
        bmc=9,
        cover=11,
    ),
    Case(
        name="step of a layer: fire, reset, leak, clip",
        sizes="3 neurons, 2 lanes, 24-bit v, no leak",
        build=lambda: LayerProperties(reset="zero", leak_shift=0, neurons=3),
        bmc=19,
        cover=11,
    ),
)
