"""Properties of the queue of output spikes of a feed-forward layer: ascending, each once."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal, Value

from prunus_rtl.neurons.spike_queue import SpikeQueue
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, stream_rules, words_of

__all__ = ["CASES", "SpikeQueueProperties"]


class SpikeQueueProperties(Properties):
    """Every spike that is told is given out once, in ascending order.

    Parameters
    ----------
    lanes, slots : int
        Lanes, and neurons of a lane.
    """

    def __init__(self, *, lanes: int, slots: int) -> None:
        self._lanes = lanes
        self._slots = slots
        count = range(slots + 1)
        super().__init__(
            free={"write": 1, "fires": lanes, "ready": 1, "clear": 1},
            probes={
                "told": ("unit.told", count),
                "given": ("unit.given", count),
                "open": ("unit.open_lanes", lanes),
                "picking": ("unit.picking", 1),
            },
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        lanes, slots = self._lanes, self._slots
        m.submodules.unit = unit = SpikeQueue(lanes=lanes, slots=slots)
        memory: Any = opened(unit).submodules["memory"]
        words = words_of(m, memory, name="word")
        slot = Signal(range(slots + 1))
        # Neurons that were told and have not been taken, the lowest in the lowest bit.
        owed = Signal(lanes * slots)
        after = Signal(lanes * slots)
        spike = Signal(lanes * slots)
        taken = unit.spikes.valid & self.ready
        m.d.comb += [
            unit.write.eq(self.write),
            unit.slot.eq(slot),
            unit.fires.eq(self.fires),
            unit.spikes.ready.eq(self.ready),
            unit.clear.eq(self.clear),
            Assume(implies(self.write, (slot != slots) & ~self.clear)),
            spike.eq(1 << unit.spikes.payload),
            after.eq(owed & ~Mux(unit.spikes.valid, spike, 0)),
        ]
        stream_rules(m, unit.spikes, name="spikes", withdrawn=self.clear)
        with m.If(self.clear):
            m.d.sync += [slot.eq(0), owed.eq(0)]
        with m.Else():
            m.d.sync += slot.eq(slot + self.write)
            m.d.sync += owed.eq(
                Mux(taken, after, owed) | Mux(self.write, self.fires << lanes * slot, 0)
            )
        # What the words that were not given out hold.
        held: Any = Value.cast(0)
        for n, word in enumerate(words):
            waits = (self.given <= n) & (n < self.told)
            shown = word.fires & Mux(self.given == n, self.open, (1 << lanes) - 1)
            held = held | Mux(waits, shown << lanes * word.slot, 0)
            m.d.comb += [
                Assert(implies(waits, (shown != 0) & (word.slot < slot)), "no word is empty"),
                *(
                    Assert(implies(waits & (later < self.told), word.slot < words[later].slot),
                           "slots ascend")
                    for later in range(n + 1, slots)
                ),
            ]  # fmt: skip
        m.d.comb += [
            Assert(slot <= slots, "slots are counted"),
            Assert((self.given <= self.told) & (self.told <= slot), "words are counted"),
            Assert(implies(self.picking, self.given < self.told), "a word is picked from"),
            Assert(implies(self.given == self.told, self.open.all()), "a word begins whole"),
            Assert(
                implies(
                    self.picking,
                    memory.read_data.as_value() == Array(words)[self.given].as_value(),
                ),
                "it is the next one",
            ),
            Assert(implies(unit.spikes.valid, (owed & spike) != 0), "only what was told, once"),
            Assert(implies(unit.spikes.valid, (owed & (spike - 1)) == 0), "the lowest comes first"),
            Assert(after == held, "what is owed is in the words"),
            Assert(
                implies(unit.spikes.valid, unit.spikes.payload < lanes * slot), "of a slot before"
            ),
            Assert(unit.left == (owed != 0), "left: something is owed"),
            Assert(implies(unit.spikes.valid, unit.last == (after == 0)), "last: nothing else is"),
            Cover(taken & (slot == slots) & (unit.spikes.payload == lanes * slots - 1), "the last"),
            Cover(owed.all() & unit.spikes.valid, "all fire"),
        ]
        return m


CASES = (
    Case(
        name="spikes of a step, ascending, each once",
        sizes="2 lanes, 3 slots",
        build=lambda: SpikeQueueProperties(lanes=2, slots=3),
        bmc=12,
        induction=6,
        cover=18,
    ),
)
