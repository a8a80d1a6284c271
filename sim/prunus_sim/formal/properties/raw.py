"""Properties of the packed store in the format dense."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Cover, Module, Mux, Signal

from prunus_rtl.memory_image.image import LaneImage
from prunus_sim.formal.harness import implies
from prunus_sim.formal.packed_store import PackedStoreProperties, packed_case

__all__ = ["CASES", "RawProperties"]


class RawProperties(PackedStoreProperties):
    """Every input delivers its unpruned slots.

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
                "walking": ("unit.walking", 1),
                "fetched": ("unit.fetched", range(image.slots)),
                "current": ("unit.current", range(image.memories[-1].depth)),
            },
        )

    def _check_synapses(self, m: Module, unit: Any) -> None:
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


CASES = (
    packed_case(RawProperties, "dense", inputs=4, words=12, induction=9),
    packed_case(RawProperties, "dense", inputs=4, words=12, flagged=False, induction=9),
)
