"""Factor of the pruning thresholds by lift: products and a quotient, one bit per cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
    LIFT_UNIT_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
)
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.lib.constant_product import times
from prunus_rtl.widths import LIFT_FACTOR_STEPS, SHARE_BITS

__all__ = ["LiftFactor"]


class LiftFactor(wiring.Component):
    """By what the rate of an input is multiplied to be a pruning threshold of the neuron.

    Equals :func:`prunus_model.reference.lift.lift_factor`, unless ``rate_sum`` is 0: then all rates
    are 0, and so are their products with any factor. One register is the sum of the first product,
    ``post_count * (units - elapsed)``, which decides whether the neuron is pruned yet, then that of
    the second, ``strength * level``, and then the rest of the division; it moves up by one bit per
    cycle, and one adder takes what is added to it, or taken.

    Timing
    ------
    ``done`` is high :data:`prunus_rtl.widths.LIFT_FACTOR_STEPS` cycles after ``start``: 1 for the
    operands to come, 8 for the spikes that the neuron has still to learn from, 8 for the product of
    level and strength, and 15 for the quotient, of which the first finds out whether it is too
    large. ``factor`` is valid one cycle later, until the next ``start``. ``done`` is a function of
    registers. Clock domain ``sync``.

    Parameters
    ----------
    policy : LiftPruning
        Share, and length of the training.
    depression_shift : int
        Of the learning rule: the neuron has learned after ``2**(depression_shift + 1)`` spikes.
    weight_bits, strength_bits, sum_bits : int
        Width of a weight, of the sum of all weights of a neuron, and of the sum of all rates.

    Members
    -------
    start : In(1)
        Begin. Not before ``done``.
    post_count, strength : In(POST_COUNT_BITS), In(strength_bits)
        Output spikes of the neuron, this one included, and sum of its weights; held from the cycle
        after ``start`` until ``done``.
    presentation : In(PRESENTATION_BITS)
        Number of the presentation. Held, too.
    rate_sum : In(sum_bits)
        Sum of the rates of all inputs. Held, too.
    done : Out(1)
        Over.
    factor : Out(LIFT_FACTOR_BITS)
        The factor.
    """

    def __init__(
        self,
        *,
        policy: LiftPruning,
        depression_shift: int,
        weight_bits: int,
        strength_bits: int,
        sum_bits: int,
    ) -> None:
        self._policy = policy
        self._learned_shift = depression_shift + 1
        self._weight_bits = weight_bits
        super().__init__(
            {
                "start": In(1),
                "post_count": In(POST_COUNT_BITS),
                "strength": In(strength_bits),
                "presentation": In(PRESENTATION_BITS),
                "rate_sum": In(sum_bits),
                "done": Out(1),
                "factor": Out(LIFT_FACTOR_BITS),
            }
        )

    @property
    def cycles(self) -> int:
        """Cycles from ``start`` to ``done``."""
        return LIFT_FACTOR_STEPS

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        units, learned = self._policy.units, self._learned_shift
        shown = self.presentation >> self._policy.unit_shift
        elapsed = Signal(LIFT_UNIT_BITS)
        remaining = Signal(LIFT_UNIT_BITS)
        level = Signal(SHARE_BITS)
        m.d.comb += [
            elapsed.eq(Mux(shown < units, shown, units)),
            remaining.eq(units - elapsed),
            level.eq(times(_limited(self.post_count, learned), self._policy.share) >> learned),
        ]
        # The quotient has 20 - weight_bits bits behind the point, and LIFT_FACTOR_BITS in all: so
        # many places the strength is moved up or the sum of the rates is.
        up = max(0, LIFT_FACTOR_BITS + self._weight_bits - 20)
        raised = self.strength << max(0, 20 - self._weight_bits - LIFT_FACTOR_BITS)
        down = self.rate_sum << up + 1
        width = max(POST_COUNT_BITS + LIFT_UNIT_BITS, len(raised) + SHARE_BITS + 1, len(down) + 1)

        divisor = Signal(width)
        rest = Signal(width)
        digits = Signal(max(LIFT_UNIT_BITS, SHARE_BITS))
        left = Signal(range(max(LIFT_UNIT_BITS, SHARE_BITS, LIFT_FACTOR_BITS + 1)))
        last = left == 0
        working = Signal()
        dividing = Signal()
        too_large = Signal()
        operand = Signal(width)
        moved = Signal(width)
        total = Signal(width + 1)
        found = Signal(width)
        fits = total[-1]
        m.d.comb += [
            divisor.eq(down),
            moved.eq(rest << 1),
            total.eq(moved + operand + dividing),
            found.eq(Mux(Mux(dividing, fits, digits[-1]), total, moved)),
        ]

        with m.If(working):
            m.d.sync += [rest.eq(found), digits.eq(digits << 1), left.eq(left - 1)]
        with m.FSM(name="lift_factor"):
            with m.State("Wait"):
                with m.If(self.start):
                    m.next = "Load"
            with m.State("Load"):
                m.d.sync += [
                    rest.eq(0),
                    digits.eq(remaining << len(digits) - LIFT_UNIT_BITS),
                    left.eq(LIFT_UNIT_BITS - 1),
                    too_large.eq(0),
                ]
                m.next = "Compare"
            with m.State("Compare"):
                m.d.comb += [working.eq(1), operand.eq(self.post_count)]
                with m.If(last):
                    pruned = found <= elapsed << learned + 1
                    m.d.sync += [
                        rest.eq(0),
                        digits.eq(Mux(pruned, level, 0) << len(digits) - SHARE_BITS),
                        left.eq(SHARE_BITS - 1),
                    ]
                    m.next = "Multiply"
            with m.State("Multiply"):
                m.d.comb += [working.eq(1), operand.eq(raised)]
                with m.If(last):
                    m.d.sync += left.eq(LIFT_FACTOR_BITS)
                    m.next = "Divide"
            with m.State("Divide"):
                m.d.comb += [
                    working.eq(1),
                    operand.eq(~divisor),
                    dividing.eq(1),
                    self.done.eq(last),
                ]
                m.d.sync += self.factor.eq(Cat(fits | too_large, self.factor))
                with m.If(left == LIFT_FACTOR_BITS):
                    m.d.sync += too_large.eq(fits)
                with m.If(last):
                    m.next = "Wait"
        return m


def _limited(value: Any, bits: int) -> Any:
    """Return ``min(value, 2**bits)``, in one bit more."""
    return Mux(value[bits:].any(), 1 << bits, value[:bits])
