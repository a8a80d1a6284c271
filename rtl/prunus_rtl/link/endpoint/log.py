"""Log RAM: what the link keeps in a memory of octets."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.ram import Ram
from prunus_rtl.link.protocol.protocol import CRC_BYTES, SPIKE
from prunus_rtl.link.protocol.records import Identity

__all__ = ["IDENTITY_AT", "LAST_AT", "LAST_BYTES", "SPIKES_AT", "LogRam"]

#: Where the identity block is.
IDENTITY_AT = 0
#: Where sequence and CRC of the request are that was carried out last.
LAST_AT = IDENTITY_AT + Identity.FORMAT.size
LAST_BYTES = 1 + CRC_BYTES
#: Where the output spikes begin.
SPIKES_AT = LAST_AT + 8


class LogRam(wiring.Component):
    """Log RAM: identity block, sequence and CRC of the last request, output spikes.

    All as it goes over the link, so that responses are copies. A spike has priority over ``write``.

    Timing
    ------
    A spike takes 3 cycles, 4 behind a ``write``. What is read is registered, as the memory answers
    late in a cycle, and so is what is written: it can be read 2 cycles later. ``write_ready``
    depends combinationally on ``spikes.valid``, ``spikes.ready`` on registers only. Clock domain
    ``sync``.

    Memory: ``SPIKES_AT + 3 * spikes`` octets (:class:`prunus_rtl.lib.ram.Ram`). Reset keeps the
    contents and forgets the spikes.

    Parameters
    ----------
    spike : StructLayout
        Output spike of the core: ``step`` and ``post``.
    spikes : int
        Most output spikes between two ``forget``.
    identity : Identity
        Initial identity block.

    Members
    -------
    spikes : In(stream.Signature(spike))
        Output spikes.
    forget : In(1)
        Forget the spikes.
    end : Out(range(depth + 1))
        Address behind the last spike.
    read_address, read_data : In(range(depth)), Out(8)
        Read port: ``read_data`` is what was at ``read_address`` two cycles before.
    write, write_address, write_data, write_ready : In(1), In(7), In(8), Out(1)
        Write port for what is below the spikes.
    """

    def __init__(self, *, spike: data.StructLayout, spikes: int, identity: Identity) -> None:
        self._spikes = spikes
        self._identity = identity
        depth = self.depth
        super().__init__(
            {
                "spikes": In(stream.Signature(spike)),
                "forget": In(1),
                "end": Out(range(depth + 1)),
                "read_address": In(range(depth)),
                "read_data": Out(8),
                "write": In(1),
                "write_address": In(range(SPIKES_AT)),
                "write_data": In(8),
                "write_ready": Out(1),
            }
        )

    @property
    def depth(self) -> int:
        """Octets of the memory."""
        return SPIKES_AT + SPIKE.size * self._spikes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.memory = memory = Ram(
            shape=8, depth=self.depth, init=list(self._identity.pack())
        )
        end = Signal(range(self.depth + 1), init=SPIKES_AT)
        part = Signal(range(SPIKE.size))
        spike = self.spikes.p
        octets = Signal(8 * SPIKE.size)
        # What is written often comes from another memory, so it is registered, too.
        writing = Signal()
        write_address = Signal.like(self.write_address)
        write_data = Signal(8)
        m.d.comb += [
            octets.eq(Cat(spike.step, spike.post, Const(0, 16 - len(spike.post)))),
            self.end.eq(end),
            self.spikes.ready.eq((part == SPIKE.size - 1) & ~writing),
            self.write_ready.eq(~self.spikes.valid),
            memory.read.eq(1),
            memory.read_address.eq(self.read_address),
            memory.write.eq(writing),
            memory.write_address.eq(write_address),
            memory.write_data.eq(write_data),
        ]
        m.d.sync += [
            self.read_data.eq(memory.read_data),
            writing.eq(self.write & self.write_ready),
            write_address.eq(self.write_address),
            write_data.eq(self.write_data),
        ]
        with m.If(self.spikes.valid & ~writing):
            m.d.comb += [
                memory.write.eq(1),
                memory.write_address.eq(end),
                memory.write_data.eq(octets.word_select(part, 8)),
            ]
            m.d.sync += [end.eq(end + 1), part.eq(part + 1)]
            with m.If(self.spikes.ready):
                m.d.sync += part.eq(0)
        with m.If(self.forget):
            m.d.sync += [end.eq(SPIKES_AT), part.eq(0)]
        return m
