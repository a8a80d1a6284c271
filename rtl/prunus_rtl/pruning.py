"""Pruning: the adaptive-threshold comparator unit.

The only unit that differs between pruning policies. ``adaptive`` is our reconstruction of the rule
of W. Guo et al. (Front. Neurosci. 14:598876, 2020), as in :mod:`prunus_model.pruning`.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.config import AdaptivePruning, ConstantPruning
from prunus_model.formats import (
    NEURON_THRESHOLD_BITS,
    SHARE_BITS,
    STRENGTH_GAIN_SHIFT,
    max_of,
)
from prunus_rtl.shapes import Shapes, times

__all__ = ["Pruning"]


def _cut(value: Any, bits: int) -> Any:
    """Return a value cut to the largest one of that many bits."""
    return Mux(value[bits:].any(), max_of(bits), value[:bits])


class Pruning(wiring.Component):
    """Pruning threshold of the neuron that fired, and the decision about each of its synapses.

    The threshold equals :func:`prunus_model.pruning.pruning_threshold`, scaled by the activity of
    the input, if that is kept, as by :func:`prunus_model.pruning.synapse_thresholds`. Policy and
    constants are fixed when the core is generated; ``none`` has no hardware at all.

    Timing
    ------
    ``w_prune`` is valid 1 cycle after its operands and is the unit's only register: the operands
    are held, and a flip-flop costs the energy of its clock in every cycle. With activities the
    threshold of the neuron is a register of its own, and ``w_prune`` comes 1 cycle after it and
    ``share``. ``prune`` depends combinationally on ``weight``. No cycle is added to the sweep.
    Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware. ``hardware.multiplier`` decides whether the gains are multiplied by
        shifts and additions, or by multiplier blocks. With activities there is one product of two
        variables per cycle, 10 by 8 bits, for which synthesis takes a block where there is one.

    Members
    -------
    post_count : In(shapes.post_count)
        Output spikes of the neuron, this one included.
    strength : In(shapes.strength)
        Sum of its weights, before this spike.
    presentation : In(shapes.presentation)
        Number of the presentation.
    share : In(8)
        High byte of the activity of the input; only with activities.
    w_prune : Out(shapes.weight)
        Pruning threshold.
    weight : In(shapes.weight)
        New weight of a synapse.
    prune : Out(1)
        Prune it: ``weight < w_prune``.
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
            | ({"share": In(SHARE_BITS)} if shapes.by_activity else {})
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
        if not isinstance(policy, AdaptivePruning | ConstantPruning):
            return m

        m.d.comb += self.prune.eq(self.weight < self.w_prune)
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
        if not s.by_activity:
            m.d.sync += self.w_prune.eq(Mux(started, _cut(least, len(self.w_prune)), 0))
            return m
        base = Signal(NEURON_THRESHOLD_BITS)
        scaled = _cut((base * self.share) >> SHARE_BITS, len(self.w_prune))
        m.d.sync += [
            base.eq(Mux(started, _cut(least, NEURON_THRESHOLD_BITS), 0)),
            # At least 1, unless nothing is to be pruned.
            self.w_prune.eq(scaled | (base.any() & ~scaled.any())),
        ]
        return m
