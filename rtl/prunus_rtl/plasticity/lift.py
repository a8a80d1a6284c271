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

    Memory: one word per input of each group, at ``group * inputs + pre``, not cleared by reset;
    every visit reads a word, and those of a sweep write one.

    Parameters
    ----------
    inputs, groups : int
        Number of inputs of a group, and of groups.
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
        Initial rates. Default: 0.

    Members
    -------
    begin : In(1)
        A view begins: the next visits, one for each input, find the sum.
    first : In(range(inputs * groups))
        Place of the rate of input 0 of the group at work.
    spike : In(1)
        A neuron fires: find its factor.
    post_count, strength, presentation
        As for :class:`prunus_rtl.plasticity.lift_factor.LiftFactor`.
    ready : Out(1)
        The factor is there: the next visits are those of a sweep.
    read : In(1)
        Visit the next input, in ascending order.
    recent : In(1)
        Whether that input, asked for two cycles before, was active recently.
    weight : In(weight_bits)
        New weight of a synapse.
    prune : Out(1)
        Prune it: it is below the threshold of its input.
    access : In(Access(range(inputs * groups), RATE_BITS))
        Memory port.
    """

    def __init__(
        self,
        *,
        inputs: int,
        groups: int = 1,
        policy: LiftPruning,
        depression_shift: int,
        weight_bits: int,
        strength_bits: int,
        multiplier: Literal["sequential", "dsp"],
        init: list[int] | None = None,
    ) -> None:
        self._inputs = inputs
        self._groups = groups
        self._multiplier = multiplier
        self._init = init
        self._factor = LiftFactor(
            policy=policy,
            depression_shift=depression_shift,
            weight_bits=weight_bits,
            strength_bits=strength_bits,
            sum_bits=(inputs * max_of(RATE_BITS)).bit_length(),
        )
        place = range(inputs * groups)
        super().__init__(
            {
                "begin": In(1),
                "first": In(place),
                "spike": In(1),
                "post_count": In(POST_COUNT_BITS),
                "strength": In(strength_bits),
                "presentation": In(PRESENTATION_BITS),
                "ready": Out(1),
                "read": In(1),
                "recent": In(1),
                "weight": In(weight_bits),
                "prune": Out(1),
                "access": In(Access(place, unsigned(RATE_BITS))),
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
        m.submodules.memory = memory = StateMemory(
            shape=unsigned(RATE_BITS), depth=self._inputs * self._groups, init=self._init
        )
        wiring.connect(m, wiring.flipped(self.access), memory.access)

        sweeping = Signal()
        visited = Signal(2)
        rate = Signal(RATE_BITS)
        rate_sum = Signal.like(factor.rate_sum)
        mirror = self.recent.replicate(RATE_BITS)
        distance = Signal(RATE_BITS)
        change = Signal(RATE_BITS - RATE_SHIFT)
        m.d.comb += [
            factor.start.eq(self.spike),
            factor.post_count.eq(self.post_count),
            factor.strength.eq(self.strength),
            factor.presentation.eq(self.presentation),
            factor.rate_sum.eq(rate_sum),
            self.ready.eq(factor.done),
            memory.read.eq(self.read),
            distance.eq(rate ^ mirror),
            change.eq(Mux(sweeping, distance >> RATE_SHIFT, 0)),
            memory.write_data.eq((distance - change) ^ mirror),
            memory.write.eq(visited[1] & sweeping),
        ]
        m.d.sync += [visited.eq(Cat(self.read, visited)), rate.eq(memory.read_data)]
        with m.If(self.read):
            m.d.sync += memory.read_address.eq(memory.read_address + 1)
        with m.If(visited[1]):
            m.d.sync += [
                memory.write_address.eq(memory.write_address + 1),
                rate_sum.eq(rate_sum + memory.write_data),
            ]
        with m.If(self.begin | self.ready):
            first = self.first if self._groups > 1 else 0
            m.d.sync += [
                sweeping.eq(self.ready),
                memory.read_address.eq(first),
                memory.write_address.eq(first),
                rate_sum.eq(0),
            ]
        self._decide(m, memory.read_data, rate, factor.factor)
        return m

    def _decide(self, m: Module, read: Any, rate: Any, factor: Any) -> None:
        """Compare the weight with the product of a rate, now and a cycle later, and the factor."""
        weight_bits = len(self.weight)
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
        m.d.comb += self.prune.eq(self.weight < w_prune)


def _added(m: Module, total: Any, value: Any, digits: Any) -> Any:
    """Return ``(total + value * digits) >> len(digits)``: one row of adders for each digit.

    A row adds and then chooses, not the other way round, which is one LUT for each bit of it.
    """
    for digit in digits:
        row = Signal(len(value) + 1)
        m.d.comb += row.eq(Mux(digit, total + value, total))
        total = row[1:]
    return total
