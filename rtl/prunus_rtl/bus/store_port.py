"""Store port: the memory port reaches every word of the packed stores of all lanes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.streams import Access

__all__ = ["StorePort", "store_address_layout", "store_has"]


def store_address_layout(layout: StoreLayout) -> data.StructLayout:
    """Return the layout of :meth:`prunus_rtl.memory_image.address_map.StoreLayout.address`."""
    return data.StructLayout(
        {"word": layout.word_bits, "memory": layout.memory_bits, "lane": layout.lane_bits}
    )


def store_has(layout: StoreLayout, address: Any) -> Any:
    """Return whether there is a word at an address."""
    at = store_address_layout(layout)(address)
    rows = 1 << layout.memory_bits
    depths = Array(
        depths[memory] if memory < len(depths) else 0
        for depths in layout.depths
        for memory in range(rows)
    )
    return at.word < depths[Cat(at.memory, at.lane)]


class StorePort(wiring.Component):
    """Memory port of the packed stores.

    Timing
    ------
    An access is done 4 cycles after its ``strobe``; the stores see it in the cycle after, from
    registers. ``value`` depends combinationally on ``words``. Clock domain ``sync``.

    Parameters
    ----------
    layout : StoreLayout
        What the stores hold.
    readable : bool
        Whether words can be read; else ``value`` is 0.

    Members
    -------
    access : In(Access(store_address_layout(layout), layout.width))
        Memory port, as plain bits. Only to words that exist.
    enable : Out(layout.lanes)
        For each lane, whether its store is accessed in this cycle.
    write : Out(1)
        Whether ``data`` is to be written; else a word is read.
    memory, address, data : Out(range(memories)), Out(range(depth)), Out(layout.width)
        Number of the memory, index of the word, word. Held until the next cycle.
    words : Array of In(layout.width)
        For each lane, the word that was read 3 cycles ago. Only if words can be read.
    """

    def __init__(self, *, layout: StoreLayout, readable: bool = True) -> None:
        self._layout = layout
        self._readable = readable
        super().__init__(
            {
                "access": In(Access(store_address_layout(layout).size, layout.width)),
                "enable": Out(layout.lanes),
                "write": Out(1),
                "memory": Out(layout.memory_bits),
                "address": Out(layout.word_bits),
                "data": Out(layout.width),
            }
            | ({"words": In(layout.width).array(layout.lanes)} if readable else {})
        )

    @property
    def layout(self) -> StoreLayout:
        """What the stores hold."""
        return self._layout

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        at = store_address_layout(self._layout)(self.access.address)
        under_way = Signal(2)
        m.d.sync += Cat(under_way, self.access.done).eq(Cat(self.enable.any(), under_way))
        for lane in range(self._layout.lanes):
            m.d.sync += self.enable[lane].eq(self.access.strobe & (at.lane == lane))
        m.d.comb += [
            self.write.eq(self.access.write),
            self.memory.eq(at.memory),
            self.address.eq(at.word),
            self.data.eq(self.access.data),
        ]
        if self._readable:
            m.d.comb += self.access.value.eq(Array(self.words)[at.lane])
        return m
