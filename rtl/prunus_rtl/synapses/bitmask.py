"""Packed store in the format bitmask: a bit for each slot, and the unpruned weights."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

from prunus_rtl.lib.priority import index_of
from prunus_rtl.synapses.packed import PackedStore

__all__ = ["BitmaskStore"]


class BitmaskStore(PackedStore):
    """Packed store of one lane with a bit mask for each input, and the unpruned weights.

    It looks up the mask of the next input while it finds the lowest set bit of the current one.
    With ``spram``, the weights are in SPRAM and the masks in block RAM.

    Parameters and members are those of :class:`prunus_rtl.synapses.packed.PackedStore`.

    Timing
    ------
    Throughput 1 synapse per cycle, without a gap from pre to pre, and 1 pre per cycle if none has a
    synapse. From the transfer of a ``pre`` to its first synapse 3 cycles, hidden behind the pre
    before.

    ``pre.ready`` depends on registers and on the mask that was just read; ``synapse`` comes from
    registers and from the memory of weights. Clock domain ``sync``.
    """

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        slots = self._image.slots
        fetching = Signal()
        row = self._memory(m, 0, address=self.pre.payload, enable=fetching)

        # `row` belongs to an accepted pre if `looked_up`; it is moved on when the last is done.
        looked_up = Signal()
        some = Signal()
        load = Signal()
        m.d.comb += [
            some.eq(row.alive.any()),
            self.pre.ready.eq(~looked_up | load | ~some),
            fetching.eq(self.pre.valid & self.pre.ready),
        ]
        with m.If(self.pre.ready):
            m.d.sync += looked_up.eq(self.pre.valid)

        # Slots still to be fetched; never 0 while walking.
        walking = Signal()
        left = Signal(slots)
        current = Signal(len(row.start))
        below = Signal(slots)
        rest = Signal(slots)
        lowest = Signal(slots)
        m.d.comb += [
            below.eq(left - 1),
            rest.eq(left & below),
            lowest.eq(left & ~below),
            load.eq(~walking | ~rest.any()),
        ]
        with m.If(load):
            m.d.sync += [
                walking.eq(looked_up & some),
                left.eq(row.alive),
                current.eq(row.start),
            ]
        with m.Else():
            m.d.sync += [left.eq(rest), current.eq(current + 1)]

        weights = self._memory(m, 1, address=current, enable=walking)
        m.d.sync += [
            self.synapse.valid.eq(walking),
            self.synapse.p.slot.eq(index_of(lowest, len(self.synapse.p.slot))),
        ]
        m.d.comb += [
            self.synapse.p.weight.eq(weights.weight),
            self.busy.eq(looked_up | walking | self.synapse.valid),
        ]
        return m
