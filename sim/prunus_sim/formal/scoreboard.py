"""Scoreboard of a synapse store: what is still to be delivered, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Assert, Cover, Module, Mux, Signal

from prunus_sim.formal.harness import implies

__all__ = ["Scoreboard"]


class Scoreboard:
    """Inputs that a store has taken, each with the unpruned slots that it has not delivered.

    Adds to ``m`` what keeps the scoreboard, and asserts that the store delivers exactly what is on
    it: of the oldest input the lowest slot, with its weight, and nothing else.

    Parameters
    ----------
    m : Module
        Where to build.
    pre, synapse : stream
        Streams of the store; both sides are watched.
    rows : sequence
        Unpruned slots of each input, one bit each.
    weights : sequence of sequences
        Weight of each input and slot.
    depth : int
        Inputs with unpruned synapses that there is room for; a store never has taken more.
    most : int, optional
        Inputs that it is seen to have taken at most. Default: ``depth``.

    Attributes
    ----------
    count : Signal
        Inputs on the scoreboard.
    pres, lefts : list of Signal
        The inputs, oldest first, and what is left of them.
    rest : Signal
        What is left of the oldest after its next synapse.
    """

    def __init__(
        self,
        m: Module,
        *,
        pre: Any,
        synapse: Any,
        rows: Sequence[Any],
        weights: Sequence[Sequence[Any]],
        depth: int,
        most: int | None = None,
    ) -> None:
        slots = len(rows[0])
        self.count = count = Signal(range(depth + 1), name="count")
        self.pres = [Signal(range(len(rows)), name=f"pre{k}") for k in range(depth)]
        self.lefts = [Signal(slots, name=f"left{k}") for k in range(depth)]
        self.rest = Signal(slots, name="rest")
        self.slot = Signal(range(slots), name="lowest_slot")
        self.weight = Signal(len(weights[0][0]), name="its_weight")
        head = self.lefts[0]
        taken = Signal(name="pre_taken")
        sent = Signal(name="synapse_sent")
        pop = Signal(name="pop")
        remaining = Signal(range(depth + 1), name="remaining")
        row = Signal(slots, name="its_row")
        m.d.comb += [
            taken.eq(pre.valid & pre.ready),
            sent.eq(synapse.valid & synapse.ready),
            row.eq(Array(rows)[pre.payload]),
            self.rest.eq(head & (head - 1)),
            pop.eq(sent & (self.rest == 0)),
            remaining.eq(count - pop),
        ]
        for k in reversed(range(slots)):
            with m.If(head[k]):
                m.d.comb += self.slot.eq(k)
        m.d.comb += self.weight.eq(Array([Array(w)[self.slot] for w in weights])[self.pres[0]])
        lefts = [self.rest, *self.lefts[1:]]
        for k in range(depth):
            following = min(k + 1, depth - 1)
            with m.If(pop):
                m.d.sync += [
                    self.pres[k].eq(self.pres[following]),
                    self.lefts[k].eq(self.lefts[following]),
                ]
            with m.Elif(sent):
                m.d.sync += self.lefts[k].eq(lefts[k])
            with m.If(taken & (row != 0) & (remaining == k)):
                m.d.sync += [self.pres[k].eq(pre.payload), self.lefts[k].eq(row)]
        m.d.sync += count.eq(remaining + (taken & (row != 0)))
        m.d.comb += [
            Assert(count <= depth, "a store takes no more inputs than it can hold"),
            Assert(implies(synapse.valid, count != 0), "nothing is delivered twice, or unasked"),
            Assert(
                implies(synapse.valid, synapse.p.slot == self.slot),
                "slots are the unpruned ones, once each, in ascending order",
            ),
            Assert(
                implies(synapse.valid, synapse.p.weight == self.weight),
                "a slot comes with its weight",
            ),
            *(
                Assert(implies(count > k, left != 0), "no empty input is on the scoreboard")
                for k, left in enumerate(self.lefts)
            ),
            *(
                Assert(implies(count > k, waits < len(rows)), "every input exists")
                for k, waits in enumerate(self.pres)
            ),
            Cover(
                pop & (count == min(2, depth)) & synapse.p.weight.any(),
                "the last synapse of an input",
            ),
            Cover(sent & (self.rest != 0), "a synapse that is not the last"),
            Cover(count == (most or depth), "as many inputs as a store can hold"),
        ]

    def check_progress(self, m: Module, *, synapse: Any, busy: Any, pre: Any, cycles: int) -> None:
        """Assert that every fetch goes on, also if nothing is taken, and that ``busy`` falls.

        Parameters
        ----------
        m : Module
            Where to build.
        synapse, busy, pre : stream, Signal, stream
            Ports of the store.
        cycles : int
            Within so many cycles a synapse is offered; and as many after the last, with no other
            input, ``busy`` falls.
        """
        waited = Signal(range(cycles + 2), name="waited")
        idle = Signal(range(cycles + 2), name="idle_cycles")
        m.d.sync += [
            waited.eq(Mux((self.count != 0) & ~synapse.valid, waited + 1, 0)),
            idle.eq(Mux((self.count == 0) & ~pre.valid & busy, idle + 1, 0)),
        ]
        m.d.comb += [
            Assert(waited <= cycles, f"a synapse is offered within {cycles} cycles, ready or not"),
            Assert(idle <= cycles, f"busy falls within {cycles} cycles after the last synapse"),
            Assert(implies(self.count != 0, busy), "busy until everything is delivered"),
            Cover(~busy & (waited == 0) & (idle == 0), "idle"),
        ]
