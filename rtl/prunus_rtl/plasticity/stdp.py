"""Learning sweep: STDP and pruning over all inputs of the neuron that fired."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import RANDOM_BITS, SEED_BITS, max_of
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
from prunus_rtl.lib.total import total
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
    neuron's new strength. ``each`` inputs that follow each other are visited at once: a word.

    Timing
    ------
    One word per cycle. ``done`` comes ``words + 4`` cycles after ``start``, with ``words`` as
    ``ceil(inputs / each)``. Stages, one input per word: 0 read weight and last step; 1 is it
    recent, read alive row; 2 new weight; 3 prune or keep, write; then ``done``, from a register.
    More inputs: 0 read weights and last steps; 1 are they recent; 2 new weights, read alive rows; 3
    prune or keep, write alive rows; 4 write weights, and, in the last word, ``done``, while
    ``strength`` comes from registers through the adders of a word. There, each word is written,
    whatever has changed in it; a pruned synapse gets weight 0 again. ``prune`` is used in stage 3,
    for the first time 4 cycles after ``start``. Clock domain ``sync``.

    Parameters
    ----------
    inputs, groups, slots : int
        Number of inputs of a group; of groups; neurons of a lane.
    each : int
        Inputs of a word; a power of 2.
    weight_bits, strength_bits : int
        Width of a weight, and of the sum of all weights of a neuron.
    potentiation_shift, depression_shift : int
        As for :class:`WeightUpdate`.
    column : Column
        Access to the weight memory that has these sizes.

    Members
    -------
    first_row, first_word : In(range(groups * words)), In(range(groups * words * slots))
        First word of alive rows of the group at work, and of its weights. Held, too.
    start, slot : In(1), In(range(slots))
        Begin; the slot of the neuron, held until ``done``.
    read, read_pre : Out(1), Out(range(words))
        Ask for the last steps of a word.
    recent : In(each)
        The inputs were active recently; two cycles after ``read``.
    draw, advance, last : In(32 * draws), Out(1), Out(1)
        Learning stream: ``draws`` are ``each / 4``, or 1; ``last`` is there if a pass takes no
        multiple of them (``rest`` of :class:`prunus_rtl.encoder.prng.RandomStream`).
    column : Out(column)
        The neuron's column of the learning store.
    weight, prune : Out(each * weight_bits), In(each)
        Pruning decisions (:class:`prunus_rtl.plasticity.pruning.Pruning`).
    updated, pruned : Out(range(each + 1))
        Unpruned synapses that were visited; and pruned.
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
        each: int = 1,
        slots: int,
        weight_bits: int,
        strength_bits: int,
        potentiation_shift: int,
        depression_shift: int,
        column: Column,
    ) -> None:
        self._inputs = inputs
        self._words = -(-inputs // each)
        self._groups = groups
        self._each = each
        self._draws = max(1, each // PRE_PER_DRAW)
        self._rest = words(inputs) % self._draws
        self._slots = slots
        self._weight_bits = weight_bits
        self._potentiation_shift = potentiation_shift
        self._depression_shift = depression_shift
        super().__init__(
            {
                "first_row": In(range(self._words * groups)),
                "first_word": In(range(self._words * groups * slots)),
                "start": In(1),
                "slot": In(range(slots)),
                "read": Out(1),
                "read_pre": Out(range(self._words)),
                "recent": In(each),
                "draw": In(SEED_BITS * self._draws),
                "advance": Out(1),
                "column": Out(column),
                "weight": Out(each * weight_bits),
                "prune": In(each),
                "updated": Out(range(each + 1)),
                "pruned": Out(range(each + 1)),
                "done": Out(1),
                "strength": Out(strength_bits),
            }
            | ({"last": Out(1)} if self._rest else {})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        visits, slots, each = self._words, self._slots, self._each
        bits = self._weight_bits
        column = self.column
        updates = [
            WeightUpdate(
                weight_bits=bits,
                potentiation_shift=self._potentiation_shift,
                depression_shift=self._depression_shift,
            )
            for _ in range(each)
        ]

        running = Signal()
        valid = Signal(3 if each == 1 else 4)
        pre = Signal(range(visits + 1))
        pre_1 = Signal(range(visits))
        address = Signal(range(self._groups * visits * slots))
        weight_1 = Signal(each * bits)
        random_1 = Signal(each * RANDOM_BITS)
        new_weight = Signal(each * bits)
        grouped = self._groups > 1
        first = self.first_word + self.slot if grouped else self.slot
        with m.If(self.start):
            m.d.sync += [running.eq(1), pre.eq(0), address.eq(first)]
        with m.Elif(running):
            m.d.sync += [pre.eq(pre + 1), address.eq(address + slots)]
            with m.If(pre == visits - 1):
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
        last = pre_1 == visits - 1
        if each < PRE_PER_DRAW:
            # Visits that share a draw.
            shared = PRE_PER_DRAW // each
            place = pre_1[: (shared - 1).bit_length()]
            taken = (place == shared - 1) | last
            random = self.draw.word_select(place, each * RANDOM_BITS)
        else:
            taken, random = 1, self.draw
        m.d.comb += self.advance.eq(valid[0] & taken)
        if self._rest:
            m.d.comb += self.last.eq(last)
        m.d.sync += [weight_1.eq(column.weight), random_1.eq(random)]

        # Stage 2.
        for k, update in enumerate(updates):
            m.submodules[f"update{k}" if k else "update"] = update
            m.d.comb += [
                update.weight.eq(weight_1.word_select(k, bits)),
                update.recent.eq(self.recent[k]),
                update.random.eq(random_1.word_select(k, RANDOM_BITS)),
            ]
        m.d.sync += new_weight.eq(Cat(update.new_weight for update in updates))

        # Stage 3 and what follows.
        m.d.comb += self.weight.eq(new_weight)
        first_row = self.first_row if grouped else 0
        if each == 1:
            self._write(m, valid, first_row, first, pre_1)
        else:
            self._write_words(m, valid, first_row, first)
        return m

    def _write(self, m: Module, valid: Signal, first_row: Any, first: Any, pre_1: Signal) -> None:
        """Read the alive row in stage 1, and write in stage 3 what has changed."""
        column, new_weight = self.column, self.weight
        alive = Signal()
        kept = Signal(self._weight_bits)
        m.d.sync += alive.eq(column.alive)
        m.d.comb += [
            column.read_row.eq(valid[0]),
            column.read_pre.eq(self.first_row + pre_1 if self._groups > 1 else pre_1),
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
                column.write_pre.eq(first_row),
                column.write_address.eq(first),
            ]
        with m.Elif(valid[2]):
            m.d.sync += [
                column.write_pre.eq(column.write_pre + 1),
                column.write_address.eq(column.write_address + self._slots),
            ]
            with m.If(alive):
                m.d.sync += self.strength.eq(self.strength + kept)
        m.d.sync += self.done.eq(valid[2] & ~valid[1])

    def _write_words(self, m: Module, valid: Signal, first_row: Any, first: Any) -> None:
        """Read the alive rows in stage 2, write them in stage 3, and the weights in stage 4."""
        column, bits, each = self.column, self._weight_bits, self._each
        row = Signal.like(column.read_pre)
        alive = Signal(each)
        pruned = Signal(each)
        weight = Signal(each * bits)
        before = Signal.like(self.strength)
        stays = alive & ~pruned
        kept = [Mux(stays[k], weight.word_select(k, bits), 0) for k in range(each)]
        with m.If(self.start):
            m.d.sync += [
                before.eq(0),
                row.eq(first_row),
                column.write_pre.eq(first_row),
                column.write_address.eq(first),
            ]
        with m.If(valid[1]):
            m.d.sync += row.eq(row + 1)
        with m.If(valid[2]):
            m.d.sync += column.write_pre.eq(column.write_pre + 1)
        with m.If(valid[3]):
            m.d.sync += [
                column.write_address.eq(column.write_address + self._slots),
                before.eq(self.strength),
            ]
        m.d.sync += [
            weight.eq(self.weight),
            # Nothing is visited in the other cycles.
            alive.eq(Mux(valid[2], column.alive, 0)),
            pruned.eq(self.prune),
        ]
        m.d.comb += [
            column.read_row.eq(valid[1]),
            column.read_pre.eq(row),
            column.write_row.eq(valid[2]),
            column.write_part.eq(self.prune),
            column.write_alive.eq(0),
            column.write.eq(valid[3]),
            column.write_weight.eq(Cat(kept)),
            self.updated.eq(total(list(alive))),
            self.pruned.eq(total(list(alive & pruned))),
            self.strength.eq(before + total(kept)),
            self.done.eq(valid[3] & ~valid[2]),
        ]
