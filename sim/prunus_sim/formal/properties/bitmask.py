"""Properties of the packed store in the format bitmask."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal, Value

from prunus_rtl.memory_image.image import LaneImage
from prunus_sim.formal.harness import implies
from prunus_sim.formal.packed_store import PackedStoreProperties, packed_case

__all__ = ["CASES", "BitmaskProperties"]


class BitmaskProperties(PackedStoreProperties):
    """Every input delivers its unpruned slots, if the weights of every row are inside the memory.

    Parameters
    ----------
    image : LaneImage
        Sizes.
    spram : bool
        As of the store.
    """

    def __init__(self, *, image: LaneImage, spram: bool) -> None:
        super().__init__(
            image=image,
            spram=spram,
            probes={
                "looked_up": ("unit.looked_up", 1),
                "walking": ("unit.walking", 1),
                "left": ("unit.left", image.slots),
                "current": ("unit.current", range(image.memories[-1].depth)),
            },
        )

    def _check_synapses(self, m: Module, unit: Any) -> None:
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


CASES = (
    packed_case(BitmaskProperties, "bitmask", inputs=4, words=8),
    packed_case(BitmaskProperties, "bitmask", inputs=2, words=4, spram=True),
)
