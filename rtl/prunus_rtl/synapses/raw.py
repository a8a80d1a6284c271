"""Packed store in the format dense: every slot has its weight, unpruned or not."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

from prunus_rtl.synapses.packed import PackedStore

__all__ = ["RawStore"]


class RawStore(PackedStore):
    """Packed store of one lane with the weights of all slots, unpruned or not.

    Every slot costs a cycle; a pruned synapse is read and not delivered. With ``spram``, the
    weights are in SPRAM.

    Parameters and members are those of :class:`prunus_rtl.synapses.packed.PackedStore`.

    Timing
    ------
    Throughput 1 slot per cycle, without a gap from pre to pre. From the transfer of a ``pre`` to
    its first synapse 2 cycles, and 1 for each pruned slot before it, hidden behind the pre before.

    ``pre.ready`` depends on registers only; ``synapse`` comes from registers and from the memory of
    weights. Clock domain ``sync``.
    """

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        image = self._image
        walking = Signal()
        fetched = Signal(range(image.slots))
        current = Signal(range(image.memories[0].depth))
        valid = Signal()
        weights = self._memory(m, 0, address=current, enable=walking)
        flagged = "alive" in weights.shape().members
        m.d.comb += self.pre.ready.eq(~walking | (fetched == image.slots - 1))
        with m.If(self.pre.ready):
            m.d.sync += [
                walking.eq(self.pre.valid),
                fetched.eq(0),
                current.eq(self.pre.payload * image.slots),
            ]
        with m.Else():
            m.d.sync += [fetched.eq(fetched + 1), current.eq(current + 1)]

        m.d.sync += [valid.eq(walking), self.synapse.p.slot.eq(fetched)]
        m.d.comb += [
            self.synapse.valid.eq(valid & (weights.alive if flagged else 1)),
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(walking | valid),
        ]
        return m
