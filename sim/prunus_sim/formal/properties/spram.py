"""Properties of the packed store in the format csr, with pointers and entries in one SPRAM."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.synapses.memory import SPRAM_NAME
from prunus_sim.formal.harness import implies, words_of
from prunus_sim.formal.packed_store import packed_case
from prunus_sim.formal.properties.csr import CsrRows

__all__ = ["CASES", "CsrSpramProperties"]


class CsrSpramProperties(CsrRows):
    """Every input delivers its entries, through one memory.

    Parameters
    ----------
    image : LaneImage
        Sizes.
    spram : bool
        True.
    """

    def __init__(self, *, image: LaneImage, spram: bool) -> None:
        start = range(image.memories[-1].depth)
        joint_depth = 1 << (sum(memory.depth for memory in image.memories) - 1).bit_length()
        super().__init__(
            image=image,
            spram=spram,
            probes={
                "found": ("unit.found", 1),
                "ended": ("unit.ended", 1),
                "none": ("unit.none", 1),
                "entry_valid": ("unit.valid", 1),
                "current": ("unit.current", start),
                "end": ("unit.end", start),
                "looked_up": ("unit.pre", range(joint_depth)),
            },
        )

    def _find_words(self, m: Module, inside: Module) -> None:
        # Entries from the start of the memory, pointers from its end.
        memory = inside.submodules[SPRAM_NAME]
        words = words_of(m, memory, name="word")
        for spec, part in zip(self._image.memories, (words[::-1], words), strict=True):
            layout = data.StructLayout(dict(spec.fields))
            self._words.append(
                [data.View(layout, word[: spec.width]) for word in part[: spec.depth]]
            )
            self._read.append(data.View(layout, memory.data[: spec.width]))

    def _check_synapses(self, m: Module, unit: Any) -> None:
        rows, weights, starts, ends = self._rows(m, unit)
        # Invariant: what was read last is the next entry of the only input, or one of its pointers.
        board = self._board(m, unit, rows, weights, depth=2, cycles=5)
        pointers, entries = self._words
        pointer, entry = self._read
        offers = unit.synapse.valid
        # The input that is being looked up or read; another may be at its last synapse.
        last = offers & (board.rest == 0)
        which = Array(board.pres)[last]
        left = Mux(offers & ~last, board.rest, Array(board.lefts)[last])
        row = Array(rows)[which]
        done = Signal.like(board.lefts[0])
        m.d.comb += done.eq(row & ~left)
        passed = sum((done[k] for k in range(len(done))), start=Value.cast(0))
        at = (Array(starts)[which] + passed)[: len(self.current)]
        some = (self.found & ~pointer.none) | (self.ended & ~self.none)
        m.d.comb += [
            Assert(self.found + self.ended + self.entry_valid <= 1, "one thing was read"),
            Assert(board.count == last + (self.entry_valid | some), "the inputs on the scoreboard"),
            Assert(
                implies(self.found | self.ended, self.looked_up < self._image.inputs), "it exists"
            ),
            Assert(implies(some, (left == row) & (self.looked_up == which)), "a row is looked up"),
            Assert(
                implies(
                    self.found,
                    pointer.as_value()
                    == Array(words.as_value() for words in pointers)[self.looked_up],
                ),
                "the start is looked up",
            ),
            Assert(
                implies(
                    self.ended,
                    (self.none == Array(words.none for words in pointers)[self.looked_up])
                    & (self.current == Array(starts)[self.looked_up])
                    & (pointer.start == Array(ends)[self.looked_up]),
                ),
                "the end is looked up",
            ),
            Assert(
                implies(
                    self.entry_valid,
                    (entry.as_value() == Array([e.as_value() for e in entries])[at])
                    & (self.current == (at + 1)[: len(self.current)])
                    & (self.end == Array(ends)[which])
                    & (left != 0)
                    & (done < (left & ~(left - 1)))
                    & ((left & ~row) == 0),
                ),
                "the entry is the next one of the input",
            ),
            Assert(
                implies(
                    offers,
                    ((board.lefts[0] & ~Array(rows)[board.pres[0]]) == 0)
                    & implies(~last, self.entry_valid),
                ),
                "a row is read to its end",
            ),
            Cover(self.ended & self.none, "a row without entries"),
        ]


CASES = (packed_case(CsrSpramProperties, "csr", inputs=2, words=4, spram=True),)
