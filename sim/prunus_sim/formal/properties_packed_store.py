"""Properties of the packed store: well-formed memories are fetched exactly, and to the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from prunus_model.store import LaneImage, pack
from prunus_rtl.packed_store import SPRAM_NAME, PackedStore, write_layout
from prunus_sim.formal.harness import held, implies, opened, stream_rules, words_of
from prunus_sim.formal.prove import Case, Properties
from prunus_sim.formal.scoreboard import Scoreboard

__all__ = ["CASES", "PackedStoreProperties"]


class PackedStoreProperties(Properties):
    """Every input delivers its live synapses, whatever well-formed memories hold.

    ``list`` is well-formed if every list ends inside the memory, and its slots exist and ascend;
    ``bitmap``, if the weights of every row are inside the memory; ``dense``, always. A host may
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
        address = range(image.memories[-1].depth)
        start = range(image.memories[-1].depth)
        probes: dict[str, tuple[str, Any]]
        match image.format:
            case "list" if spram:
                probes = {
                    "found": ("unit.found", 1),
                    "entry_valid": ("unit.valid", 1),
                    "current": ("unit.current", range(self._joint_depth)),
                }
            case "list":
                probes = {
                    "looked_up": ("unit.looked_up", 1),
                    "first": ("unit.head", start),
                    "first_valid": ("unit.head_valid", 1),
                    "second": ("unit.tail", start),
                    "second_valid": ("unit.tail_valid", 1),
                    "entry_valid": ("unit.valid", 1),
                    "current": ("unit.current", address),
                }
            case "bitmap":
                probes = {
                    "looked_up": ("unit.looked_up", 1),
                    "walking": ("unit.walking", 1),
                    "left": ("unit.left", image.slots),
                    "address": ("unit.address", address),
                }
            case _:
                probes = {
                    "walking": ("unit.walking", 1),
                    "fetched": ("unit.fetched", range(image.slots)),
                    "address": ("unit.address", address),
                }
        super().__init__(
            free={
                "valid": 1,
                "pre": range(image.inputs),
                "ready": 1,
                "write": write_layout(image),
                "read": 1,
            },
            probes=probes,
        )

    @property
    def _joint_depth(self) -> int:
        """Words of the memory that holds a list in SPRAM."""
        return 1 << (sum(memory.depth for memory in self._image.memories) - 1).bit_length()

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        image = self._image
        unit = PackedStore(image=image, spram=self._spram)
        inside = opened(unit)
        m.submodules.unit = unit
        m.d.comb += [
            unit.pre.valid.eq(self.valid),
            unit.pre.payload.eq(self.pre),
            unit.synapse.ready.eq(self.ready),
            unit.write.eq(self.write),
            unit.read.eq(self.read),
            Assume(self.pre < image.inputs),
            Assume(implies(self.write.enable | self.read, ~unit.busy & ~self.valid)),
            Assume(~(self.write.enable & self.read)),
            Cover(self.write.enable, "a word is written"),
            Cover(self.read, "a word is read"),
        ]
        held(m, unit.pre, name="pre")
        stream_rules(m, unit.synapse, name="synapse")
        # What the store read last, and all words.
        self._read, self._words = [], []
        joint: list[Any] = []
        if image.format == "list" and self._spram:
            memory = inside.submodules[SPRAM_NAME]
            joint = words_of(m, memory, name="word")
        for spec in image.memories:
            if joint:
                at = (
                    joint[: spec.depth] if spec.name == "entries" else joint[: -spec.depth - 1 : -1]
                )
                layout = data.StructLayout(dict(spec.fields))
                self._words.append([data.View(layout, word[: spec.width]) for word in at])
                self._read.append(data.View(layout, memory.read_ports[0].data[: spec.width]))
                continue
            layout = data.StructLayout(dict(spec.fields))
            huge = self._spram and spec is image.memories[-1]
            memory = inside.submodules[SPRAM_NAME if huge else spec.name]
            self._read.append(data.View(layout, memory.read_ports[0].data))
            words = words_of(m, memory, name=spec.name)
            self._words.append([data.View(layout, word) for word in words])
        self._check_reads(m, unit)
        match image.format:
            case "list":
                self._list(m, unit)
            case "bitmap":
                self._bitmap(m, unit)
            case _:
                self._dense(m, unit)
        return m

    def _board(
        self, m: Module, unit: Any, rows: list[Any], weights: Any, *, depth: int, cycles: int
    ) -> Scoreboard:
        board = Scoreboard(
            m, pre=unit.pre, synapse=unit.synapse, rows=rows, weights=weights, depth=depth
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
        m.d.comb += Assume(implies(asked, self.write.memory == number))
        for k, memory in enumerate(self._image.memories):
            m.d.comb += Assert(
                implies(
                    asked & (number == k),
                    unit.word[: memory.width] == stored[: memory.width],
                ),
                "a host reads the word that it asks for",
            )

    def _list(self, m: Module, unit: Any) -> None:
        image = self._image
        pointers, entries = self._words
        depth = image.memories[1].depth
        rows, weights, starts = [], [], []
        for p, pointer in enumerate(pointers):
            row = Signal(image.slots, name=f"list{p}")
            column = [Signal(image.weight_bits, name=f"weight{p}_{k}") for k in range(image.slots)]
            inside = ~pointer.none
            before: Any = None
            formed: Any = Value.cast(1)
            for n in range(image.slots):
                address = pointer.start + n
                entry = Array(entries)[address]
                at = Signal(image.memories[1].width, name=f"entry{p}_{n}")
                m.d.comb += at.eq(entry)
                this = data.View(data.StructLayout(dict(image.memories[1].fields)), at)
                good = (address < depth) & (this.slot < image.slots)
                if before is not None:
                    good &= this.slot > before.slot
                formed &= implies(inside, good)
                for k in range(image.slots):
                    with m.If(inside & (this.slot == k)):
                        m.d.comb += [row[k].eq(1), column[k].eq(this.weight)]
                inside, before = inside & ~this.last, this
            fetching = unit.busy | self.valid
            m.d.comb += Assume(implies(fetching, formed & ~inside))
            rows.append(row)
            weights.append(column)
            starts.append(pointer.start)
        if self._spram:
            self._joint_list(m, unit, rows, weights, starts)
            return
        board = self._board(m, unit, rows, weights, depth=4, cycles=4)

        # Invariants: entry, first, second, pointer are consecutive places of the scoreboard.
        pointer, entry = self._read
        some = self.looked_up & ~pointer.none
        done = Array(rows)[board.pres[0]] & ~board.lefts[0]
        passed = sum((done[k] for k in range(image.slots)), start=Value.cast(0))
        lowest = board.lefts[0] & ~board.rest

        def starts_at(place: Any, start: Any) -> Any:
            pre = Array(board.pres)[place]
            return (Array(starts)[pre] == start) & (Array(board.lefts)[place] == Array(rows)[pre])

        second = self.entry_valid + self.first_valid
        third = second + self.second_valid
        m.d.comb += [
            Assert(board.count == third + some, "everything on the scoreboard is somewhere"),
            Assert(
                implies(
                    self.entry_valid,
                    (entry.as_value() == Array([e.as_value() for e in entries])[self.current])
                    & (self.current == Array(starts)[board.pres[0]] + passed)
                    & (done < lowest)
                    & ((board.lefts[0] & ~Array(rows)[board.pres[0]]) == 0),
                ),
                "the entry is the next one of the oldest input",
            ),
            Assert(implies(self.second_valid, self.first_valid), "starts wait in order"),
            Assert(
                implies(self.first_valid, starts_at(self.entry_valid, self.first)),
                "the first start",
            ),
            Assert(implies(self.second_valid, starts_at(second, self.second)), "the second start"),
            Assert(implies(some, starts_at(third, pointer.start)), "the pointer looked up"),
            Cover(self.looked_up & pointer.none, "a list without entries"),
            Cover(self.second_valid & some, "two starts wait, and a pointer"),
        ]

    def _joint_list(
        self, m: Module, unit: Any, rows: list[Any], weights: Any, starts: list[Any]
    ) -> None:
        # Invariant: what was read last is the next entry of the only input, or its pointer.
        board = self._board(m, unit, rows, weights, depth=1, cycles=2)
        entries = self._words[1]
        pointer, entry = self._read
        row = Array(rows)[board.pres[0]]
        start = Array(starts)[board.pres[0]]
        done = Signal.like(board.lefts[0])
        m.d.comb += done.eq(row & ~board.lefts[0])
        passed = sum((done[k] for k in range(len(done))), start=Value.cast(0))
        some = self.found & ~pointer.none
        m.d.comb += [
            Assert(~(self.found & self.entry_valid), "a pointer or an entry was read"),
            Assert(board.count == (self.entry_valid | some), "the input on the scoreboard"),
            Assert(
                implies(some, (pointer.start == start) & (board.lefts[0] == row)),
                "the pointer looked up",
            ),
            Assert(
                implies(
                    self.entry_valid,
                    (entry.as_value() == Array([e.as_value() for e in entries])[self.current])
                    & (self.current == start + passed)
                    & (done < (board.lefts[0] & ~board.rest))
                    & ((board.lefts[0] & ~row) == 0),
                ),
                "the entry is the next one of the input",
            ),
            Cover(self.found & pointer.none, "a list without entries"),
        ]

    def _bitmap(self, m: Module, unit: Any) -> None:
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
                    & (self.address == starts[walked_pre] + passed)
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
            Cover(self.looked_up & (row.alive == 0), "an input without live synapses"),
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
                    (self.address == walked * slots + self.fetched)
                    & (self.fetched < slots)
                    & (walked < image.inputs),
                ),
                "the address follows the slot",
            ),
        ]
        if flagged:
            m.d.comb += Cover(
                self.walking & (Array(rows)[walked] == 0), "an input without live synapses"
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
    _case("list", inputs=3, words=6),
    _case("list", inputs=2, words=4, spram=True),
    _case("bitmap", inputs=4, words=8),
    _case("bitmap", inputs=2, words=4, spram=True),
    _case("dense", inputs=4, words=12, induction=9),
    _case("dense", inputs=4, words=12, flagged=False, induction=9),
)
