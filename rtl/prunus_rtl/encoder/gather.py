"""Levels of two images, of which each view sees its own choice of levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_model.spec.random_streams import PRE_PER_DRAW
from prunus_rtl.encoder.images import levels_layout
from prunus_rtl.lib.ram import Ram

__all__ = ["Gather", "map_words"]


def map_words(
    indices: npt.NDArray[np.int64], levels: int, per_word: int = PRE_PER_DRAW
) -> npt.NDArray[np.int64]:
    """Return the map of all views: which levels each word of inputs is made of.

    Parameters
    ----------
    indices : ndarray of int64, shape (views, inputs)
        Level that each input has in each view; -1 for a level of 0.
    levels : int
        Levels of an image. It stands for a level of 0, and for inputs beyond the last.
    per_word : int
        Inputs of a word.

    Returns
    -------
    ndarray of int64, shape (views * ceil(inputs / per_word), per_word)

    Examples
    --------
    >>> map_words(np.array([[2, -1, 0, 1, 1]]), 3).tolist()
    [[2, 3, 0, 1], [1, 3, 3, 3]]
    """
    views, inputs = indices.shape
    padded = np.full((views, -(-inputs // per_word) * per_word), levels, dtype=np.int64)
    padded[:, :inputs] = np.where(indices < 0, levels, indices)
    return padded.reshape(-1, per_word)


class Gather(wiring.Component):
    """Levels of two images, and for each view a choice of them, four or more inputs to a word.

    A map tells for each input of a view which level of the image it has, in any order; so windows,
    sets of inputs and shifted looks are the same to it. An image is held for all its views.

    Timing
    ------
    Two stages. The map shows a word in the cycle after ``read``, until the next; ``data`` shows its
    levels in the cycle after ``fetch``, until the next. ``levels.ready`` and ``loaded`` are
    functions of registers only. Clock domain ``sync``.

    Memories: the map, one word per view and ``per_word`` inputs, which is never written
    (:func:`map_words`); and ``per_word`` times the levels of two images, one in each word
    (:class:`prunus_rtl.lib.ram.Ram`), so that any of them can be read at once. An image begins at a
    multiple of a power of 2. The word behind its last level is never written: it is 0.

    Parameters
    ----------
    indices : ndarray of int64, shape (views, inputs)
        Level that each input has in each view; -1 for a level of 0.
    image_levels : int
        Levels of an image.
    per_word : int
        Inputs of a word: 4, 8 or 16.

    Members
    -------
    levels : In(stream.Signature(8))
        Levels of an image, level 0 first.
    loaded : Out(1)
        A whole image waits to be shown, or is shown.
    next_view, release : In(1)
        A view of it is over, and the next follows; it has been shown, and view 0 of the next
        follows.
    read, word : In(1), In(range(ceil(inputs / per_word)))
        Look up inputs ``per_word * word`` and up in the map.
    fetch : In(1)
        Read the levels that the map shows.
    data : Out(levels_layout(per_word))
        The levels.
    """

    def __init__(
        self,
        *,
        indices: npt.NDArray[np.int64],
        image_levels: int,
        per_word: int = PRE_PER_DRAW,
    ) -> None:
        self._image_levels = image_levels
        self._per_word = per_word
        self._count = -(-indices.shape[1] // per_word)
        self._map = map_words(indices, image_levels, per_word)
        super().__init__(
            {
                "levels": In(stream.Signature(unsigned(LEVEL_BITS))),
                "loaded": Out(1),
                "next_view": In(1),
                "release": In(1),
                "read": In(1),
                "word": In(range(self._count)),
                "fetch": In(1),
                "data": Out(levels_layout(per_word)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        image_levels = self._image_levels
        index = unsigned(image_levels.bit_length())

        load_bank = Signal()
        show_bank = Signal()
        full = Signal(2)
        load_at = Signal(index)
        load = self.levels.valid & self.levels.ready
        last = load_at == image_levels - 1
        m.d.comb += [
            self.levels.ready.eq(~full.bit_select(load_bank, 1)),
            self.loaded.eq(full.bit_select(show_bank, 1)),
        ]
        with m.If(load):
            m.d.sync += load_at.eq(load_at + 1)
            with m.If(last):
                m.d.sync += [
                    load_at.eq(0),
                    load_bank.eq(~load_bank),
                    full.bit_select(load_bank, 1).eq(1),
                ]

        first = Signal(range(len(self._map)))
        with m.If(self.next_view):
            m.d.sync += first.eq(first + self._count)
        with m.If(self.release):
            m.d.sync += [
                first.eq(0),
                show_bank.eq(~show_bank),
                full.bit_select(show_bank, 1).eq(0),
            ]

        word = data.ArrayLayout(index, self._per_word)
        m.submodules.map = memory = Memory(
            shape=word, depth=len(self._map), init=self._map.tolist()
        )
        port = memory.read_port()
        m.d.comb += [port.en.eq(self.read), port.addr.eq(first + self.word)]
        for b in range(self._per_word):
            copy = Ram(shape=unsigned(LEVEL_BITS), depth=(1 << index.width) + image_levels + 1)
            m.submodules[f"copy{b}"] = copy
            m.d.comb += [
                copy.write.eq(load),
                copy.write_address.eq(Cat(load_at, load_bank)),
                copy.write_data.eq(self.levels.payload),
                copy.read.eq(self.fetch),
                copy.read_address.eq(Cat(port.data[b], show_bank)),
                self.data[b].eq(copy.read_data),
            ]
        return m
