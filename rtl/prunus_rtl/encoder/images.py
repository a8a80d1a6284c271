"""Levels of two images: one is shown while the next is loaded."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_model.spec.random_streams import PRE_PER_DRAW
from prunus_rtl.lib.ram import Ram

__all__ = ["Images", "levels_layout"]


def levels_layout(per_word: int = PRE_PER_DRAW) -> data.ArrayLayout:
    """Return the layout of the levels of the inputs of a word."""
    return data.ArrayLayout(unsigned(LEVEL_BITS), per_word)


class Images(wiring.Component):
    """Levels of two images, four or more inputs to a word.

    Timing
    ------
    ``data`` is valid in the cycle after ``read``, until the next. ``levels.ready`` and ``loaded``
    are functions of registers only. Clock domain ``sync``.

    Memory: two images, one word per ``per_word`` inputs, a byte each
    (:class:`prunus_rtl.lib.ram.Ram`). A word is written in the cycle after its last byte; bytes
    beyond the last input are 0.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    per_word : int
        Inputs of a word: 4, 8 or 16.

    Members
    -------
    levels : In(stream.Signature(8))
        Level of each input, input 0 first.
    loaded : Out(1)
        A whole image waits to be shown, or is shown.
    release : In(1)
        It has been shown.
    read, word : In(1), In(range(ceil(inputs / per_word)))
        Read the levels of inputs ``per_word * word`` and up.
    data : Out(levels_layout(per_word))
        The levels.
    """

    def __init__(self, *, inputs: int, per_word: int = PRE_PER_DRAW) -> None:
        self._inputs = inputs
        self._per_word = per_word
        self._count = -(-inputs // per_word)
        super().__init__(
            {
                "levels": In(stream.Signature(unsigned(LEVEL_BITS))),
                "loaded": Out(1),
                "release": In(1),
                "read": In(1),
                "word": In(range(self._count)),
                "data": Out(levels_layout(per_word)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs, count, per_word = self._inputs, self._count, self._per_word
        layout = levels_layout(per_word)
        m.submodules.ram = ram = Ram(shape=layout, depth=2 * count)

        load_bank = Signal()
        show_bank = Signal()
        full = Signal(2)
        load_pre = Signal(range(count * per_word))
        load_word = Signal(range(count))
        gathered = Signal(layout)
        # A word is written in the cycle after its last level: levels come from afar.
        whole = Signal()
        whole_at = Signal(range(2 * count))
        m.d.comb += [
            self.levels.ready.eq(~full.bit_select(load_bank, 1)),
            self.loaded.eq(full.bit_select(show_bank, 1)),
            ram.write.eq(whole),
            ram.write_address.eq(whole_at),
            ram.write_data.eq(gathered),
            ram.read.eq(self.read),
            ram.read_address.eq(self.word + Mux(show_bank, count, 0)),
            self.data.eq(ram.read_data),
        ]
        byte = load_pre[: (per_word - 1).bit_length()]
        last_byte = load_pre == inputs - 1
        m.d.sync += [whole.eq(0), whole_at.eq(load_word + Mux(load_bank, count, 0))]
        with m.If(whole):
            m.d.sync += gathered.eq(0)
        with m.If(self.levels.valid & self.levels.ready):
            m.d.sync += gathered[byte].eq(self.levels.payload)
            with m.If((byte == per_word - 1) | last_byte):
                m.d.sync += [whole.eq(1), load_word.eq(load_word + 1)]
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
