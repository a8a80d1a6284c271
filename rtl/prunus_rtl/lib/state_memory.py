"""Memory of a state variable: one unit uses it, and the memory port reaches it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux
from amaranth.lib.wiring import In

from prunus_rtl.lib.ram import Ram
from prunus_rtl.streams import Access

__all__ = ["StateMemory"]


class StateMemory(Ram):
    """Memory of a unit, shared with the memory port.

    Parameters and members are those of :class:`prunus_rtl.lib.ram.Ram`, and one more of each.

    Timing
    ------
    As :class:`prunus_rtl.lib.ram.Ram`. An access by the memory port takes the ports for the cycle
    of its ``strobe``, and is done in the next. Clock domain ``sync``.

    Parameters
    ----------
    readable : bool
        Whether the memory port reads, too; else ``access.value`` is 0, and the read port has no
        multiplexer.

    Members
    -------
    access : In(Access(range(depth), shape))
        Memory port.
    """

    def __init__(self, *, readable: bool = True, **memory: Any) -> None:
        self._readable = readable
        super().__init__(**memory)

    def _members(self) -> dict[str, Any]:
        return super()._members() | {"access": In(Access(range(self._depth), self._shape))}

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.ram = ram = Ram(shape=self._shape, depth=self._depth, init=self._init)
        access = self.access
        m.d.comb += [
            ram.read.eq(self.read),
            ram.read_address.eq(self.read_address),
            ram.write.eq(self.write | (access.strobe & access.write)),
            ram.write_address.eq(Mux(access.strobe, access.address, self.write_address)),
            ram.write_data.eq(Mux(access.strobe, access.data, self.write_data)),
            self.read_data.eq(ram.read_data),
        ]
        if self._readable:
            m.d.comb += [
                ram.read.eq(self.read | (access.strobe & ~access.write)),
                ram.read_address.eq(Mux(access.strobe, access.address, self.read_address)),
                access.value.eq(ram.read_data),
            ]
        m.d.sync += access.done.eq(access.strobe)
        return m
