"""Learning sweep: STDP and pruning over all inputs of the neuron that fired."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import RANDOM_BITS, SEED_BITS, max_of
from prunus_model.spec.random_streams import PRE_PER_DRAW
from prunus_rtl.synapses.dense import Column

__all__ = ["LearningSweep", "WeightUpdate"]


class WeightUpdate(wiring.Component):
    """New weight of one synapse, before pruning.

    Equals :func:`prunus_model.reference.stdp.updated`. Potentiation is depression seen from
    ``w_max``, whose bits are all ones: one datapath serves both, between two rows of exclusive ors.

    Timing
    ------
    Combinational.

    Parameters
    ----------
    weight_bits : int
        Width of a weight.
    potentiation_shift, depression_shift : int
        A weight moves by that share, ``1 / 2**shift``, of its distance to the bound.

    Members
    -------
    weight : In(weight_bits)
        Weight.
    recent : In(1)
        The input was active recently: potentiate.
    random : In(8)
        Random byte, for the rounding.
    new_weight : Out(weight_bits)
        New weight.
    """

    def __init__(self, *, weight_bits: int, potentiation_shift: int, depression_shift: int) -> None:
        self._potentiation_shift = potentiation_shift
        self._depression_shift = depression_shift
        super().__init__(
            {
                "weight": In(weight_bits),
                "recent": In(1),
                "random": In(RANDOM_BITS),
                "new_weight": Out(weight_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        up, down = self._potentiation_shift, self._depression_shift
        mirror = self.recent.replicate(len(self.weight))
        distance = Signal.like(self.weight)
        rounded = Signal(max(len(self.weight), RANDOM_BITS) + 1)
        change = Signal.like(self.weight)
        moved = Signal.like(self.weight)
        m.d.comb += distance.eq(self.weight ^ mirror)
        if up == down:
            m.d.comb += [
                rounded.eq(distance + (self.random & max_of(up))),
                change.eq(rounded >> up),
            ]
        else:
            kept = Mux(self.recent, max_of(up), max_of(down))
            m.d.comb += [
                rounded.eq(distance + (self.random & kept)),
                change.eq(Mux(self.recent, rounded >> up, rounded >> down)),
            ]
        m.d.comb += [moved.eq(distance - change), self.new_weight.eq(moved ^ mirror)]
        return m


class LearningSweep(wiring.Component):
    """One pass over all inputs of a neuron, in ascending order.

    With groups, the rows of the learning store are those of all of them, one after the other.

    An unpruned synapse gets its new weight, or is pruned. The sum of the new weights is the
    neuron's new strength.

    Timing
    ------
    One input per cycle. ``done`` comes ``inputs + 4`` cycles after ``start``. Stages: 0 read weight
    and last step; 1 is it recent, read alive row; 2 new weight; 3 prune or keep, write. ``prune``
    is used in stage 3, for the first time 4 cycles after ``start``. Clock domain ``sync``.

    Parameters
    ----------
    inputs, groups, slots : int
        Number of inputs of a group; of groups; neurons of a lane.
    weight_bits, strength_bits : int
        Width of a weight, and of the sum of all weights of a neuron.
    potentiation_shift, depression_shift : int
        As for :class:`WeightUpdate`.
    column : Column
        Access to the weight memory that has these sizes.

    Members
    -------
    first_row, first_word : In(range(rows)), In(range(rows * slots))
        Row of input 0 in the group at work, and its first weight. Held, too.
    start, slot : In(1), In(range(slots))
        Begin; the slot of the neuron, held until ``done``.
    read, read_pre : Out(1), Out(range(inputs))
        Ask for the last step of an input.
    recent : In(1)
        The input was active recently; two cycles after ``read``.
    draw, advance : In(32), Out(1)
        Learning stream.
    column : Out(column)
        The neuron's column of the learning store.
    weight, prune : Out(weight_bits), In(1)
        Pruning decision (:class:`prunus_rtl.plasticity.pruning.Pruning`).
    updated, pruned : Out(1)
        An unpruned synapse was visited; and pruned.
    done : Out(1)
        Over.
    strength : Out(strength_bits)
        New strength; valid from ``done`` until the next ``start``.
    """

    def __init__(
        self,
        *,
        inputs: int,
        groups: int = 1,
        slots: int,
        weight_bits: int,
        strength_bits: int,
        potentiation_shift: int,
        depression_shift: int,
        column: Column,
    ) -> None:
        self._inputs = inputs
        self._groups = groups
        self._slots = slots
        self._weight_bits = weight_bits
        self._potentiation_shift = potentiation_shift
        self._depression_shift = depression_shift
        super().__init__(
            {
                "first_row": In(range(inputs * groups)),
                "first_word": In(range(inputs * groups * slots)),
                "start": In(1),
                "slot": In(range(slots)),
                "read": Out(1),
                "read_pre": Out(range(inputs)),
                "recent": In(1),
                "draw": In(SEED_BITS),
                "advance": Out(1),
                "column": Out(column),
                "weight": Out(weight_bits),
                "prune": In(1),
                "updated": Out(1),
                "pruned": Out(1),
                "done": Out(1),
                "strength": Out(strength_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs, slots = self._inputs, self._slots
        column = self.column
        m.submodules.update = update = WeightUpdate(
            weight_bits=self._weight_bits,
            potentiation_shift=self._potentiation_shift,
            depression_shift=self._depression_shift,
        )

        running = Signal()
        valid = Signal(3)
        pre = Signal(range(inputs + 1))
        pre_1 = Signal(range(inputs))
        address = Signal(range(self._groups * inputs * slots))
        weight_1 = Signal(self._weight_bits)
        random_1 = Signal(RANDOM_BITS)
        new_weight = Signal(self._weight_bits)
        alive = Signal()
        grouped = self._groups > 1
        first = self.first_word + self.slot if grouped else self.slot
        with m.If(self.start):
            m.d.sync += [running.eq(1), pre.eq(0), address.eq(first)]
        with m.Elif(running):
            m.d.sync += [pre.eq(pre + 1), address.eq(address + slots)]
            with m.If(pre == inputs - 1):
                m.d.sync += running.eq(0)
        m.d.sync += valid.eq(Cat(running, valid))

        # Stage 0.
        m.d.comb += [
            self.read.eq(running),
            self.read_pre.eq(pre),
            column.mask.eq(Const(1, slots) << self.slot),
            column.read.eq(running),
            column.read_address.eq(address),
        ]
        m.d.sync += pre_1.eq(pre)

        # Stage 1. The bytes of a draw are taken from the low end.
        byte = pre_1[:2]
        m.d.comb += [
            column.read_row.eq(valid[0]),
            column.read_pre.eq(self.first_row + pre_1 if grouped else pre_1),
            self.advance.eq(valid[0] & ((byte == PRE_PER_DRAW - 1) | (pre_1 == inputs - 1))),
        ]
        m.d.sync += [
            weight_1.eq(column.weight),
            random_1.eq(self.draw.word_select(byte, RANDOM_BITS)),
        ]

        # Stage 2.
        m.d.comb += [
            update.weight.eq(weight_1),
            update.recent.eq(self.recent),
            update.random.eq(random_1),
        ]
        m.d.sync += [new_weight.eq(update.new_weight), alive.eq(column.alive)]

        # Stage 3.
        kept = Signal(self._weight_bits)
        m.d.comb += [
            self.weight.eq(new_weight),
            self.updated.eq(valid[2] & alive),
            self.pruned.eq(self.updated & self.prune),
            kept.eq(Mux(self.prune, 0, new_weight)),
            column.write.eq(self.updated),
            column.write_weight.eq(kept),
            column.write_row.eq(self.pruned),
            column.write_alive.eq(0),
        ]
        with m.If(self.start):
            m.d.sync += [
                self.strength.eq(0),
                column.write_pre.eq(self.first_row if grouped else 0),
                column.write_address.eq(first),
            ]
        with m.Elif(valid[2]):
            m.d.sync += [
                column.write_pre.eq(column.write_pre + 1),
                column.write_address.eq(column.write_address + slots),
            ]
            with m.If(alive):
                m.d.sync += self.strength.eq(self.strength + kept)
        m.d.sync += self.done.eq(valid[2] & ~valid[1])
        return m
