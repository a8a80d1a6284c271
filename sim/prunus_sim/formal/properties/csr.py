"""Properties of the packed store in the format csr."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from prunus_rtl.memory_image.image import LaneImage
from prunus_sim.formal.harness import implies
from prunus_sim.formal.packed_store import PackedStoreProperties, packed_case

__all__ = ["CASES", "CsrProperties", "CsrRows"]


class CsrRows(PackedStoreProperties):
    """Rows are well-formed: each ends inside the memory, and its columns exist and ascend."""

    def _rows(self, m: Module, unit: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        """Assume well-formed rows; return unpruned slots, weights, first entry and end of each."""
        image = self._image
        pointers, entries = self._words
        depth = image.memories[1].depth
        room = 1 << dict(image.memories[0].fields)["start"]
        rows, weights, starts, ends = [], [], [], []
        for p in range(image.inputs):
            row = Signal(image.slots, name=f"row{p}")
            column = [Signal(image.weight_bits, name=f"weight{p}_{k}") for k in range(image.slots)]
            start, none, end = pointers[p].start, pointers[p].none, pointers[p + 1].start
            length = Signal(range(room + 1), name=f"length{p}")
            m.d.comb += length.eq(Mux(none, 0, (end - start - 1) % room + 1))
            before: Any = None
            formed: Any = (start + length <= depth) & (length <= image.slots)
            for n in range(image.slots):
                at = Signal(image.memories[1].width, name=f"entry{p}_{n}")
                m.d.comb += at.eq(Array(entries)[start + n])
                this = data.View(data.StructLayout(dict(image.memories[1].fields)), at)
                inside = n < length
                good = this.column < image.slots
                if before is not None:
                    good &= this.column > before.column
                formed &= implies(inside, good)
                for k in range(image.slots):
                    with m.If(inside & (this.column == k)):
                        m.d.comb += [row[k].eq(1), column[k].eq(this.value)]
                before = this
            m.d.comb += Assume(implies(unit.busy | self.valid, formed))
            rows.append(row)
            weights.append(column)
            starts.append(start)
            ends.append(end)
        return rows, weights, starts, ends


class CsrProperties(CsrRows):
    """Every input delivers its entries, through memories of their own.

    Parameters
    ----------
    image : LaneImage
        Sizes.
    spram : bool
        False.
    """

    def __init__(self, *, image: LaneImage, spram: bool) -> None:
        start = range(image.memories[-1].depth)
        # Low bits, enough for rows of as many entries as there are slots.
        end = (image.slots - 1).bit_length()
        super().__init__(
            image=image,
            spram=spram,
            probes={
                "second": ("unit.second", 1),
                "ended": ("unit.ended", 1),
                "none": ("unit.none", 1),
                "start": ("unit.start", start),
                "looked_up": ("unit.pre", range(image.inputs)),
                "head": ("unit.head", start),
                "head_end": ("unit.head_end", end),
                "head_valid": ("unit.head_valid", 1),
                "walking": ("unit.walking", 1),
                "current": ("unit.current", start),
                "end": ("unit.end", end),
                "last": ("unit.last", 1),
                "entry_valid": ("unit.valid", 1),
                "taken_valid": ("unit.taken_valid", 1),
                "taken": ("unit.taken", image.memories[-1].width),
            },
        )

    def _check_synapses(self, m: Module, unit: Any) -> None:
        image = self._image
        rows, weights, starts, ends = self._rows(m, unit)
        pointers, entries = self._words
        board = self._board(m, unit, rows, weights, depth=6, most=5, cycles=7)

        # Invariants: what is delivered, what was read, what is read now, what waits and what is
        # looked up are consecutive synapses, or lists, of the scoreboard.
        pointer, entry = self._read
        table = Array(words.as_value() for words in entries)
        offers = unit.synapse.valid

        def after(valid: Any, place: Any, left: Any, *, name: str) -> tuple[Any, Any]:
            """Return place and rest behind one more synapse, if it is there."""
            rest = Signal(image.slots, name=f"{name}_rest")
            at = Signal(range(7), name=f"{name}_place")
            further = left & (left - 1)
            done = valid & (further == 0)
            m.d.comb += [
                at.eq(place + done),
                rest.eq(
                    Mux(done, Array([*board.lefts, Const(0)])[place + 1], Mux(valid, further, left))
                ),
            ]
            return at, rest

        def lowest(place: Any, left: Any) -> Any:
            """Return the address of the lowest synapse that is left."""
            which = Array(board.pres)[place]
            done = Array(rows)[which] & ~left
            passed = sum((done[k] for k in range(image.slots)), start=Value.cast(0))
            return (Array(starts)[which] + passed)[: len(self.current)]

        def follows(place: Any, left: Any) -> Any:
            """Return whether what is left is the upper part of a list."""
            full = Array(rows)[Array(board.pres)[place]]
            return ((left & ~full) == 0) & ((full & ~left) < (left & ~(left - 1)))

        # The entry in the output register is checked by the scoreboard itself.
        place1, left1 = after(offers, Const(0), board.lefts[0], name="offered")
        place_taken, left_taken = after(self.taken_valid, place1, left1, name="taken")
        place2, left2 = after(self.entry_valid, place_taken, left_taken, name="read")
        walked = Array(board.pres)[place2]
        place3 = place2 + self.walking
        waits = Array(board.pres)[place3]
        place4 = place3 + self.head_valid
        found = Array(board.pres)[place4]
        some = (self.second & ~pointer.none) | (self.ended & ~self.none)
        m.d.comb += [
            Assert(implies(offers, follows(Const(0), board.lefts[0])), "what is left is a rest"),
            Assert(
                implies(
                    self.taken_valid,
                    (left1 != 0)
                    & follows(place1, left1)
                    & (self.taken == table[lowest(place1, left1)]),
                ),
                "the entry taken comes after the one that is offered",
            ),
            Assert(
                implies(
                    self.entry_valid,
                    (left_taken != 0)
                    & follows(place_taken, left_taken)
                    & (entry.as_value() == table[lowest(place_taken, left_taken)]),
                ),
                "the entry read comes after the one that is taken",
            ),
            Assert(
                implies(
                    self.walking,
                    (left2 != 0)
                    & follows(place2, left2)
                    & (self.current == lowest(place2, left2))
                    & (self.end == Array(ends)[walked][: len(self.end)])
                    & (self.last == ((left2 & (left2 - 1)) == 0)),
                ),
                "the entry that is read comes next",
            ),
            Assert(
                implies(
                    ~self.walking
                    & (offers | self.taken_valid | self.entry_valid)
                    & (place2 < board.count),
                    left2 == Array(rows)[walked],
                ),
                "a row is walked to its end",
            ),
            Assert(
                implies(
                    self.head_valid,
                    (self.head == Array(starts)[waits])
                    & (self.head_end == Array(ends)[waits][: len(self.head_end)])
                    & (Array(board.lefts)[place3] == Array(rows)[waits]),
                ),
                "the list that waits comes next",
            ),
            Assert(
                implies(
                    some,
                    (self.looked_up == found) & (Array(board.lefts)[place4] == Array(rows)[found]),
                ),
                "the list that is looked up comes next",
            ),
            Assert(
                board.count == place2 + self.walking + self.head_valid + some,
                "everything on the scoreboard is somewhere",
            ),
            Assert(~(self.second & self.ended), "start and end are read one after the other"),
            Assert(implies(self.second | self.ended, self.looked_up < image.inputs), "it exists"),
            Assert(
                implies(
                    self.second,
                    pointer.as_value()
                    == Array(words.as_value() for words in pointers)[self.looked_up],
                ),
                "the start is looked up",
            ),
            Assert(
                implies(
                    self.ended,
                    (self.start == Array(starts)[self.looked_up])
                    & (self.none == Array(words.none for words in pointers)[self.looked_up])
                    & (pointer.start == Array(ends)[self.looked_up]),
                ),
                "the end is looked up",
            ),
            Cover(self.ended & self.none, "a row without entries"),
            Cover(self.head_valid & self.ended & ~self.none & self.walking, "two lists wait"),
        ]


CASES = (packed_case(CsrProperties, "csr", inputs=3, words=6, minutes=3, induction=8),)
