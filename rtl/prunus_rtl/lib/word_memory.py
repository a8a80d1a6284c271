"""Memory of a state variable that a unit takes several values of at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.ram import Ram
from prunus_rtl.streams import Access

__all__ = ["WordMemory", "joined"]


def joined(values: Sequence[int], *, bits: int, each: int) -> list[int]:
    """Return words of ``each`` values, the first in the low bits; the last is filled up with 0.

    Examples
    --------
    >>> [hex(word) for word in joined([1, 2, 3], bits=8, each=2)]
    ['0x201', '0x3']
    """
    return [
        sum(value << bits * k for k, value in enumerate(values[first : first + each]))
        for first in range(0, len(values), each)
    ]


class WordMemory(wiring.Component):
    """Memory of words of several values; the memory port reaches each of them.

    Timing
    ------
    As :class:`prunus_rtl.lib.ram.Ram`. An access by the memory port takes the read port for the
    cycle of its ``strobe``, and the write port for the next, in which it is done. Clock domain
    ``sync``.

    Parameters
    ----------
    shape : shape-like
        Shape of a value.
    each : int
        Values in a word, a power of 2 from 2 on.
    depth : int
        Number of words.
    init : sequence of int, optional
        Initial words. Default: 0.

    Members
    -------
    read, read_address, read_data : In(1), In(range(depth)), Out(each * bits)
        Read port; the first value of a word is in the low bits.
    write, write_address, write_data : In(1), In(range(depth)), In(each * bits)
        Write port.
    access : In(Access(range(depth * each), shape))
        Memory port.
    """

    def __init__(
        self, *, shape: Any, each: int, depth: int, init: Sequence[int] | None = None
    ) -> None:
        self._bits = Shape.cast(shape).width
        self._each = each
        self._depth = depth
        self._init = init
        word = unsigned(self._bits * each)
        super().__init__(
            {
                "read": In(1),
                "read_address": In(range(depth)),
                "read_data": Out(word),
                "write": In(1),
                "write_address": In(range(depth)),
                "write_data": In(word),
                "access": In(Access(range(depth * each), shape)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        bits, each = self._bits, self._each
        m.submodules.ram = ram = Ram(
            shape=unsigned(bits * each), depth=self._depth, init=self._init
        )
        access = self.access
        part = access.address[: (each - 1).bit_length()]
        place = access.address[len(part) :]
        writes = Signal()
        merged = Cat(
            Mux(part == k, access.data, ram.read_data.word_select(k, bits)) for k in range(each)
        )
        m.d.sync += access.done.eq(access.strobe)
        m.d.comb += [
            writes.eq(access.done & access.write),
            ram.read.eq(self.read | access.strobe),
            ram.read_address.eq(Mux(access.strobe, place, self.read_address)),
            ram.write.eq(self.write | writes),
            ram.write_address.eq(Mux(writes, place, self.write_address)),
            ram.write_data.eq(Mux(writes, merged, self.write_data)),
            self.read_data.eq(ram.read_data),
            access.value.eq(ram.read_data.word_select(part, bits)),
        ]
        return m
