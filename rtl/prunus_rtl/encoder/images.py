"""Levels of two images: one is shown while the next is loaded."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
from prunus_rtl.lib.ram import Ram

__all__ = ["Images", "levels_layout"]


def levels_layout() -> data.ArrayLayout:
    """Return the layout of the levels of four inputs."""
    return data.ArrayLayout(unsigned(LEVEL_BITS), PRE_PER_DRAW)


class Images(wiring.Component):
    """Levels of two images, four inputs to a word.

    Timing
    ------
    ``data`` is valid in the cycle after ``read``, until the next. ``levels.ready`` and ``loaded``
    are functions of registers only. Clock domain ``sync``.

    Memory: two images, one 32-bit word per four inputs (:class:`prunus_rtl.lib.ram.Ram`). A word is
    written with its last byte; bytes beyond the last input are 0.

    Parameters
    ----------
    inputs : int
        Number of inputs.

    Members
    -------
    levels : In(stream.Signature(8))
        Level of each input, input 0 first.
    loaded : Out(1)
        A whole image waits to be shown, or is shown.
    release : In(1)
        It has been shown.
    read, word : In(1), In(range(words(inputs)))
        Read the levels of inputs ``4 * word`` and up.
    data : Out(levels_layout())
        The levels.
    """

    def __init__(self, *, inputs: int) -> None:
        self._inputs = inputs
        super().__init__(
            {
                "levels": In(stream.Signature(unsigned(LEVEL_BITS))),
                "loaded": Out(1),
                "release": In(1),
                "read": In(1),
                "word": In(range(words(inputs))),
                "data": Out(levels_layout()),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs = self._inputs
        count = words(inputs)
        layout = levels_layout()
        m.submodules.ram = ram = Ram(shape=layout, depth=2 * count)

        load_bank = Signal()
        show_bank = Signal()
        full = Signal(2)
        load_pre = Signal(range(count * PRE_PER_DRAW))
        load_word = Signal(range(count))
        gathered = Signal(layout)
        m.d.comb += [
            self.levels.ready.eq(~full.bit_select(load_bank, 1)),
            self.loaded.eq(full.bit_select(show_bank, 1)),
            ram.write_address.eq(load_word + Mux(load_bank, count, 0)),
            ram.read.eq(self.read),
            ram.read_address.eq(self.word + Mux(show_bank, count, 0)),
            self.data.eq(ram.read_data),
        ]
        byte = load_pre[:2]
        last_byte = load_pre == inputs - 1
        for b in range(PRE_PER_DRAW):
            m.d.comb += ram.write_data[b].eq(Mux(byte == b, self.levels.payload, gathered[b]))
        with m.If(self.levels.valid & self.levels.ready):
            m.d.sync += gathered[byte].eq(self.levels.payload)
            with m.If((byte == PRE_PER_DRAW - 1) | last_byte):
                m.d.comb += ram.write.eq(1)
                m.d.sync += [gathered.eq(0), load_word.eq(load_word + 1)]
            m.d.sync += load_pre.eq(load_pre + 1)
            with m.If(last_byte):
                m.d.sync += [
                    load_pre.eq(0),
                    load_word.eq(0),
                    load_bank.eq(~load_bank),
                    full.bit_select(load_bank, 1).eq(1),
                ]
        with m.If(self.release):
            m.d.sync += [show_bank.eq(~show_bank), full.bit_select(show_bank, 1).eq(0)]
        return m
