"""Packed store in the format CSR, compressed sparse rows."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value

from prunus_rtl.synapses.packed import PackedStore

__all__ = ["CsrStore"]


class CsrStore(PackedStore):
    """Packed store of one lane in compressed sparse rows: row pointers, and entries.

    It reads ahead: while one row is walked, the start and the end of the next are looked up, and
    one more row waits. Rows without entries are dropped there. No address depends on a word that
    was just read, and whether an entry is the last of its row is known before it is read.

    Parameters and members are those of :class:`prunus_rtl.synapses.packed.PackedStore`.

    Timing
    ------
    Throughput 1 synapse per cycle, without a gap between two rows of two synapses or more; 2 cycles
    for each pre of one synapse or none. From the transfer of a ``pre`` to its first synapse 7
    cycles, hidden behind the rows before.

    All outputs depend on registers only, and so do the addresses, but for that of the row pointer
    of ``pre``. Clock domain ``sync``.
    """

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        # Look-up of a pre takes two reads: `second` says that the next one is that of its end, and
        # `ended`, that the end has just been read.
        second = Signal()
        ended = Signal()
        none = Signal()
        pre = Signal.like(self.pre.payload)
        place = Signal(range(self._image.inputs + 1))
        looking = Signal()
        pointer = self._memory(m, 0, address=place, enable=looking)
        start = Signal(len(pointer.start))

        # One row waits in `head`; one is walked, at `current`. A row has no more entries than there
        # are slots, or in the whole memory, so that the low bits of its end tell where it is.
        end_bits = min(max(1, (self._image.slots - 1).bit_length()), len(start))
        head = Signal(len(start))
        head_end = Signal(end_bits)
        head_valid = Signal()
        current = Signal(len(start))
        end = Signal(end_bits)
        last = Signal()
        walking = Signal()
        ends = Signal()
        push = Signal()

        def is_last(address: Value, row_end: Value) -> Value:
            return (address + 1)[:end_bits] == row_end

        m.d.comb += [
            ends.eq(~walking | last),
            push.eq(ended & ~none & (~head_valid | ends)),
            self.pre.ready.eq(~second & (~ended | none | ~head_valid | ends)),
            place.eq(Mux(second, pre + 1, self.pre.payload)),
            looking.eq(second | (self.pre.valid & self.pre.ready)),
        ]
        with m.If(self.pre.ready):
            m.d.sync += [
                second.eq(self.pre.valid),
                ended.eq(0),
                pre.eq(self.pre.payload),
            ]
        with m.If(second):
            m.d.sync += [
                second.eq(0),
                ended.eq(1),
                start.eq(pointer.start),
                none.eq(pointer.none),
            ]
        with m.If(push):
            m.d.sync += [head.eq(start), head_end.eq(pointer.start), head_valid.eq(1)]
        with m.Elif(ends):
            m.d.sync += head_valid.eq(0)
        with m.If(ends):
            m.d.sync += [
                walking.eq(head_valid),
                current.eq(head),
                end.eq(head_end),
                last.eq(is_last(head[:end_bits], head_end)),
            ]
        with m.Else():
            m.d.sync += [
                current.eq(current + 1),
                last.eq(is_last(current[:end_bits] + 1, end)),
            ]

        # A register next to the memory, and the one that is offered.
        valid = Signal()
        taken_valid = Signal()
        entry = self._memory(m, 1, address=current, enable=walking)
        taken = Signal(entry.shape())
        m.d.sync += [
            valid.eq(walking),
            taken_valid.eq(valid),
            taken.eq(entry),
            self.synapse.valid.eq(taken_valid),
            self.synapse.p.slot.eq(taken.column),
            self.synapse.p.weight.eq(taken.value),
        ]
        looked_up = second | ended | head_valid
        m.d.comb += self.busy.eq(looked_up | walking | valid | taken_valid | self.synapse.valid)
        return m
