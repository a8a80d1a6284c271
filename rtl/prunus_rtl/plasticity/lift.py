"""Pruning by lift: how often each input is active, and a threshold for each synapse by that."""

from __future__ import annotations

from typing import Any, Literal

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    RATE_SHIFT,
    max_of,
)
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.lib.total import total
from prunus_rtl.lib.word_memory import WordMemory, joined
from prunus_rtl.plasticity.lift_factor import LiftFactor
from prunus_rtl.streams import Access

__all__ = ["Lift"]


class Lift(wiring.Component):
    """Rates of the inputs, and the decision about each synapse of the neuron that fired.

    Equals :mod:`prunus_model.reference.lift`. With groups each has rates of its own, one group
    behind the other.

    At an output spike the factor of the neuron is found; then the sweep visits all inputs. The
    threshold of an input is the factor times its rate, from before the sweep, after which the rate
    moves: up is down seen from the other end, one subtraction between two rows of exclusive ors.
    The sum of the rates, which the factor needs, is added up anew by every sweep, and when a view
    begins, by a visit that changes no rate: so it is right whatever was written to the memory.

    Timing
    ------
    ``ready`` comes :attr:`factor_cycles` cycles after ``spike``, and the sweep may read from the
    next cycle on. A visit takes one cycle or more; ``recent`` is needed two cycles after ``read``,
    and is the stage in which the memory is written; ``prune`` is about that input one cycle later,
    and depends combinationally on ``weight``. From the last visit to ``spike`` there must be 3
    cycles. Clock domain ``sync``.

    Memory: one word for each ``each`` inputs of a group, at ``group * words + pre // each``, not
    cleared by reset; every visit reads a word, and those of a sweep write one.

    Parameters
    ----------
    inputs, groups : int
        Number of inputs of a group, and of groups.
    each : int
        Inputs of a visit, which follow each other; a power of 2. The last visit may have fewer.
    policy : LiftPruning
        Share and ramp.
    depression_shift : int
        Of the learning rule.
    weight_bits, strength_bits : int
        Width of a weight, and of the sum of all weights of a neuron.
    multiplier : "sequential" or "dsp"
        Whether a rate is multiplied by rows of adders, half of them in each of two cycles, or by a
        multiplier block.
    init : list of int, optional
        Initial rates, of ``groups * inputs`` inputs. Default: 0.

    Members
    -------
    begin : In(1)
        A view begins: the next visits, one for each word, find the sum.
    first : In(range(words * groups))
        First word of the group at work; ``words`` is ``ceil(inputs / each)``.
    spike : In(1)
        A neuron fires: find its factor.
    post_count, strength, presentation
        As for :class:`prunus_rtl.plasticity.lift_factor.LiftFactor`.
    ready : Out(1)
        The factor is there: the next visits are those of a sweep.
    read : In(1)
        Visit the next inputs, in ascending order.
    recent : In(each)
        Whether those inputs, asked for two cycles before, were active recently. 0 beyond the last
        one.
    weight : In(each * weight_bits)
        New weights of their synapses, the first in the low bits.
    prune : Out(each)
        Prune them: they are below the thresholds of their inputs.
    access : In(Access(range(each * words * groups), RATE_BITS))
        Memory port: rates at ``group * words * each + pre``.
    """

    def __init__(
        self,
        *,
        inputs: int,
        groups: int = 1,
        each: int = 1,
        policy: LiftPruning,
        depression_shift: int,
        weight_bits: int,
        strength_bits: int,
        multiplier: Literal["sequential", "dsp"],
        init: list[int] | None = None,
    ) -> None:
        self._groups = groups
        self._each = each
        self._words = -(-inputs // each)
        self._weight_bits = weight_bits
        self._multiplier = multiplier
        self._init = None
        if init is not None:
            self._init = [
                word
                for first in range(0, len(init), inputs)
                for word in joined(init[first : first + inputs], bits=RATE_BITS, each=each)
            ]
        self._factor = LiftFactor(
            policy=policy,
            depression_shift=depression_shift,
            weight_bits=weight_bits,
            strength_bits=strength_bits,
            sum_bits=(inputs * max_of(RATE_BITS)).bit_length(),
        )
        words = self._words * groups
        super().__init__(
            {
                "begin": In(1),
                "first": In(range(words)),
                "spike": In(1),
                "post_count": In(POST_COUNT_BITS),
                "strength": In(strength_bits),
                "presentation": In(PRESENTATION_BITS),
                "ready": Out(1),
                "read": In(1),
                "recent": In(each),
                "weight": In(each * weight_bits),
                "prune": Out(each),
                "access": In(Access(range(words * each), unsigned(RATE_BITS))),
            }
        )

    @property
    def factor_cycles(self) -> int:
        """Cycles from ``spike`` to ``ready``."""
        return self._factor.cycles

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.factor = factor = self._factor
        each, words = self._each, self._words * self._groups
        shape = unsigned(RATE_BITS)
        memory: StateMemory | WordMemory
        if each == 1:
            memory = StateMemory(shape=shape, depth=words, init=self._init)
        else:
            memory = WordMemory(shape=shape, each=each, depth=words, init=self._init)
        m.submodules.memory = memory
        wiring.connect(m, wiring.flipped(self.access), memory.access)

        sweeping = Signal()
        visited = Signal(2)
        rates = Signal(each * RATE_BITS)
        rate_sum = Signal.like(factor.rate_sum)
        moved = [
            _moved(m, rates.word_select(k, RATE_BITS), self.recent[k], sweeping)
            for k in range(each)
        ]
        m.d.comb += [
            factor.start.eq(self.spike),
            factor.post_count.eq(self.post_count),
            factor.strength.eq(self.strength),
            factor.presentation.eq(self.presentation),
            factor.rate_sum.eq(rate_sum),
            self.ready.eq(factor.done),
            memory.read.eq(self.read),
            memory.write_data.eq(Cat(moved)),
            memory.write.eq(visited[1] & sweeping),
        ]
        m.d.sync += [visited.eq(Cat(self.read, visited)), rates.eq(memory.read_data)]
        with m.If(self.read):
            m.d.sync += memory.read_address.eq(memory.read_address + 1)
        with m.If(visited[1]):
            m.d.sync += memory.write_address.eq(memory.write_address + 1)
        if each == 1:
            with m.If(visited[1]):
                m.d.sync += rate_sum.eq(rate_sum + memory.write_data)
        else:
            # A register between the adders of a word and that of all, one cycle later.
            added = Signal(RATE_BITS + (each - 1).bit_length())
            m.d.sync += [
                added.eq(Mux(visited[1], total(moved), 0)),
                rate_sum.eq(rate_sum + added),
            ]
        with m.If(self.begin | self.ready):
            first = self.first if self._groups > 1 else 0
            m.d.sync += [
                sweeping.eq(self.ready),
                memory.read_address.eq(first),
                memory.write_address.eq(first),
                rate_sum.eq(0),
            ]
        for k in range(each):
            read = memory.read_data.word_select(k, RATE_BITS)
            self._decide(m, k, read, rates.word_select(k, RATE_BITS), factor.factor)
        return m

    def _decide(self, m: Module, k: int, read: Any, rate: Any, factor: Any) -> None:
        """Compare weight ``k`` with a rate, shown now and a cycle later, times the factor."""
        weight_bits = self._weight_bits
        # Of the product, the bits from LIFT_FACTOR_BITS on.
        product = Signal(RATE_BITS)
        if self._multiplier == "dsp":
            m.d.sync += product.eq(read * factor >> LIFT_FACTOR_BITS)
            complete: Any = product
        else:
            half = LIFT_FACTOR_BITS // 2
            m.d.sync += product.eq(_added(m, 0, read, factor[:half]))
            complete = _added(m, product, rate, factor[half:])
        found = complete >> LIFT_FACTOR_BITS - weight_bits
        w_prune = Signal(weight_bits)
        m.d.sync += w_prune.eq(
            Mux(found[weight_bits:].any(), max_of(weight_bits), found[:weight_bits])
        )
        m.d.comb += self.prune[k].eq(self.weight.word_select(k, weight_bits) < w_prune)


def _moved(m: Module, rate: Any, recent: Any, sweeping: Any) -> Any:
    """Return a rate after a visit: up is down seen from the other end."""
    mirror = recent.replicate(RATE_BITS)
    distance = Signal(RATE_BITS)
    change = Signal(RATE_BITS - RATE_SHIFT)
    m.d.comb += [
        distance.eq(rate ^ mirror),
        change.eq(Mux(sweeping, distance >> RATE_SHIFT, 0)),
    ]
    return ((distance - change) ^ mirror)[:RATE_BITS]


def _added(m: Module, total: Any, value: Any, digits: Any) -> Any:
    """Return ``(total + value * digits) >> len(digits)``: one row of adders for each digit.

    A row adds and then chooses, not the other way round, which is one LUT for each bit of it.
    """
    for digit in digits:
        row = Signal(len(value) + 1)
        m.d.comb += row.eq(Mux(digit, total + value, total))
        total = row[1:]
    return total
