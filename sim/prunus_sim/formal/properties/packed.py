"""Properties of the packed store: well-formed memories are fetched exactly, and to the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Array, Assert, Assume, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.synapses.formats import packed_store
from prunus_rtl.synapses.memory import SPRAM_NAME
from prunus_rtl.synapses.packed import write_layout
from prunus_sim.formal.harness import held, implies, opened, past, words_of
from prunus_sim.formal.prove import Case, Properties
from prunus_sim.formal.scoreboard import Scoreboard

__all__ = ["CASES", "PackedStoreProperties"]


class PackedStoreProperties(Properties):
    """Every input delivers its unpruned synapses, whatever well-formed memories hold.

    ``csr`` is well-formed if every row ends inside the memory before the next one begins, and its
    columns exist and ascend;
    ``bitmask``, if the weights of every row are inside the memory; ``dense``, always. A host may
    write any words while no input is offered or being fetched, and read them; the image must be
    well-formed again when one is.

    Parameters
    ----------
    image : LaneImage
        Format and sizes. Its contents do not matter.
    spram : bool
        As of the store.
    """

    def __init__(self, *, image: LaneImage, spram: bool = False) -> None:
        self._image, self._spram = image, spram
        start = range(image.memories[-1].depth)
        probes: dict[str, tuple[str, Any]]
        match image.format:
            case "csr" if spram:
                probes = {
                    "found": ("unit.found", 1),
                    "ended": ("unit.ended", 1),
                    "none": ("unit.none", 1),
                    "entry_valid": ("unit.valid", 1),
                    "current": ("unit.current", start),
                    "end": ("unit.end", start),
                    "looked_up": ("unit.pre", range(self._joint_depth)),
                }
            case "csr":
                probes = {
                    "second": ("unit.second", 1),
                    "ended": ("unit.ended", 1),
                    "none": ("unit.none", 1),
                    "start": ("unit.start", start),
                    "looked_up": ("unit.pre", range(image.inputs)),
                    "head": ("unit.head", start),
                    "head_end": ("unit.head_end", start),
                    "head_valid": ("unit.head_valid", 1),
                    "walking": ("unit.walking", 1),
                    "current": ("unit.current", start),
                    "end": ("unit.end", start),
                    "entry_valid": ("unit.valid", 1),
                }
            case "bitmask":
                probes = {
                    "looked_up": ("unit.looked_up", 1),
                    "walking": ("unit.walking", 1),
                    "left": ("unit.left", image.slots),
                    "current": ("unit.current", start),
                }
            case _:
                probes = {
                    "walking": ("unit.walking", 1),
                    "fetched": ("unit.fetched", range(image.slots)),
                    "current": ("unit.current", start),
                }
        super().__init__(
            free={
                "valid": 1,
                "pre": range(image.inputs),
                "write": write_layout(image),
                "read": 1,
            },
            probes=probes,
        )

    @property
    def _joint_depth(self) -> int:
        """Words of the memory that holds row pointers and entries in SPRAM."""
        return 1 << (sum(memory.depth for memory in self._image.memories) - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        image = self._image
        unit = packed_store(image=image, spram=self._spram)
        inside = opened(unit)
        m.submodules.unit = unit
        m.d.comb += [
            unit.pre.valid.eq(self.valid),
            unit.pre.payload.eq(self.pre),
            unit.write.eq(self.write),
            unit.read.eq(self.read),
            Assume(self.pre < image.inputs),
            Assume(implies(self.write.enable | self.read, ~unit.busy & ~self.valid)),
            Assume(~(self.write.enable & self.read)),
            Cover(self.write.enable, "a word is written"),
            Cover(self.read, "a word is read"),
        ]
        held(m, unit.pre, name="pre")
        # What the store read last, and all words.
        self._read, self._words = [], []
        joint: list[Any] = []
        if image.format == "csr" and self._spram:
            memory = inside.submodules[SPRAM_NAME]
            joint = words_of(m, memory, name="word")
        for spec in image.memories:
            if joint:
                at = (
                    joint[: spec.depth] if spec.name == "entries" else joint[: -spec.depth - 1 : -1]
                )
                layout = data.StructLayout(dict(spec.fields))
                self._words.append([data.View(layout, word[: spec.width]) for word in at])
                self._read.append(data.View(layout, memory.data[: spec.width]))
                continue
            layout = data.StructLayout(dict(spec.fields))
            in_spram = self._spram and spec is image.memories[-1]
            memory = inside.submodules[SPRAM_NAME if in_spram else spec.name]
            self._read.append(data.View(layout, memory.data))
            words = words_of(m, memory, name=spec.name)
            self._words.append([data.View(layout, word) for word in words])
        self._check_reads(m, unit)
        match image.format:
            case "csr":
                self._csr(m, unit)
            case "bitmask":
                self._bitmask(m, unit)
            case _:
                self._dense(m, unit)
        return m

    def _board(
        self,
        m: Module,
        unit: Any,
        rows: list[Any],
        weights: Any,
        *,
        depth: int,
        cycles: int,
        most: int | None = None,
    ) -> Scoreboard:
        board = Scoreboard(
            m,
            pre=unit.pre,
            synapse=unit.synapse,
            rows=rows,
            weights=weights,
            depth=depth,
            most=most,
        )
        board.check_progress(m, synapse=unit.synapse, busy=unit.busy, pre=unit.pre, cycles=cycles)
        return board

    def _check_reads(self, m: Module, unit: Any) -> None:
        """Assert that the host reads what it asks for."""
        stored = Signal(unit.word.shape())
        asked = Signal()
        number = Signal.like(self.write.memory)
        for k, words in enumerate(self._words):
            with m.If(self.write.memory == k):
                inside = self.write.address < len(words)
                word = Array([word.as_value() for word in words])[self.write.address]
                m.d.sync += [stored.eq(word), asked.eq(self.read & inside)]
        m.d.sync += number.eq(self.write.memory)
        # It is not enough that the word is right in the cycle after the next: induction wants it in
        # the next one too.
        m.d.comb += Assume(implies(asked, self.write.memory == number))
        shown = Array(word.as_value() for word in self._read)
        m.d.comb += Assert(
            implies(asked, (shown[number] ^ stored)[: unit.word.shape().width] == 0),
            "the memory shows the word that a host asks for",
        )
        stored, asked, number = (
            past(m, value, name=name)
            for value, name in ((stored, "stored"), (asked, "asked"), (number, "number"))
        )
        for k, memory in enumerate(self._image.memories):
            m.d.comb += Assert(
                implies(
                    asked & (number == k),
                    unit.word[: memory.width] == stored[: memory.width],
                ),
                "a host reads the word that it asks for",
            )

    def _csr(self, m: Module, unit: Any) -> None:
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
        if self._spram:
            self._csr_in_spram(m, unit, rows, weights, starts, ends)
            return
        board = self._board(m, unit, rows, weights, depth=5, most=4, cycles=6)

        # Invariants: what is delivered, what was read, what is read now, what waits and what is
        # looked up are consecutive synapses, or lists, of the scoreboard.
        pointer, entry = self._read
        table = Array(words.as_value() for words in entries)
        offers = unit.synapse.valid

        def after(valid: Any, place: Any, left: Any, *, name: str) -> tuple[Any, Any]:
            """Return place and rest behind one more synapse, if it is there."""
            rest = Signal(image.slots, name=f"{name}_rest")
            at = Signal(range(6), name=f"{name}_place")
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
        place2, left2 = after(self.entry_valid, place1, left1, name="read")
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
                    self.entry_valid,
                    (left1 != 0)
                    & follows(place1, left1)
                    & (entry.as_value() == table[lowest(place1, left1)]),
                ),
                "the entry read comes after the one that is offered",
            ),
            Assert(
                implies(
                    self.walking,
                    (left2 != 0)
                    & follows(place2, left2)
                    & (self.current == lowest(place2, left2))
                    & (self.end == Array(ends)[walked]),
                ),
                "the entry that is read comes next",
            ),
            Assert(
                implies(
                    ~self.walking & (offers | self.entry_valid) & (place2 < board.count),
                    left2 == Array(rows)[walked],
                ),
                "a row is walked to its end",
            ),
            Assert(
                implies(
                    self.head_valid,
                    (self.head == Array(starts)[waits])
                    & (self.head_end == Array(ends)[waits])
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

    def _csr_in_spram(
        self,
        m: Module,
        unit: Any,
        rows: list[Any],
        weights: Any,
        starts: list[Any],
        ends: list[Any],
    ) -> None:
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

    def _bitmask(self, m: Module, unit: Any) -> None:
        image = self._image
        table, contents = self._words
        depth = image.memories[1].depth
        weights: list[Any] = []
        for p, word in enumerate(table):
            column = []
            address: Any = word.start
            for k in range(image.slots):
                weight = Signal(image.weight_bits, name=f"weight{p}_{k}")
                m.d.comb += weight.eq(Array(contents)[address].weight)
                column.append(weight)
                address = address + word.alive[k]
            m.d.comb += Assume(implies(unit.busy | self.valid, address <= depth))
            weights.append(column)
        rows = [word.alive for word in table]
        board = self._board(m, unit, rows, weights, depth=3, cycles=4)

        row = self._read[0]
        offers, rest = unit.synapse.valid, board.rest
        last = offers & (rest == 0)
        some = self.looked_up & (row.alive != 0)
        place = last + self.walking
        walked_pre = Mux(last, board.pres[1], board.pres[0])
        walked_left = Mux(last, board.lefts[1], Mux(offers, rest, board.lefts[0]))
        done = Array(rows)[walked_pre] & ~walked_left
        passed = sum((done[k] for k in range(image.slots)), start=Value.cast(0))
        starts = Array(word.start for word in table)
        next_pre = Array(board.pres)[place]
        m.d.comb += [
            Assert(board.count == place + some, "everything on the scoreboard is somewhere"),
            Assert(implies(offers & (rest != 0), self.walking), "a row is walked to its end"),
            Assert(
                implies(
                    self.walking,
                    (self.left == walked_left)
                    & (self.current == starts[walked_pre] + passed)
                    & ((walked_left & ~Array(rows)[walked_pre]) == 0)
                    & (done < (walked_left & ~(walked_left - 1))),
                ),
                "the walked row is what is left",
            ),
            Assert(
                implies(
                    some,
                    (Array(rows)[next_pre] == row.alive)
                    & (starts[next_pre] == row.start)
                    & (Array(board.lefts)[place] == row.alive),
                ),
                "the row looked up comes next",
            ),
            Cover(self.looked_up & (row.alive == 0), "an input without unpruned synapses"),
        ]

    def _dense(self, m: Module, unit: Any) -> None:
        image = self._image
        slots = image.slots
        words = self._words[0]
        rows, weights = [], []
        flagged = "alive" in dict(image.memories[0].fields)
        for p in range(image.inputs):
            part = words[p * slots : (p + 1) * slots]
            row = Signal(slots, name=f"row{p}")
            for k in range(slots):
                m.d.comb += row[k].eq(part[k].alive if flagged else 1)
            rows.append(row)
            weights.append([word.weight for word in part])
        board = self._board(m, unit, rows, weights, depth=2, cycles=2 * slots)

        # The input that is being walked, also if nothing of it is left.
        walked = Signal(range(image.inputs))
        with m.If(unit.pre.valid & unit.pre.ready):
            m.d.sync += walked.eq(unit.pre.payload)
        offers, rest = unit.synapse.valid, board.rest
        last = offers & (rest == 0)
        ahead = Signal(slots)
        m.d.comb += ahead.eq(
            Array(rows)[walked] & ~((1 << self.fetched) - 1)[:slots] & self.walking.replicate(slots)
        )
        m.d.comb += [
            Assert(board.count == last + (ahead != 0), "everything on the scoreboard is somewhere"),
            Assert(implies(offers & (rest != 0), ahead != 0), "a row is walked to its end"),
            Assert(
                implies(
                    ahead != 0,
                    (Array(board.pres)[last] == walked)
                    & (Mux(offers & ~last, rest, Array(board.lefts)[last]) == ahead),
                ),
                "the walked row is what is left",
            ),
            Assert(
                implies(
                    self.walking,
                    (self.current == walked * slots + self.fetched)
                    & (self.fetched < slots)
                    & (walked < image.inputs),
                ),
                "the address follows the slot",
            ),
        ]
        if flagged:
            m.d.comb += Cover(
                self.walking & (Array(rows)[walked] == 0), "an input without unpruned synapses"
            )


def _image(form: str, *, inputs: int, slots: int, words: int, flagged: bool) -> LaneImage:
    alive = np.zeros((inputs, slots), dtype=np.bool_)
    alive[0, 0] = True
    weights = np.zeros((inputs, slots), dtype=np.uint8)
    packed = pack(
        weights, alive | (not flagged), format=form, lanes=1, weight_bits=3, capacity=words
    )
    return packed.lanes[0]


def _case(
    form: str,
    *,
    inputs: int,
    words: int,
    spram: bool = False,
    flagged: bool = True,
    bmc: int = 8,
    induction: int = 6,
) -> Case:
    kind = f"{form}{', spram' if spram else ''}{'' if flagged else ', no flag'}"

    def build() -> PackedStoreProperties:
        image = _image(form, inputs=inputs, slots=3, words=words, flagged=flagged)
        return PackedStoreProperties(image=image, spram=spram)

    return Case(
        name=f"well-formed {kind}: exact fetch",
        sizes=f"{inputs} pre, 3 slots, {words} words, any contents",
        build=build,
        bmc=bmc,
        induction=induction,
        cover=12,
        deep=14,
    )


CASES = (
    _case("csr", inputs=3, words=6),
    _case("csr", inputs=2, words=4, spram=True),
    _case("bitmask", inputs=4, words=8),
    _case("bitmask", inputs=2, words=4, spram=True),
    _case("dense", inputs=4, words=12, induction=9),
    _case("dense", inputs=4, words=12, flagged=False, induction=9),
)
