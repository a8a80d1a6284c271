"""Properties of learning: the new weight, and the sweep over a column of the learning store."""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring

from prunus_model.spec.formats import RANDOM_BITS, SEED_BITS
from prunus_model.spec.units import StdpParams
from prunus_rtl.plasticity.stdp import LearningSweep, WeightUpdate
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.columns import Columns, synapse_address_layout, synapse_layout
from prunus_rtl.synapses.dense import Column, LearningStore
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, past, small, words_of

__all__ = ["CASES", "SweepProperties", "UpdateProperties", "updated"]


def updated(m: Module, *, shapes: Shapes, weight: Any, recent: Any, random: Any, name: str) -> Any:
    """Return the new weight before pruning, as semantics 5 writes it, with room to spare."""
    params = shapes.network.stdp
    w_max = shapes.network.formats.w_max
    up, down = params.potentiation_shift, params.depression_shift
    result = Signal(signed(32), name=name)
    grown = weight + ((w_max - weight + random % (1 << up)) >> up)
    shrunk = weight - ((weight + random % (1 << down)) >> down)
    m.d.comb += result.eq(Mux(recent, grown, shrunk))
    return result


class UpdateProperties(Properties):
    """The new weight equals its formula, which never leaves 0..w_max.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(free={"weight": shapes.weight, "recent": 1, "random": RANDOM_BITS})

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        w_max = s.network.formats.w_max
        m.submodules.unit = unit = WeightUpdate(
            weight_bits=s.weight.width,
            potentiation_shift=s.network.stdp.potentiation_shift,
            depression_shift=s.network.stdp.depression_shift,
        )
        new = updated(
            m, shapes=s, weight=self.weight, recent=self.recent, random=self.random, name="new"
        )
        m.d.comb += [
            unit.weight.eq(self.weight),
            unit.recent.eq(self.recent),
            unit.random.eq(self.random),
            Assert((new >= 0) & (new <= w_max), "the formula stays in 0..w_max"),
            Assert(unit.new_weight == new, "the new weight equals its formula"),
            Cover(self.recent & (unit.new_weight > self.weight), "grows"),
            Cover(~self.recent & (unit.new_weight < self.weight), "shrinks"),
        ]
        return m


class SweepProperties(Properties):
    """One sweep over a column, through the columns and into the learning stores of all lanes.

    One synapse is followed, any one. Assumed: the slot and the lane are held during a sweep and
    until its last write; the memory port waits while a sweep runs, and one access for the other;
    it never writes a weight other than 0 to a synapse that it kills.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = s = shapes
        super().__init__(
            free={
                "start": 1,
                "slot": s.slot,
                "lane": s.lane,
                "recent": 1,
                "draw": SEED_BITS,
                "prune": 1,
                "strobe": 1,
                "write": 1,
                "address": synapse_address_layout(s).size,
                "data": synapse_layout(s).size,
            },
            probes={
                "sweeping": ("unit.running", 1),
                "valid": ("unit.valid", 3),
                "pre": ("unit.pre", range(s.network.inputs + 1)),
                "write_pre": ("unit.column__write_pre", s.pre),
                "write_address": ("unit.column__write_address", range(s.network.inputs * s.slots)),
                "read_address": ("unit.address", range(s.network.inputs * s.slots)),
                "phase": ("columns.phase", 4),
            },
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        inputs, slots, lanes = s.network.inputs, s.slots, s.hardware.lanes
        m.submodules.unit = unit = LearningSweep(
            inputs=s.network.inputs,
            slots=s.slots,
            weight_bits=s.weight.width,
            strength_bits=s.strength.width,
            potentiation_shift=s.network.stdp.potentiation_shift,
            depression_shift=s.network.stdp.depression_shift,
            column=Column(s),
        )
        m.submodules.columns = columns = Columns(shapes=s)
        wiring.connect(m, unit.column, columns.sweep)
        rows, weights = [], []
        for k in range(lanes):
            store = LearningStore(shapes=s)
            inside = opened(store)
            m.submodules[f"store{k}"] = store
            wiring.connect(m, columns.columns[k], store.column)
            m.d.comb += Assert(~store.busy, "nothing is fetched during column access")
            rows += words_of(m, inside.submodules["alive"], name=f"row{k}_")
            weights += words_of(m, inside.submodules["weights"], name=f"weight{k}_")
        running = Signal()
        with m.If(self.start):
            m.d.sync += running.eq(1)
        with m.Elif(unit.done):
            m.d.sync += running.eq(0)
        accessing = self.phase.any()
        first = Signal(init=1)
        m.d.sync += first.eq(0)
        held_slot = past(m, self.slot, name="slot")
        held_lane = past(m, self.lane, name="lane")
        request = Cat(self.write, self.address, self.data)
        at = synapse_address_layout(s)(self.address)
        word = synapse_layout(s)(self.data)
        m.d.comb += [
            unit.start.eq(self.start),
            unit.slot.eq(self.slot),
            unit.recent.eq(self.recent),
            unit.draw.eq(self.draw),
            unit.prune.eq(self.prune),
            columns.lane.eq(self.lane),
            columns.access.strobe.eq(self.strobe),
            columns.access.write.eq(self.write),
            columns.access.address.eq(self.address),
            columns.access.data.eq(self.data),
            Assume((self.slot < slots) & (self.lane < lanes)),
            Assume(implies(running, (self.slot == held_slot) & (self.lane == held_lane))),
            Assume(implies(self.start, ~running & ~accessing & ~self.strobe)),
            Assume(implies(self.strobe, ~running & ~accessing)),
            Assume(implies(accessing, request == past(m, request, name="request"))),
            Assume((at.row < inputs) & (at.post[s.lane.width :] < slots)),
            Assume(implies(~word.alive, word.weight == 0)),
        ]

        # The synapse that is followed.
        lane, slot, pre = Signal(s.lane), Signal(s.slot), Signal(s.pre)
        m.d.comb += [
            lane.eq(AnyConst(s.lane)),
            slot.eq(AnyConst(s.slot)),
            pre.eq(AnyConst(s.pre)),
            Assume((lane < lanes) & (slot < slots) & (pre < inputs)),
        ]
        row = Array(rows)[lane * inputs + pre]
        alive, weight = Signal(), Signal(s.weight)
        m.d.comb += [
            alive.eq((row >> slot)[0]),
            weight.eq(Array(weights)[(lane * inputs + pre) * slots + slot]),
        ]
        was_alive = past(m, alive, name="alive")
        was = past(m, weight, name="weight")
        mine = (self.lane == lane) & (self.slot == slot)
        host_writes = self.phase[3] & self.write & (at.row == pre)
        host_writes &= at.post == Cat(lane, slot)
        hosted = past(m, host_writes, name="host_writes")

        # What goes into the update of this synapse, from the stage in which it is used.
        here = [self.sweeping & (self.pre == pre)]
        here += [past(m, here[0], name=f"here{n}", cycles=n) for n in (1, 2, 3)]
        byte = past(m, self.draw.word_select(pre[:2], RANDOM_BITS), name="byte", cycles=2)
        recent = past(m, self.recent, name="recent")
        old = past(m, weight, name="old_weight", cycles=3)
        lived = past(m, alive, name="lived", cycles=3)
        new = updated(m, shapes=s, weight=old, recent=recent, random=byte, name="new")
        pruned = past(m, unit.pruned & here[3] & mine, name="pruned_it")
        m.d.comb += [
            Assert(implies(~first & ~was_alive & alive, hosted), "alive never rises by learning"),
            Assert(
                implies(pruned, ~alive & (weight == 0)), "pruning kills a synapse, weight and all"
            ),
            Assert(
                implies(~first & was_alive & ~alive, hosted | pruned),
                "a synapse dies only by pruning, or by the memory port",
            ),
            Assert(
                implies(~first & (was != weight) & ~hosted, past(m, here[3] & mine, name="turn")),
                "a weight changes only when it is its turn in a sweep of its neuron",
            ),
            Assert(
                implies(
                    here[3] & mine & self.valid[2],
                    (unit.updated == lived)
                    & (unit.column.write == lived)
                    & implies(lived, unit.column.write_weight == Mux(self.prune, 0, new))
                    & (unit.pruned == (lived & self.prune))
                    & implies(lived, unit.weight == new),
                ),
                "an unpruned synapse gets its new weight, or is pruned",
            ),
            Assert(
                implies(self.valid[2] & here[3], self.write_pre == pre), "the input is written back"
            ),
        ]

        for n, w in enumerate(weights):
            sound = rows[n // slots][n % slots] | (w == 0)
            m.d.comb += [
                Assume(implies(first, sound)),
                Assert(sound, "a pruned synapse has weight 0"),
            ]

        # The strength is the sum of the column. Only of what has been written in this sweep.
        total = Signal(range(inputs * s.network.formats.w_max + 1))
        column = [
            Array(
                [weights[(k * inputs + p) * slots + j] for k in range(lanes) for j in range(slots)]
            )[self.lane * slots + self.slot]
            for p in range(inputs)
        ]
        written = Signal(range(inputs + 1))
        visited = Signal(range(inputs + 1))
        with m.If(self.start):
            m.d.sync += visited.eq(0)
        with m.Elif(self.valid[2]):
            m.d.sync += visited.eq(visited + 1)
        m.d.comb += written.eq(visited)
        draws = Signal(range(inputs + 1))
        with m.If(self.start):
            m.d.sync += draws.eq(0)
        with m.Elif(unit.advance):
            m.d.sync += draws.eq(draws + 1)
        m.d.comb += [
            total.eq(sum(Mux(written > p, w, 0) for p, w in enumerate(column))),
            Assert(implies(running, unit.strength == total), "strength: sum of the new weights"),
            Assert(implies(running & unit.done, visited == inputs), "every input is visited"),
            Assert(
                implies(running & unit.done, draws == -(-inputs // 4)), "a draw for four inputs"
            ),
            Cover(unit.done & (unit.strength != 0) & ~alive & mine, "a sweep with pruning is over"),
            Cover(here[3] & mine & lived & self.recent & ~self.prune & (new > old), "grows"),
            Cover(here[3] & mine & lived & ~self.prune & (new < old), "shrinks"),
            Cover(hosted & ~first & ~was_alive & alive, "the memory port revives a synapse"),
        ]

        # Invariants: how far the stages are.
        reading = self.sweeping
        flying = sum((self.valid[n] for n in range(3)), start=Value.cast(0))
        drawn_for = visited + self.valid[1] + self.valid[2]
        m.d.comb += [
            Assert(implies(reading | self.valid.any(), running), "stages are empty at rest"),
            Assert(implies(running, ~accessing), "the memory port waits"),
            Assert(running == (reading | self.valid.any() | unit.done), "a sweep ends"),
            Assert(
                (self.phase == 0)
                | (self.phase == 1)
                | (self.phase == 2)
                | (self.phase == 4)
                | (self.phase == 8),
                "one access",
            ),
            Assert(implies(running, visited + flying == self.pre), "every stage has one input"),
            Assert(
                implies(
                    running,
                    draws == Mux(drawn_for == inputs, -(-inputs // 4), drawn_for >> 2),
                ),
                "draws are taken in order",
            ),
            Assert(implies(running & reading, self.pre < inputs), "inputs that exist"),
            Assert(implies(running & ~reading, self.pre == inputs), "all inputs"),
            Assert(implies(running & ~unit.done, self.write_pre == visited), "written in order"),
            Assert(
                implies(running & ~unit.done, self.write_address == visited * slots + self.slot),
                "weights are written in order",
            ),
            Assert(
                implies(reading, self.read_address == self.pre * slots + self.slot),
                "weights are read in order",
            ),
            Assert(
                implies(reading & (self.pre > 0), self.valid[0])
                & implies(reading & (self.pre > 1), self.valid[1])
                & implies(reading & (self.pre > 2), self.valid[2]),
                "no gaps",
            ),
        ]
        return m


def _update(weight_bits: int, up: int, down: int) -> Case:
    params = StdpParams(potentiation_shift=up, depression_shift=down)

    def build() -> UpdateProperties:
        return UpdateProperties(shapes=small(weight_bits=weight_bits, network={"stdp": params}))

    return Case(
        name="new weight = formula, in 0..w_max",
        sizes=f"{weight_bits}-bit weights, shifts {up}, {down}",
        build=build,
        bmc=1,
        induction=0,
        cover=1,
    )


CASES = (
    *(
        _update(*sizes)
        for sizes in ((8, 7, 7), (8, 0, 8), (8, 3, 5), (4, 8, 2), (1, 1, 0), (5, 4, 4))
    ),
    Case(
        name="sweep: alive falls only, pruned = 0, strength",
        sizes="5 pre, 4 neurons, 2 lanes, 3-bit weights",
        build=lambda: SweepProperties(
            shapes=small(
                inputs=5,
                network={"stdp": StdpParams(potentiation_shift=2, depression_shift=1)},
            )
        ),
        bmc=12,
        induction=6,
        cover=16,
        deep=24,
    ),
)
