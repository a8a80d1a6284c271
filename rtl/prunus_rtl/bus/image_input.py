"""Image input: an image from a bus or a stream goes to the core only if it is whole."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.bus.axi_stream import packet_layout
from prunus_rtl.bus.registers import REGISTER_BITS
from prunus_rtl.lib.ram import Ram

__all__ = ["ImageInput"]

#: Levels of a word.
_PER_WORD = REGISTER_BITS // LEVEL_BITS


class ImageInput(wiring.Component):
    """Collects the levels of an image, and sends them to the core when it has all of them.

    Over the stream, a packet is an image. One that ends too early is dropped; of one that does not
    end where the image ends, everything is dropped up to its end. Words hold four levels each, the
    first in the low bits; those of the last word that are too many are ignored. The next image may
    follow while one is sent on, each level of it once the core has the one before it.

    Timing
    ------
    A level over the stream takes 1 cycle, a word 1 for each level. From the last level of an image
    to the first level that is sent on 2 cycles, then 1 for each level or as fast as the core takes
    them. Outputs are functions of registers, but ``early``, ``late`` and ``done``. Clock domain
    ``sync``.

    Memory: an image, a byte for each level (:class:`prunus_rtl.lib.ram.Ram`).

    Parameters
    ----------
    inputs : int
        Levels of an image.

    Members
    -------
    packets : In(stream.Signature(packet_layout(8)))
        Levels, level 0 first, ``last`` with the last of an image.
    streaming : In(1)
        Levels come over the stream; else by words.
    drop : In(1)
        Drop the part of an image that has come; what comes next begins an image.
    word, write, done : In(32), In(1), Out(1)
        A word; write it; it was written. ``write`` is high for one cycle, only while ``room`` is
        not 0 and no word is written; ``word`` is valid until ``done``.
    room : Out(range(inputs + 1))
        Levels that are missing of the image; 0 while words cannot be taken.
    early, late : Out(1)
        ``last`` came too early; it did not come. High for one cycle each.
    levels : Out(stream.Signature(8))
        To the core.
    began : In(1)
        A presentation of an image begins.
    ready, held : Out(1), Out(1)
        The core has an image that was not begun; it has, or will have.
    """

    def __init__(self, *, inputs: int) -> None:
        self._inputs = inputs
        super().__init__(
            {
                "packets": In(stream.Signature(packet_layout(LEVEL_BITS))),
                "streaming": In(1),
                "drop": In(1),
                "word": In(REGISTER_BITS),
                "write": In(1),
                "done": Out(1),
                "room": Out(range(inputs + 1)),
                "early": Out(1),
                "late": Out(1),
                "levels": Out(stream.Signature(unsigned(LEVEL_BITS))),
                "began": In(1),
                "ready": Out(1),
                "held": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs = self._inputs
        m.submodules.ram = ram = Ram(shape=unsigned(LEVEL_BITS), depth=inputs)
        packets, levels = self.packets, self.levels
        # Levels that were collected; all were; levels that were read, and whether they are sent.
        count, complete = Signal(range(inputs + 1)), Signal()
        following, sending = Signal(range(inputs + 1)), Signal()
        skipping = Signal()
        # Which level of a word is next, one hot; 0: none is.
        part = Signal(_PER_WORD)
        images = Signal(2)
        put, value, last = Signal(), Signal(LEVEL_BITS), Signal()
        m.d.comb += last.eq(count == inputs - 1)

        with m.If(self.streaming):
            free = ~complete & (~sending | (count < following))
            m.d.comb += [
                packets.ready.eq(skipping | free),
                put.eq(packets.valid & free & ~skipping),
                value.eq(packets.p.data),
            ]
            with m.If(packets.valid & packets.ready & skipping & packets.p.last):
                m.d.sync += skipping.eq(0)
            m.d.comb += [
                self.early.eq(put & packets.p.last & ~last),
                self.late.eq(put & last & ~packets.p.last),
            ]
        with m.Else():
            for k in range(_PER_WORD):
                with m.If(part[k]):
                    m.d.comb += value.eq(self.word.word_select(k, LEVEL_BITS))
            m.d.comb += [
                put.eq(part.any()),
                self.done.eq(part[-1] | (put & last)),
                self.room.eq(Mux(complete | sending, 0, inputs - count)),
            ]
            m.d.sync += part.eq(Mux(self.done, 0, part << 1))
            with m.If(self.write):
                m.d.sync += part.eq(1)

        m.d.comb += [
            ram.write.eq(put),
            ram.write_address.eq(count),
            ram.write_data.eq(value),
        ]
        with m.If(put):
            m.d.sync += count.eq(count + 1)
            with m.If(last):
                m.d.sync += complete.eq(1)
        with m.If(self.early | self.late):
            m.d.sync += [count.eq(0), complete.eq(0), skipping.eq(self.late)]
        with m.If(self.drop):
            m.d.sync += [skipping.eq(0), part.eq(0)]
            with m.If(~complete):
                m.d.sync += [count.eq(0), complete.eq(0)]

        m.d.comb += [
            ram.read.eq(sending & (following != inputs) & (~levels.valid | levels.ready)),
            ram.read_address.eq(following),
            levels.payload.eq(ram.read_data),
            self.ready.eq(images != 0),
            self.held.eq(self.ready | complete | sending),
        ]
        with m.If(levels.ready):
            m.d.sync += levels.valid.eq(0)
        with m.If(ram.read):
            m.d.sync += [levels.valid.eq(1), following.eq(following + 1)]
        sent = Signal()
        m.d.comb += sent.eq(levels.valid & levels.ready & (following == inputs))
        with m.If(sent):
            m.d.sync += sending.eq(0)
        with m.If(complete & ~sending):
            m.d.sync += [sending.eq(1), following.eq(0), complete.eq(0), count.eq(0)]
        m.d.sync += images.eq(images + sent - self.began)
        return m
