"""Pruning: the adaptive-threshold comparator unit.

The only unit that differs between pruning policies. ``adaptive`` is our reconstruction of the rule
of W. Guo et al. (Front. Neurosci. 14:598876, 2020), as in :mod:`prunus_model.reference.pruning`.
"""

from __future__ import annotations

from typing import Any, Literal

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import (
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    STRENGTH_GAIN_SHIFT,
    max_of,
)
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, PruningParams
from prunus_rtl.lib.constant_product import times

__all__ = ["Pruning"]


def _cut(value: Any, bits: int) -> Any:
    """Return a value cut to the largest one of that many bits."""
    return Mux(value[bits:].any(), max_of(bits), value[:bits])


class Pruning(wiring.Component):
    """Pruning threshold of the neuron that fired, and the decision about each of its synapses.

    The threshold equals :func:`prunus_model.reference.pruning.pruning_threshold`. Policy and
    constants are fixed when the core is generated; ``none`` has no hardware at all. Policy ``lift``
    has a unit of its own, :class:`prunus_rtl.plasticity.lift.Lift`.

    Timing
    ------
    ``w_prune`` is valid 1 cycle after its operands, and is the unit's only register: the operands
    are held, and a flip-flop costs the energy of its clock in every cycle. ``prune`` depends
    combinationally on ``weight``. No cycle is added to the sweep. Clock domain ``sync``.

    Parameters
    ----------
    policy : PruningParams
        Policy and its constants.
    weight_bits, strength_bits : int
        Width of a weight, and of the sum of all weights of a neuron.
    multiplier : "sequential" or "dsp"
        Whether the gains are multiplied by shifts and additions, or by multiplier blocks.
    each : int
        Synapses that are decided about at once.

    Members
    -------
    post_count : In(POST_COUNT_BITS)
        Output spikes of the neuron, this one included.
    strength : In(strength_bits)
        Sum of its weights, before this spike.
    presentation : In(PRESENTATION_BITS)
        Number of the presentation.
    w_prune : Out(weight_bits)
        Pruning threshold.
    weight : In(each * weight_bits)
        New weights of synapses, the first in the low bits.
    prune : Out(each)
        Prune them: ``weight < w_prune``.
    """

    def __init__(
        self,
        *,
        policy: PruningParams,
        weight_bits: int,
        strength_bits: int,
        multiplier: Literal["sequential", "dsp"],
        each: int = 1,
    ) -> None:
        self._each = each
        self._policy = policy
        self._multiplier = multiplier
        super().__init__(
            {
                "post_count": In(POST_COUNT_BITS),
                "strength": In(strength_bits),
                "presentation": In(PRESENTATION_BITS),
                "w_prune": Out(weight_bits),
                "weight": In(each * weight_bits),
                "prune": Out(each),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        policy = self._policy
        if not isinstance(policy, AdaptivePruning | ConstantPruning):
            return m

        bits = len(self.w_prune)
        m.d.comb += self.prune.eq(
            Cat(self.weight.word_select(k, bits) < self.w_prune for k in range(self._each))
        )
        started = self.presentation >= policy.start
        if isinstance(policy, ConstantPruning):
            m.d.sync += self.w_prune.eq(Mux(started, policy.w_prune, 0))
            return m

        dsp = self._multiplier == "dsp"
        bounds = []
        for operand, gain, shift in (
            (self.post_count, policy.ramp_gain, policy.ramp_shift),
            (self.strength, policy.strength_gain, STRENGTH_GAIN_SHIFT),
        ):
            product = Signal(range(((1 << len(operand)) - 1) * gain + 1))
            m.d.comb += product.eq(operand * gain if dsp else times(operand, gain))
            bounds.append(product >> shift)
        ramp, cap = bounds
        least = Mux(ramp < cap, ramp, cap)
        m.d.sync += self.w_prune.eq(Mux(started, _cut(least, len(self.w_prune)), 0))
        return m
