"""What proofs of packed stores share: access of the host, contents of memories, progress."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from amaranth.hdl import Array, Assert, Assume, Cover, Module, Signal
from amaranth.lib import data

from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.synapses.components import packed_store
from prunus_rtl.synapses.memory import SPRAM_NAME
from prunus_rtl.synapses.packed import write_layout
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import held, implies, opened, past, words_of
from prunus_sim.formal.scoreboard import Scoreboard

__all__ = ["PackedStoreProperties", "packed_case"]


class PackedStoreProperties(Properties):
    """Every input delivers its unpruned synapses, whatever well-formed memories hold.

    A host may write any words while no input is offered or being fetched, and read them; the image
    must be well-formed again when one is. A subclass says what is well-formed.

    Parameters
    ----------
    image : LaneImage
        Format and sizes. Its contents do not matter.
    spram : bool
        As of the store.
    probes : mapping
        As of :class:`Properties`.
    """

    def __init__(
        self, *, image: LaneImage, spram: bool, probes: dict[str, tuple[str, Any]]
    ) -> None:
        self._image, self._spram = image, spram
        super().__init__(
            free={
                "valid": 1,
                "pre": range(image.inputs),
                "write": write_layout(image),
                "read": 1,
            },
            probes=probes
            | {
                "host": ("unit.host", write_layout(image).size),
                "host_reads": ("unit.host_reads", 1),
            },
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        image = self._image
        unit = packed_store(image=image, spram=self._spram)
        inside = opened(unit)
        m.submodules.unit = unit
        self.host_enable = data.View(write_layout(image), self.host).enable
        m.d.comb += [
            unit.pre.valid.eq(self.valid),
            unit.pre.payload.eq(self.pre),
            unit.write.eq(self.write),
            unit.read.eq(self.read),
            Assume(self.pre < image.inputs),
            Assume(implies(self.write.enable | self.read, ~unit.busy & ~self.valid)),
            Assume(~(self.write.enable & self.read)),
            # What a host asks for is done in the cycle after, but for SPRAM.
            Assume(implies(self.host_enable | self.host_reads, ~self.valid)),
            *(
                ()
                if self._spram
                else [Assume(implies(self.host_reads, ~self.write.enable & ~self.read))]
            ),
            Assert(implies(self.host_enable | self.host_reads, ~unit.busy), "not while it fetches"),
            Cover(self.write.enable, "a word is written"),
            Cover(self.read, "a word is read"),
        ]
        held(m, unit.pre, name="pre")
        # What the store read last, and all words.
        self._read: list[Any] = []
        self._words: list[list[Any]] = []
        self._find_words(m, inside)
        self._check_reads(m, unit)
        self._check_synapses(m, unit)
        return m

    @abstractmethod
    def _check_synapses(self, m: Module, unit: Any) -> None:
        """Assume that memories are well-formed, and assert what is delivered."""

    def _find_words(self, m: Module, inside: Module) -> None:
        for spec in self._image.memories:
            layout = data.StructLayout(dict(spec.fields))
            in_spram = self._spram and spec is self._image.memories[-1]
            memory = inside.submodules[SPRAM_NAME if in_spram else spec.name]
            self._read.append(data.View(layout, memory.data))
            words = words_of(m, memory, name=spec.name)
            self._words.append([data.View(layout, word) for word in words])

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
        host = data.View(write_layout(self._image), self.host)
        inside = Signal()
        for k, words in enumerate(self._words):
            with m.If(self.write.memory == k):
                m.d.comb += inside.eq(self.write.address < len(words))
        asked, number, at = self.read & inside, self.write.memory, self.write.address
        if not self._spram:
            asked = past(m, asked, name="asked")
            number = past(m, number, name="number")
            at = past(m, at, name="at")
        found = Signal(unit.word.shape())
        for k, words in enumerate(self._words):
            with m.If(number == k):
                m.d.comb += found.eq(Array([word.as_value() for word in words])[at])
        m.d.comb += Assert(
            implies(asked, self.host_reads & (host.memory == number) & (host.address == at)),
            "what a host asks for is registered",
        )
        asked, number, stored = (
            past(m, value, name=name)
            for value, name in ((asked, "asked1"), (number, "number1"), (found, "stored1"))
        )
        if self._spram:
            # The caller goes on to name it; else the store does.
            m.d.comb += Assume(implies(asked, self.write.memory == number))
        shown = Array(word.as_value() for word in self._read)
        m.d.comb += [
            Assert(
                implies(asked, (shown[number] ^ stored)[: unit.word.shape().width] == 0),
                "the memory shows the word that a host asks for",
            ),
            Assert(implies(asked, host.memory == number), "and goes on to name its memory"),
        ]
        stored, asked, number = (
            past(m, value, name=name)
            for value, name in ((stored, "stored"), (asked, "asked2"), (number, "number2"))
        )
        for k, memory in enumerate(self._image.memories):
            m.d.comb += Assert(
                implies(
                    asked & (number == k),
                    unit.word[: memory.width] == stored[: memory.width],
                ),
                "a host reads the word that it asks for",
            )


def _image(form: str, *, inputs: int, slots: int, words: int, flagged: bool) -> LaneImage:
    alive = np.zeros((inputs, slots), dtype=np.bool_)
    alive[0, 0] = True
    weights = np.zeros((inputs, slots), dtype=np.uint8)
    packed = pack(
        weights, alive | (not flagged), format=form, lanes=1, weight_bits=3, capacity=words
    )
    return packed.lanes[0]


def packed_case(
    properties: type[Any],
    form: str,
    *,
    inputs: int,
    words: int,
    spram: bool = False,
    flagged: bool = True,
    induction: int = 6,
    minutes: int = 0,
) -> Case:
    """Return a case of a packed store with three slots.

    Parameters
    ----------
    properties : type of PackedStoreProperties
        Takes ``image`` and ``spram``.
    form : str
        Format.
    inputs, words : int
        Inputs; words of the memory of weights or entries.
    spram, flagged : bool
        Whether that is an SPRAM; whether some synapse is pruned, so that words say what is alive.
    induction, minutes : int
        As of :class:`Case`.
    """
    kind = f"{form}{', spram' if spram else ''}{'' if flagged else ', no flag'}"

    def build() -> PackedStoreProperties:
        image = _image(form, inputs=inputs, slots=3, words=words, flagged=flagged)
        built: PackedStoreProperties = properties(image=image, spram=spram)
        return built

    return Case(
        name=f"well-formed {kind}: exact fetch",
        sizes=f"{inputs} pre, 3 slots, {words} words, any contents",
        build=build,
        bmc=8,
        induction=induction,
        cover=12,
        deep=14,
        minutes=minutes,
    )
