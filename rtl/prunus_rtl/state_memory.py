"""Memory of a state variable: one unit uses it, and the memory port reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.ram import Ram
from prunus_rtl.shapes import Access

__all__ = ["StateMemory"]


class StateMemory(wiring.Component):
    """Memory of a unit, shared with the memory port.

    Timing
    ------
    As :class:`prunus_rtl.ram.Ram`. An access by the memory port takes the ports for the cycle of
    its ``strobe``, and is done in the next. Clock domain ``sync``.

    Parameters
    ----------
    shape : shape-like
        Shape of a word.
    depth : int
        Number of words.
    init : sequence, optional
        Initial contents. Default: 0.

    Members
    -------
    read, read_address, read_data : In(1), In(range(depth)), Out(shape)
        Read port.
    write, write_address, write_data : In(1), In(range(depth)), In(shape)
        Write port.
    access : In(Access(range(depth), shape))
        Memory port.
    """

    def __init__(self, *, shape: Any, depth: int, init: Sequence[Any] | None = None) -> None:
        self._shape = shape
        self._depth = depth
        self._init = init
        super().__init__(
            {
                "read": In(1),
                "read_address": In(range(depth)),
                "read_data": Out(shape),
                "write": In(1),
                "write_address": In(range(depth)),
                "write_data": In(shape),
                "access": In(Access(range(depth), shape)),
            }
        )

    @property
    def depth(self) -> int:
        """Number of words."""
        return self._depth

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.ram = ram = Ram(shape=self._shape, depth=self._depth, init=self._init)
        access = self.access
        m.d.comb += [
            ram.read.eq(self.read | (access.strobe & ~access.write)),
            ram.read_address.eq(Mux(access.strobe, access.address, self.read_address)),
            ram.write.eq(self.write | (access.strobe & access.write)),
            ram.write_address.eq(Mux(access.strobe, access.address, self.write_address)),
            ram.write_data.eq(Mux(access.strobe, access.data, self.write_data)),
            self.read_data.eq(ram.read_data),
            access.value.eq(ram.read_data),
        ]
        m.d.sync += access.done.eq(access.strobe)
        return m
