"""Memory with one read and one write port: what block RAMs and LUT RAMs of all devices have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["COLLISION_SCRIPT", "Collisions", "Ram"]

#: Command for yosys, after the design was read: memories may return anything for a word that is
#: being written. :class:`Collisions` proves that no result depends on it.
COLLISION_SCRIPT = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2"


class Collisions:
    """Platform for simulation in which a read that collides with a write returns wrong data.

    Elaborated with this platform, a core that works never uses what a collision returns. This is
    what permits synthesis to leave the contents undefined then (``COLLISION_X_MASK`` in yosys), and
    so to spare the registers and multiplexers that would keep the old word.

    Examples
    --------
    >>> from amaranth.hdl import Fragment
    >>> fragment = Fragment.get(Ram(shape=8, depth=4), Collisions())
    """


class Ram(wiring.Component):
    """Memory with one read and one write port.

    What is read in the cycle in which it is written must not be used. Initial contents come with
    the configuration of the device; reset does not change them.

    Timing
    ------
    ``read_data`` is valid in the cycle after ``read``, and held until the next ``read``. Clock
    domain ``sync``.

    Parameters
    ----------
    shape : shape-like
        Shape of a word.
    depth : int
        Number of words.
    init : sequence, optional
        Initial contents. Default: 0.
    style : str, optional
        What the memory wants to be made of, as synthesis tools call it (attribute ``ram_style``):
        ``block`` or ``distributed``. Default: what the tool takes for its size.

    Members
    -------
    read, read_address, read_data : In(1), In(range(depth)), Out(shape)
        Read port.
    write, write_address, write_data : In(1), In(range(depth)), In(shape)
        Write port.
    """

    def __init__(
        self,
        *,
        shape: Any,
        depth: int,
        init: Sequence[Any] | None = None,
        style: str | None = None,
    ) -> None:
        self._shape = shape
        self._depth = depth
        self._init = init or []
        self._style = style
        super().__init__(self._members())

    def _members(self) -> dict[str, Any]:
        return {
            "read": In(1),
            "read_address": In(range(self._depth)),
            "read_data": Out(self._shape),
            "write": In(1),
            "write_address": In(range(self._depth)),
            "write_data": In(self._shape),
        }

    @property
    def depth(self) -> int:
        """Number of words."""
        return self._depth

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        attributes = {} if self._style is None else {"ram_style": self._style}
        m.submodules.memory = memory = Memory(
            shape=self._shape, depth=self._depth, init=self._init, attrs=attributes
        )
        read_port = memory.read_port()
        write_port = memory.write_port()
        m.d.comb += [
            read_port.en.eq(self.read),
            read_port.addr.eq(self.read_address),
            self.read_data.eq(read_port.data),
            write_port.en.eq(self.write),
            write_port.addr.eq(self.write_address),
            write_port.data.eq(self.write_data),
        ]
        if isinstance(platform, Collisions):
            collided = Signal()
            with m.If(self.read):
                m.d.sync += collided.eq(self.write & (self.write_address == self.read_address))
            data = read_port.data
            bits = data.as_value() if hasattr(data, "as_value") else data
            target = self.read_data
            target = target.as_value() if hasattr(target, "as_value") else target
            m.d.comb += target.eq(Mux(collided, ~bits, bits))
        return m
