"""Properties of the pruning unit: its threshold is the formula of semantics 6, for all operands."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from prunus_model.spec.formats import STRENGTH_GAIN_SHIFT
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PruningParams,
)
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, past, small, started

__all__ = ["CASES", "PruningProperties"]


class PruningProperties(Properties):
    """The threshold equals the formula one cycle later, and decides about every weight.

    Operands may change in every cycle. The formula multiplies, where the unit shifts and adds.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(
            free={
                "post_count": shapes.post_count,
                "strength": shapes.strength,
                "presentation": shapes.presentation,
                "weight": shapes.weight,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        policy, w_max = s.network.pruning, s.network.formats.w_max
        m.submodules.unit = unit = Pruning(
            policy=s.network.pruning,
            weight_bits=s.weight.width,
            strength_bits=s.strength.width,
            multiplier=s.hardware.multiplier,
        )
        m.d.comb += [
            unit.post_count.eq(self.post_count),
            unit.strength.eq(self.strength),
            unit.presentation.eq(self.presentation),
            unit.weight.eq(self.weight),
            Assert(unit.w_prune <= w_max, "w_prune is in 0..w_max"),
            Cover(started(m, cycles=2), "a cycle passes"),
        ]
        presentation = past(m, self.presentation, name="presentation")
        known = started(m, cycles=1)
        if not isinstance(policy, AdaptivePruning | ConstantPruning):
            m.d.comb += [
                Assert(~unit.prune, "prunes nothing"),
                Assert(unit.w_prune == 0, "w_prune is 0"),
            ]
            return m

        post_count = past(m, self.post_count, name="post_count")
        strength = past(m, self.strength, name="strength")
        if isinstance(policy, ConstantPruning):
            threshold: Any = policy.w_prune
        else:
            ramp = Signal(64)
            cap = Signal(64)
            least = Signal(64)
            m.d.comb += [
                ramp.eq((post_count * policy.ramp_gain) >> policy.ramp_shift),
                cap.eq((strength * policy.strength_gain) >> STRENGTH_GAIN_SHIFT),
                least.eq(Mux(ramp < cap, ramp, cap)),
            ]
            threshold = Mux(least < w_max, least, w_max)
        expected = Signal(64)
        m.d.comb += expected.eq(Mux(presentation >= policy.start, threshold, 0))
        m.d.comb += [
            Assert(implies(known, unit.w_prune == expected), "w_prune equals its formula"),
            Assert(
                implies(known, unit.prune == (unit.weight < unit.w_prune)),
                "prunes iff weight < w_prune",
            ),
            Cover(known & unit.prune, "prunes"),
            Cover(known & (unit.weight == unit.w_prune) & (unit.weight != 0), "keeps at w_prune"),
        ]
        if policy.start:
            m.d.comb += Cover(known & (presentation == policy.start - 1), "one too early")
        return m


def _case(
    policy: PruningParams,
    sizes: str,
    *,
    weight_bits: int = 8,
    inputs: int = 784,
    dsp: bool = False,
) -> Case:
    def build() -> PruningProperties:
        shapes = small(
            inputs=inputs,
            weight_bits=weight_bits,
            network={"pruning": policy},
            hardware={"multiplier": "dsp" if dsp else "sequential"},
        )
        return PruningProperties(shapes=shapes)

    return Case(
        name=f"w_prune = formula ({policy.policy})",
        sizes=sizes,
        build=build,
        bmc=4,
        induction=3,
        cover=5,
    )


CASES = (
    _case(NoPruning(), "784 pre, 8-bit weights"),
    _case(ConstantPruning(w_prune=20, start=1000), "784 pre, 8-bit weights"),
    _case(AdaptivePruning(), "16 x 18-bit operands, gains 1, 330"),
    _case(
        AdaptivePruning(ramp_gain=3, ramp_shift=4, strength_gain=400, start=50_000),
        "16 x 18-bit operands, gains 3, 400, start",
    ),
    _case(
        AdaptivePruning(ramp_gain=65535, ramp_shift=0, strength_gain=65535),
        "16 x 18-bit operands, gains 65535",
    ),
    _case(
        AdaptivePruning(ramp_gain=43691, ramp_shift=24, strength_gain=21845, start=7),
        "16 x 14-bit operands, 4-bit weights",
        weight_bits=4,
    ),
    _case(AdaptivePruning(start=1), "16 x 18-bit operands, dsp", dsp=True),
)
