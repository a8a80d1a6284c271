"""Properties of pruning by lift: factor, decision and rates are the formulas of semantics 6.1."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
    LIFT_UNIT_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    RATE_SHIFT,
    max_of,
)
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.plasticity.lift import Lift
from prunus_rtl.plasticity.lift_factor import LiftFactor
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, past, started, words_of

__all__ = ["CASES", "LiftFactorProperties", "LiftProperties"]

#: Bits of strength and of the sum of the rates that a solver can take.
_STRENGTH_BITS, _SUM_BITS = 2, 4


class LiftFactorProperties(Properties):
    """The factor is the formula for all operands, and is there when the unit says.

    Parameters
    ----------
    policy : LiftPruning
        Share, and length of the training.
    depression_shift, weight_bits : int
        As for the unit.
    """

    def __init__(self, *, policy: LiftPruning, depression_shift: int, weight_bits: int) -> None:
        self._policy = policy
        self._depression_shift = depression_shift
        self._weight_bits = weight_bits
        super().__init__(
            free={
                "start": 1,
                "post_count": POST_COUNT_BITS,
                "strength": _STRENGTH_BITS,
                "presentation": PRESENTATION_BITS,
                "rate_sum": _SUM_BITS,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        policy, learned = self._policy, self._depression_shift + 1
        m.submodules.unit = unit = LiftFactor(
            policy=policy,
            depression_shift=self._depression_shift,
            weight_bits=self._weight_bits,
            strength_bits=_STRENGTH_BITS,
            sum_bits=_SUM_BITS,
        )
        names = ("post_count", "strength", "presentation", "rate_sum")
        for name in names:
            m.d.comb += getattr(unit, name).eq(getattr(self, name))
        cycles = Signal(range(unit.cycles + 2))
        running = cycles != 0
        with m.If(self.start):
            m.d.sync += cycles.eq(1)
        with m.Elif(running):
            m.d.sync += cycles.eq(Mux(unit.done, 0, cycles + 1))
        known = past(m, unit.done, name="done")
        held = [
            implies(running & (cycles > 1) | known, value == past(m, value, name=name))
            for name in names
            for value in [getattr(self, name)]
        ]
        level = Signal(8)
        scaled = Signal(64)
        spikes = 1 << learned
        elapsed = Signal(LIFT_UNIT_BITS)
        shown = self.presentation >> policy.unit_shift
        more = self.post_count * (policy.units - elapsed)
        m.d.comb += [
            unit.start.eq(self.start),
            elapsed.eq(Mux(shown < policy.units, shown, policy.units)),
            level.eq(
                Mux(
                    more <= elapsed << learned + 1,
                    Mux(self.post_count < spikes, self.post_count, spikes) * policy.share
                    >> learned,
                    0,
                )
            ),
            scaled.eq(self.strength * level << 20 - self._weight_bits),
        ]
        most = max_of(LIFT_FACTOR_BITS)
        below = unit.factor * self.rate_sum <= scaled
        above = (unit.factor + 1) * self.rate_sum > scaled
        m.d.comb += [
            Assume(implies(self.start, ~running)),
            *(Assume(same) for same in held),
            Assume(self.rate_sum != 0),
            Assert(unit.done == (cycles == unit.cycles), "done comes when it should"),
            Assert(
                implies(known, below & (above | (unit.factor == most))),
                "the factor is the quotient, rounded down",
            ),
            Cover(known & (unit.factor == most), "the factor is cut"),
            Cover(known & (unit.factor != most) & (unit.factor > 99), "a factor"),
        ]
        return m


class LiftProperties(Properties):
    """Rates change as they should, their sum is kept, and decisions are those of the product.

    The unit is used as its docstring demands. The factor is not computed: three of its digits may
    be anything, which a solver can multiply, and it comes at any time after a spike. The host
    writes anything between views.

    Parameters
    ----------
    weight_bits : int
        Width of a weight.
    dsp : bool
        Multiplier blocks.
    """

    def __init__(self, *, weight_bits: int, dsp: bool) -> None:
        self._weight_bits = weight_bits
        self._dsp = dsp
        super().__init__(
            free={
                "begin": 1,
                "spike": 1,
                "found": 1,
                "digits": 3,
                "read": 1,
                "recent": 1,
                "weight": weight_bits,
                "write": 1,
                "address": 1,
                "word": RATE_BITS,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        inputs, w_max = 2, max_of(self._weight_bits)
        unit = Lift(
            inputs=inputs,
            policy=LiftPruning(length=1),
            depression_shift=0,
            weight_bits=self._weight_bits,
            strength_bits=self._weight_bits + 1,
            multiplier="dsp" if self._dsp else "sequential",
        )
        inside = opened(unit)
        m.submodules.unit = unit
        factor, memory = inside.submodules["factor"], inside.submodules["memory"]
        outside = Module()
        # The ends of the two halves in which it is multiplied.
        high, middle, low = self.digits
        digits = {LIFT_FACTOR_BITS - 1: high, LIFT_FACTOR_BITS // 2: middle, 0: low}
        value: Any = 0
        for place, digit in digits.items():
            value = value | digit << place
        outside.d.comb += [factor.done.eq(self.found), factor.factor.eq(value)]
        object.__setattr__(factor, "elaborate", lambda _platform: outside)
        words = words_of(m, memory, name="rate")
        m.d.comb += [
            getattr(unit, name).eq(getattr(self, name))
            for name in ("begin", "spike", "read", "recent", "weight")
        ]
        m.d.comb += [
            unit.access.strobe.eq(self.write),
            unit.access.write.eq(1),
            unit.access.address.eq(self.address),
            unit.access.data.eq(self.word),
        ]
        # Visits that are still to come of a sum or a sweep, and cycles since the last one.
        left = Signal(range(inputs + 1))
        quiet = Signal(range(4))
        finding, summed, sweeping = Signal(), Signal(), Signal()
        with m.If(self.read):
            m.d.sync += [left.eq(left - 1), quiet.eq(0)]
        with m.Elif(quiet != 3):
            m.d.sync += quiet.eq(quiet + 1)
        with m.If(self.spike):
            m.d.sync += finding.eq(1)
        with m.If(self.write):
            m.d.sync += summed.eq(0)
        with m.If(self.begin | self.found):
            m.d.sync += [left.eq(inputs), finding.eq(0), summed.eq(1), sweeping.eq(self.found)]
        resting = (left == 0) & (quiet == 3) & ~finding
        idle = (left == 0) & (quiet >= 2)

        # One, two and three cycles after an input was asked for.
        read = past(m, self.read, name="read", cycles=1)
        at = past(m, left == 1, name="at", cycles=1)
        visited = past(m, read & sweeping, name="visited")
        late = past(m, at, name="late")
        rate = past(m, memory.read_data, name="rate")
        up = max_of(RATE_BITS) - rate >> RATE_SHIFT
        new = Signal(RATE_BITS)
        m.d.comb += new.eq(Mux(self.recent, rate + up, rate - (rate >> RATE_SHIFT)))
        term: Any = 0
        for place, digit in digits.items():
            term = term + Mux(digit, memory.read_data << place, 0)
        product = Signal(RATE_BITS + LIFT_FACTOR_BITS)
        m.d.comb += product.eq(term)
        bound = past(m, product, name="product", cycles=2) >> 28 - self._weight_bits
        limit = Mux(bound < w_max, bound, w_max)
        swept = past(m, visited, name="swept")
        swept_at = past(m, late, name="swept_at")
        moved = past(m, new, name="moved")
        changed = [past(m, word, name=f"old{k}") != word for k, word in enumerate(words)]
        written = past(m, self.write, name="written")
        known = started(m, cycles=1)
        m.d.comb += [
            Assume(self.begin + self.spike + self.found + self.read + self.write <= 1),
            Assume(implies(self.read, left != 0)),
            Assume(implies(self.begin | self.spike | self.write, resting)),
            Assume(implies(self.spike, summed)),
            Assume(implies(self.found, finding)),
            Assume(implies(known & ~finding, self.digits == past(m, self.digits, name="digits"))),
            Assert(
                implies(read, memory.read_data == Mux(at, words[1], words[0])),
                "the rate that is read is that of the next input",
            ),
            Assert(
                implies(swept, Mux(swept_at, words[1], words[0]) == moved),
                "a rate moves as its formula says",
            ),
            Assert(
                implies(known & changed[0], written | (swept & ~swept_at))
                & implies(known & changed[1], written | (swept & swept_at)),
                "no rate changes but that which is swept",
            ),
            Assert(
                implies(summed & idle, factor.rate_sum == words[0] + words[1]),
                "the sum is that of all rates",
            ),
            Assert(
                implies(swept, unit.prune == (self.weight < limit)),
                "prunes iff the weight is below the threshold",
            ),
            Cover(swept & swept_at & (limit == 3) & unit.prune, "prunes"),
            Cover(sweeping & idle & (words[0] != words[1]), "a sum after a sweep"),
        ]
        return m


def _factor(policy: LiftPruning, depression_shift: int, weight_bits: int) -> Case:
    return Case(
        name="factor of pruning by lift = formula",
        sizes=f"{_STRENGTH_BITS}-bit strength, {_SUM_BITS}-bit sum, share {policy.share}",
        build=lambda: LiftFactorProperties(
            policy=policy, depression_shift=depression_shift, weight_bits=weight_bits
        ),
        bmc=37,
        cover=37,
    )


def _sweep(*, weight_bits: int, dsp: bool) -> Case:
    return Case(
        name="rates, their sum, and decisions = formula",
        sizes=f"2 pre, {weight_bits}-bit weights" + (", dsp" if dsp else ""),
        build=lambda: LiftProperties(weight_bits=weight_bits, dsp=dsp),
        bmc=18,
        cover=18,
    )


CASES = (
    _factor(LiftPruning(share=192, length=5), 1, 8),
    _factor(LiftPruning(share=3, length=1), 0, 4),
    _sweep(weight_bits=8, dsp=False),
    _sweep(weight_bits=4, dsp=True),
)
