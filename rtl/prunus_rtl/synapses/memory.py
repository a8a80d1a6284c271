"""Memory of a packed store: read by the store, written and read by a host in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from prunus_rtl.memory_image.memory import banks

__all__ = ["SPRAM_NAME", "SPRAM_SCRIPT", "StoreMemory"]

#: Name of a memory that is in SPRAM.
SPRAM_NAME = "spram"
#: Commands for yosys, after the design was read and before ``synth_ice40 -spram``.
SPRAM_SCRIPT = f"delete *.{SPRAM_NAME}/t:$meminit_v2"


class StoreMemory(wiring.Component):
    """One memory of a packed store.

    All accesses share one address: otherwise a flow must build what a read returns while the word
    is written, which is more logic than the rest of the store.

    Made of banks (:func:`prunus_rtl.memory_image.memory.banks`), so that few block RAMs share an
    output and little is lost in the last of them; the banks are named ``memory``, ``memory1`` and
    so on. Only the bank that is read is enabled.

    Timing
    ------
    ``data`` is valid in the cycle after ``enable`` or ``read``, and held until the next. Clock
    domain ``sync``.

    Parameters
    ----------
    width : int
        Bits of a word. Positive.
    words : sequence of int
        Initial contents, which reset does not change.
    spram : bool
        Whether it is marked for SPRAM (``ram_style`` huge): it has one bank then, and is read in
        every cycle without a write.

    Members
    -------
    enable, address : In(1), In(range(depth))
        Read port of the store.
    read, write, place, write_data : In(1), In(1), In(range(depth)), In(width)
        Access of the host. Not both at once, and not while the store reads.
    data : Out(width)
        The word that was read last.
    """

    def __init__(self, *, width: int, words: Sequence[int], spram: bool = False) -> None:
        self._width = width
        self._words = words
        self._spram = spram
        address = range(len(words))
        super().__init__(
            {
                "enable": In(1),
                "address": In(address),
                "read": In(1),
                "write": In(1),
                "place": In(address),
                "write_data": In(width),
                "data": Out(width),
            }
        )

    @property
    def banks(self) -> tuple[int, ...]:
        """Words of each bank."""
        return (len(self._words),) if self._spram else banks(len(self._words))

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        access = Signal()
        place = Signal.like(self.address)
        m.d.comb += [
            access.eq(self.enable | self.read),
            place.eq(Mux(self.read | self.write, self.place, self.address)),
        ]
        if self._spram:
            # Always reads: the address stands still for the output to do so.
            held = Signal.like(place)
            with m.If(access):
                m.d.sync += held.eq(place)
            moving = place
            place = Signal.like(place)
            m.d.comb += place.eq(Mux(access | self.write, moving, held))
            access = ~self.write

        start = 0
        elsewhere: list[Signal] = []
        shown: list[Any] = []
        for n, depth in enumerate(self.banks):
            m.submodules[f"memory{n or ''}"] = memory = Memory(
                shape=unsigned(self._width),
                depth=depth,
                init=self._words[start : start + depth],
                attrs={"ram_style": "huge"} if self._spram else {},
            )
            # A bank starts at a multiple of its size, rounded up to a power of 2.
            inside = (depth - 1).bit_length()
            here = Signal(name=f"here{n}")
            was_here = Signal(name=f"was_here{n}")
            if n < len(self.banks) - 1:
                m.d.comb += here.eq(place[inside:] == start >> inside)
            else:
                m.d.comb += here.eq(~Cat(elsewhere).any())
            with m.If(access):
                m.d.sync += was_here.eq(here)
            read, write = memory.read_port(), memory.write_port()
            m.d.comb += [
                read.addr.eq(place[:inside]),
                read.en.eq(access & here),
                write.addr.eq(place[:inside]),
                write.data.eq(self.write_data),
                write.en.eq(self.write & here),
            ]
            elsewhere.append(here)
            shown.append(Mux(was_here, read.data, 0) if len(self.banks) > 1 else read.data)
            start += depth
        data = shown[0]
        for other in shown[1:]:
            data = data | other
        m.d.comb += self.data.eq(data)
        return m
