"""Properties of the membranes: exact sums, exact winner, no overflow."""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal, Value, signed

from prunus_model.spec.units import MembraneParams
from prunus_rtl.neurons.array import Membrane
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, small, words_of

__all__ = ["CASES", "IntegrationProperties", "WinnerProperties"]


class _MembraneProperties(Properties):
    """Membranes, used as the core uses them.

    Synapses come only while nothing runs; a comparison or clearing starts only when the last one
    has been added; after a comparison with a winner, all potentials are forgotten before the next
    synapse. Thresholds are written only while nothing runs. The memory port is not used.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        lanes = shapes.hardware.lanes
        free: dict[str, Any] = {"valid": lanes, "compare": 1, "clear": 1, "forget": 1}
        for k in range(lanes):
            free |= {f"slot{k}": shapes.slot, f"weight{k}": shapes.weight}
        free |= {"v_fire_write": 1, "v_fire_post": shapes.post, "v_fire": shapes.v_fire}
        super().__init__(
            free=free,
            probes={
                "epoch": ("unit.epoch", 1),
                "tokens": ("unit.tree.tokens", shapes.lane.width + 4),
                "sweeping": ("unit.sweep", 1),
                "peeking": ("unit.peeking", 1),
                "loading": ("unit.loading", 1),
                "at": ("unit.slot", shapes.slot),
            },
        )

    def _build(self, m: Module) -> Membrane:
        """Add the unit and its environment; keep the potentials and thresholds of all neurons."""
        s = self._shapes
        lanes, neurons = s.hardware.lanes, s.network.neurons
        unit = Membrane(
            neurons=neurons,
            lanes=lanes,
            v_bits=s.v.width,
            weight_bits=s.weight.width,
            leak_shift=s.network.membrane.leak_shift,
        )
        inside = opened(unit)
        m.submodules.unit = unit
        must_forget = Signal()
        m.d.sync += must_forget.eq(
            (must_forget | (unit.done & unit.fires)) & ~self.forget & ~self.clear
        )
        starts = self.compare | self.clear
        self.latency = s.slots + s.lane.width + 5
        self.running = running = Signal(name="running")
        cycles = Signal(range(self.latency + 1), name="cycles")
        m.d.sync += cycles.eq(Mux(starts, 1, Mux(running & ~unit.done, cycles + 1, 0)))
        with m.If(starts):
            m.d.sync += running.eq(1)
        with m.Elif(unit.done):
            m.d.sync += running.eq(0)
        m.d.comb += [
            Assert(
                unit.done == (running & (cycles == self.latency)),
                f"a comparison is over after {self.latency} cycles",
            ),
            Assert(unit.idle == ~running, "idle: no comparison runs"),
            Assert(running == (cycles != 0), "cycles are counted"),
            Assert(implies(~running, self.at == 0), "the next sweep starts with slot 0"),
            Assert(
                self.sweeping == (running & (cycles <= s.slots)), "a slot is read in each cycle"
            ),
            Assert(implies(self.sweeping, self.at == cycles - 1), "slots in order"),
            Assert(cycles <= self.latency, "a comparison ends"),
            Assert(~self.peeking & ~self.loading, "no access runs"),
            *(
                Assert(
                    self.tokens[j] == (running & (cycles > j + 1) & (cycles <= j + 1 + s.slots)),
                    "tokens follow the sweep",
                )
                for j in range(s.lane.width + 4)
            ),
        ]
        m.d.comb += [
            unit.compare.eq(self.compare),
            unit.clear.eq(self.clear),
            unit.forget.eq(self.forget),
            unit.v_fire_write.eq(self.v_fire_write),
            unit.v_fire_post.eq(self.v_fire_post),
            unit.v_fire.eq(self.v_fire),
            Assume(implies(starts, unit.idle & ~unit.busy & (self.valid == 0))),
            Assume(~(self.compare & self.clear)),
            Assume(implies(self.valid != 0, unit.idle & ~must_forget & ~unit.done)),
            Assume(implies(self.compare, ~must_forget)),
            Assume(implies(self.forget, must_forget & unit.idle)),
            Assume(implies(self.v_fire_write, unit.idle & ~starts)),
        ]
        self.must_forget = must_forget
        for k, synapse in enumerate(unit.synapses):
            m.d.comb += [
                synapse.valid.eq(self.valid[k]),
                synapse.p.slot.eq(getattr(self, f"slot{k}")),
                synapse.p.weight.eq(getattr(self, f"weight{k}")),
                Assume(getattr(self, f"slot{k}") < s.hardware.neurons_of(k, s.network)),
            ]
        # Potentials by post: words of another epoch are 0.
        self.v, self.thresholds = [Value.cast(0)] * neurons, [Value.cast(0)] * neurons
        for k in range(lanes):
            lane = opened(inside.submodules[f"lane{k}"])
            words = words_of(m, lane.submodules["v"], name=f"word{k}_")
            fires = words_of(m, lane.submodules["v_fire"], name=f"v_fire{k}_")
            for slot in range(s.hardware.neurons_of(k, s.network)):
                post = slot * lanes + k
                v = Signal(s.v, name=f"v{post}")
                m.d.comb += [
                    v.eq(Mux(words[slot].epoch == self.epoch, words[slot].v, 0)),
                    Assert(
                        implies(must_forget & unit.idle, words[slot].epoch == self.epoch),
                        "what can be forgotten was written in this epoch",
                    ),
                ]
                self.v[post], self.thresholds[post] = v, fires[slot]
        return unit


class WinnerProperties(_MembraneProperties):
    """The winner is the neuron with the largest margin of 0 or more, the lowest of equal ones.

    For any potentials and thresholds of full width. The margin is computed here with a sign and
    two bits to spare.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        neurons = s.network.neurons
        leak_shift = s.network.membrane.leak_shift
        unit = self._build(m)
        comparing, clearing = Signal(), Signal()
        margins, leaked = [], []
        starts = self.compare | self.clear
        with m.If(starts):
            m.d.sync += [comparing.eq(self.compare), clearing.eq(self.clear)]
        with m.Elif(unit.done):
            m.d.sync += [comparing.eq(0), clearing.eq(0)]
        for post in range(neurons):
            margin = Signal(signed(s.v.width + 2), name=f"margin{post}")
            after = Signal(s.v, name=f"leaked{post}")
            leak = self.v[post] >> leak_shift if leak_shift else Value.cast(0)
            with m.If(self.compare):
                m.d.sync += [
                    margin.eq(self.v[post] - self.thresholds[post]),
                    after.eq(self.v[post] - leak),
                ]
            margins.append(margin)
            leaked.append(after)
        decided = comparing & unit.done
        won = decided & unit.fires
        best = Array(margins)[unit.post]
        m.d.comb += [
            Assert(implies(won, unit.post < neurons), "only a neuron that exists wins"),
            Assert(implies(won, best >= 0), "nobody below its threshold fires"),
            Assert((comparing | clearing) == self.running, "a comparison or a clearing runs"),
            Cover(won & (unit.post == neurons - 1), "the last neuron wins"),
            Cover(decided & ~unit.fires, "nobody wins"),
            Cover(won & (best == 0), "a margin of 0 wins"),
            Cover(won & (best == (1 << s.v.width) - 1), "the largest margin wins"),
            Cover(won & (best == margins[neurons - 1]) & (unit.post == 0), "a tie"),
            Cover(clearing & unit.done, "cleared"),
        ]
        for post in range(neurons):
            m.d.comb += [
                Assert(
                    implies(decided & ~unit.fires, margins[post] < 0),
                    "somebody at its threshold fires",
                ),
                Assert(implies(won, margins[post] <= best), "the winner has the largest margin"),
                Assert(
                    implies(won & (post < unit.post), margins[post] < best),
                    "a tie goes to the lowest post",
                ),
                Assert(
                    implies(decided, self.v[post] == leaked[post]),
                    "every potential has leaked once",
                ),
                Assert(
                    implies(clearing & unit.done, self.v[post] == 0), "cleared potentials are 0"
                ),
            ]
        return m


class IntegrationProperties(_MembraneProperties):
    """Every synapse is added once, and a potential never overflows.

    One neuron is followed, any one. Assumed is what semantics 4.4 assumes: before the first
    comparison its potential is below 2**23; between two comparisons a neuron gets at most
    ``inputs`` synapses. A threshold has 23 bits, so that whoever does not win is below 2**23.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        lanes, neurons = s.hardware.lanes, s.network.neurons
        inputs, w_max = s.network.inputs, s.network.formats.w_max
        leak_shift = s.network.membrane.leak_shift
        unit = self._build(m)
        post = Signal(s.post)
        m.d.comb += [post.eq(AnyConst(s.post)), Assume(post < neurons)]
        lane, slot = post[: s.lane.width], post[s.lane.width :]
        v = Array(self.v)[post]

        # What the potential must be, in a register that is two bits too wide.
        expected = Signal(s.v.width + 2)
        leaked = Signal(s.v.width + 2)
        added = Signal(range(inputs + 1))
        hit, weight = Signal(), Signal(s.weight)
        asked, asked_weight = Signal(), Signal(s.weight)
        pending, pending_weight = Signal(), Signal(s.weight)
        adding, adding_weight = Signal(), Signal(s.weight)
        comparing = Signal()
        first = Signal(init=1)
        for k in range(lanes):
            with m.If((lane == k) & self.valid[k] & (getattr(self, f"slot{k}") == slot)):
                m.d.comb += [hit.eq(1), weight.eq(getattr(self, f"weight{k}"))]
        m.d.comb += leaked.eq(expected - (expected >> leak_shift if leak_shift else 0))
        m.d.sync += [
            first.eq(0),
            asked.eq(hit),
            asked_weight.eq(weight),
            pending.eq(asked),
            pending_weight.eq(asked_weight),
            adding.eq(pending),
            adding_weight.eq(pending_weight),
        ]
        in_flight = (
            Mux(asked, asked_weight, 0)
            + Mux(pending, pending_weight, 0)
            + Mux(adding, adding_weight, 0)
        )
        known = Signal()
        with m.If(self.clear):
            m.d.sync += [expected.eq(0), added.eq(0), known.eq(1), comparing.eq(0)]
        with m.Elif(self.compare):
            m.d.sync += [expected.eq(leaked), added.eq(0), comparing.eq(1)]
        with m.Elif(self.forget):
            m.d.sync += [expected.eq(0), comparing.eq(0)]
        with m.Elif(hit):
            m.d.sync += [expected.eq(expected + weight), added.eq(added + 1), comparing.eq(0)]
        quiet = unit.idle & ~self.must_forget
        m.d.comb += [
            Assume(implies(hit, (added < inputs) & known)),
            Assume(implies(self.compare, known)),
            Assert(added <= inputs, "synapses are counted"),
            Assert(
                implies(known & quiet, v + in_flight == expected),
                "a potential is the sum of its synapses, leaked",
            ),
            Assert(
                implies(known & quiet, expected <= (1 << s.v_fire.width) - 1 + added * w_max),
                "a potential is below 2**23, plus one step",
            ),
            Assert(
                implies(known & quiet, expected < 1 << s.v.width), "a potential never overflows"
            ),
            Cover(quiet & adding & pending & hit, "three synapses in a row"),
            Cover(quiet & comparing & (expected > 1), "a potential is left after a comparison"),
            Cover(self.forget & (expected != 0), "a potential is forgotten"),
        ]
        return m


def _full(*, neurons: int, lanes: int, leak_shift: int = 6, inputs: int = 784) -> Shapes:
    return small(
        inputs=inputs,
        neurons=neurons,
        weight_bits=8,
        lanes=lanes,
        network={"membrane": MembraneParams(leak_shift=leak_shift)},
    )


CASES = (
    Case(
        name="winner, ties, margin width, leak",
        sizes="4 neurons, 2 lanes, 24-bit v",
        build=lambda: WinnerProperties(shapes=_full(neurons=4, lanes=2)),
        minutes=1,
        bmc=11,
        induction=12,
        cover=14,
        deep=18,
    ),
    Case(
        name="winner, ties, margin width, leak",
        sizes="3 neurons, 2 lanes, 24-bit v, no leak",
        build=lambda: WinnerProperties(shapes=_full(neurons=3, lanes=2, leak_shift=0)),
        bmc=11,
        induction=12,
        cover=14,
        deep=18,
    ),
    Case(
        name="winner, ties, margin width, leak",
        sizes="5 neurons, 2 lanes, 24-bit v",
        build=lambda: WinnerProperties(shapes=_full(neurons=5, lanes=2)),
        minutes=10,
        bmc=12,
        induction=13,
        cover=14,
        deep=18,
    ),
    Case(
        name="winner, ties, margin width, leak",
        sizes="6 neurons, 4 lanes, 24-bit v",
        build=lambda: WinnerProperties(shapes=_full(neurons=6, lanes=4)),
        bmc=11,
        cover=14,
        minutes=10,
    ),
    Case(
        name="exact sums, no overflow of v",
        sizes="4 neurons, 2 lanes, 784 pre, 24-bit v",
        build=lambda: IntegrationProperties(shapes=_full(neurons=4, lanes=2)),
        minutes=2,
        bmc=14,
        induction=12,
        cover=20,
        deep=20,
    ),
)
