"""Packed store in the format CSR with row pointers and entries in one SPRAM."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data

from prunus_rtl.synapses.memory import SPRAM_NAME, StoreMemory
from prunus_rtl.synapses.packed import PackedStore

__all__ = ["CsrSpramStore"]


class CsrSpramStore(PackedStore):
    """Packed store of one lane in compressed sparse rows, all in one SPRAM.

    Entries are there from address 0 on, and the row pointer of ``pre`` is at ``~pre``, counted from
    the end of a memory whose size is the next power of 2: 784 inputs leave 15,599 words of a SPRAM
    to entries. So row pointers take no block RAM, and none is looked up while an entry is read.

    Parameters and members are those of :class:`prunus_rtl.synapses.packed.PackedStore`.

    Timing
    ------
    2 cycles for each pre and 1 for each synapse. From the transfer of a ``pre`` to its first
    synapse 4 cycles.

    All outputs depend on registers only. Clock domain ``sync``.
    """

    def elaborate(self, _platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        pointers, entries = self._image.memories
        address_bits = (pointers.depth + entries.depth - 1).bit_length()
        words = [0] * (1 << address_bits)
        words[: entries.depth] = entries.words
        words[: -pointers.depth - 1 : -1] = pointers.words

        # What was read last: the pointer of a pre, that of the next one, or an entry.
        found = Signal()
        ended = Signal()
        valid = Signal()
        begins = Signal()
        stays = Signal()
        none = Signal()
        wanted = Signal(address_bits)
        pre = Signal(address_bits)
        current = Signal(dict(pointers.fields)["start"])
        end = Signal.like(current)
        address = Signal(address_bits)
        place = Signal(address_bits)
        memory = StoreMemory(width=max(pointers.width, entries.width), words=words, spram=True)
        host = self._host(m)
        self._attach(m, SPRAM_NAME, memory, chosen=Const(1), always=True)
        m.d.comb += [
            memory.enable.eq(1),
            memory.address.eq(address),
            place.eq(host.address),
            memory.place.eq(Mux(host.memory, place, ~place)),
        ]
        word = memory.data
        pointer = data.View(data.StructLayout(dict(pointers.fields)), word[: pointers.width])
        entry = data.View(data.StructLayout(dict(entries.fields)), word[: entries.width])
        m.d.comb += [
            begins.eq(ended & ~none),
            stays.eq(valid & (current != end)),
            self.pre.ready.eq(~found & ~begins & ~stays),
            wanted.eq(self.pre.payload),
            address.eq(~wanted),
        ]
        with m.If(found):
            m.d.comb += address.eq(~(pre + 1))
            m.d.sync += [current.eq(pointer.start), none.eq(pointer.none)]
        with m.Elif(begins | stays):
            m.d.comb += address.eq(current)
            m.d.sync += current.eq(current + 1)
        with m.If(ended):
            m.d.sync += end.eq(pointer.start)
        with m.If(self.pre.ready):
            m.d.sync += pre.eq(wanted)
        m.d.sync += [
            found.eq(self.pre.valid & self.pre.ready),
            ended.eq(found),
            valid.eq(begins | stays),
            self.synapse.valid.eq(valid),
            self.synapse.p.slot.eq(entry.column),
            self.synapse.p.weight.eq(entry.value),
        ]
        m.d.comb += self.busy.eq(found | ended | valid | self.synapse.valid)
        return m
