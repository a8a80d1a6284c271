"""Pruning: the adaptive-threshold comparator unit.

The only unit that differs between pruning policies. ``adaptive`` is our reconstruction of the rule
of W. Guo et al. (Front. Neurosci. 14:598876, 2020), as in :mod:`prunus_model.reference.pruning`.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import AdaptivePruning, ConstantPruning
from prunus_model.spec.formats import STRENGTH_GAIN_SHIFT, max_of
from prunus_rtl.lib.constant_product import times
from prunus_rtl.shapes import Shapes

__all__ = ["Pruning"]


def _cut(value: Any, bits: int) -> Any:
    """Return a value cut to the largest one of that many bits."""
    return Mux(value[bits:].any(), max_of(bits), value[:bits])


class Pruning(wiring.Component):
    """Pruning threshold of the neuron that fired, and the decision about each of its synapses.

    The threshold equals :func:`prunus_model.reference.pruning.pruning_threshold`. If the network
    has ``redundancy``, synapses of redundant inputs are pruned, too, whatever the policy
    (:mod:`prunus_model.reference.redundancy`). Policy and constants are fixed when the core is
    generated; ``none`` without redundancy has no hardware at all.

    Timing
    ------
    ``w_prune`` is valid 1 cycle after its operands, and ``redundant`` is delayed by 1 cycle; they
    are the unit's only registers: the operands are held, and a flip-flop costs the energy of its
    clock in every cycle. ``prune`` depends combinationally on ``weight``. No cycle is added to the
    sweep. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware. ``hardware.multiplier`` decides whether the gains are multiplied by
        shifts and additions, or by multiplier blocks.

    Members
    -------
    post_count : In(shapes.post_count)
        Output spikes of the neuron, this one included.
    strength : In(shapes.strength)
        Sum of its weights, before this spike.
    presentation : In(shapes.presentation)
        Number of the presentation.
    redundant : In(1)
        The synapse that comes in the next cycle is of a redundant input; only with
        ``shapes.redundancy``.
    w_prune : Out(shapes.weight)
        Pruning threshold.
    weight : In(shapes.weight)
        New weight of a synapse.
    prune : Out(1)
        Prune it: ``weight < w_prune``, or its input is redundant.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(
            {
                "post_count": In(shapes.post_count),
                "strength": In(shapes.strength),
                "presentation": In(shapes.presentation),
                "w_prune": Out(shapes.weight),
                "weight": In(shapes.weight),
                "prune": Out(1),
            }
            | ({"redundant": In(1)} if shapes.redundancy else {})
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        policy = s.network.pruning
        redundant = Signal()
        if s.redundancy and s.network.redundancy:
            late = self.presentation >= s.network.redundancy.start
            m.d.sync += redundant.eq(self.redundant & late)
        if not isinstance(policy, AdaptivePruning | ConstantPruning):
            m.d.comb += self.prune.eq(redundant)
            return m

        m.d.comb += self.prune.eq((self.weight < self.w_prune) | redundant)
        started = self.presentation >= policy.start
        if isinstance(policy, ConstantPruning):
            m.d.sync += self.w_prune.eq(Mux(started, policy.w_prune, 0))
            return m

        dsp = s.hardware.multiplier == "dsp"
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
