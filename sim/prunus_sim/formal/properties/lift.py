"""Properties of pruning by lift: factor, decision and rates are the formulas of semantics 6.2."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
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
        Share and ramp.
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
        ramp = Signal(64)
        level = Signal(8)
        scaled = Signal(64)
        shown, spikes = 1 << policy.ramp, 1 << learned
        m.d.comb += [
            unit.start.eq(self.start),
            ramp.eq(
                Mux(self.presentation < shown, self.presentation, shown)
                * Mux(self.post_count < spikes, self.post_count, spikes)
                * policy.share
            ),
            level.eq(ramp >> policy.ramp + learned),
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

    The unit is used as its docstring demands; the memory port is not. The factor may be anything.

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
            free={"begin": 1, "spike": 1, "read": 1, "recent": 1, "weight": weight_bits}
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        inputs, w_max = 2, max_of(self._weight_bits)
        unit = Lift(
            inputs=inputs,
            policy=LiftPruning(ramp_shift=0),
            depression_shift=0,
            weight_bits=self._weight_bits,
            strength_bits=self._weight_bits + 1,
            multiplier="dsp" if self._dsp else "sequential",
            init=[65535, 40000],
        )
        inside = opened(unit)
        m.submodules.unit = unit
        factor, memory = inside.submodules["factor"], inside.submodules["memory"]
        words = words_of(m, memory, name="rate")
        m.d.comb += [
            getattr(unit, name).eq(getattr(self, name))
            for name in ("begin", "spike", "read", "recent", "weight")
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
        with m.If(self.begin | unit.ready):
            m.d.sync += [left.eq(inputs), finding.eq(0), summed.eq(1), sweeping.eq(unit.ready)]
        idle = (left == 0) & (quiet >= 2)
        # The word that is visited, two cycles after it was asked for, and its product.
        visited = past(m, self.read, name="visited", cycles=2)
        at = past(m, left == 1, name="at", cycles=2)
        rate = Signal(RATE_BITS)
        new = Signal(RATE_BITS)
        up = max_of(RATE_BITS) - rate >> RATE_SHIFT
        m.d.comb += [
            rate.eq(Mux(at, words[1], words[0])),
            new.eq(Mux(self.recent, rate + up, rate - (rate >> RATE_SHIFT))),
        ]
        product = Signal(RATE_BITS + LIFT_FACTOR_BITS)
        # A solver takes too long for two multipliers of different make.
        term: Any = 0
        for place, digit in enumerate(factor.factor):
            term = term + Mux(digit, rate << place, 0)
        m.d.comb += product.eq(rate * factor.factor if self._dsp else term)
        bound = product >> 28 - self._weight_bits
        limit = past(m, Mux(bound < w_max, bound, w_max), name="limit")
        moved = past(m, new, name="new")
        was_at = past(m, at, name="was_at")
        was_swept = past(m, visited & sweeping, name="was_swept")
        changed = [past(m, word, name=f"rate{k}") != word for k, word in enumerate(words)]
        known = started(m, cycles=1)
        m.d.comb += [
            Assume(self.begin + self.spike + self.read <= 1),
            Assume(implies(self.read, left != 0)),
            Assume(implies(self.begin | self.spike, (left == 0) & (quiet == 3) & ~finding)),
            Assume(implies(self.spike, summed)),
            Assert(
                implies(was_swept, Mux(was_at, words[1], words[0]) == moved),
                "a rate moves as its formula says",
            ),
            Assert(
                implies(known & changed[0], was_swept & ~was_at)
                & implies(known & changed[1], was_swept & was_at),
                "no rate changes but that which is swept",
            ),
            Assert(
                implies(summed & idle, factor.rate_sum == words[0] + words[1]),
                "the sum is that of all rates",
            ),
            Assert(
                implies(was_swept, unit.prune == (self.weight < limit)),
                "prunes iff the weight is below the threshold",
            ),
            Cover(was_swept & was_at, "swept"),
            Cover(sweeping & idle, "a sum after a sweep"),
        ]
        return m


def _factor(policy: LiftPruning, depression_shift: int, weight_bits: int) -> Case:
    return Case(
        name="factor of pruning by lift = formula",
        sizes=f"{_STRENGTH_BITS}-bit strength, {_SUM_BITS}-bit sum, share {policy.share}",
        build=lambda: LiftFactorProperties(
            policy=policy, depression_shift=depression_shift, weight_bits=weight_bits
        ),
        bmc=33,
        cover=33,
    )


def _sweep(*, weight_bits: int, dsp: bool) -> Case:
    return Case(
        name="rates, their sum, and decisions = formula",
        sizes=f"2 pre, {weight_bits}-bit weights" + (", dsp" if dsp else ""),
        build=lambda: LiftProperties(weight_bits=weight_bits, dsp=dsp),
        bmc=40,
        cover=40,
    )


CASES = (
    _factor(LiftPruning(share=192, ramp_shift=2), 1, 8),
    _factor(LiftPruning(share=3, ramp_shift=0), 0, 4),
    _sweep(weight_bits=8, dsp=False),
    _sweep(weight_bits=4, dsp=True),
)
