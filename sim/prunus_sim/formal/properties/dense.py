"""Properties of the learning store: the walk visits exactly the set bits, once, in order."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux

from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import held, implies, opened, small, stream_rules, words_of
from prunus_sim.formal.scoreboard import Scoreboard

__all__ = ["CASES", "LearningStoreProperties"]


class LearningStoreProperties(Properties):
    """Every input delivers its unpruned synapses, whatever the memories hold.

    Columns may be read and written in any way while no input is offered or being fetched.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        s = shapes
        synapses = range(s.network.inputs * s.slots)
        super().__init__(
            free={
                "valid": 1,
                "pre": s.pre,
                "ready": 1,
                "mask": s.slots,
                "read": 1,
                "read_address": synapses,
                "read_row": 1,
                "read_pre": s.pre,
                "write": 1,
                "write_row": 1,
                "write_address": synapses,
                "write_pre": s.pre,
                "write_weight": s.weight,
                "write_alive": 1,
            },
            probes={
                "next_valid": ("unit.next_valid", 1),
                "next_pre": ("unit.next_pre", s.pre),
                "row": ("unit.row", s.slots),
                "row_valid": ("unit.row_valid", 1),
                "base": ("unit.base", synapses),
                "row_read": ("unit.alive.read_data", s.slots),
            },
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        inputs, slots = s.network.inputs, s.slots
        unit = LearningStore(shapes=s)
        inside = opened(unit)
        m.submodules.unit = unit
        rows = words_of(m, inside.submodules["alive"], name="row")
        weights = words_of(m, inside.submodules["weights"], name="weight")
        m.d.comb += [
            unit.pre.valid.eq(self.valid),
            unit.pre.payload.eq(self.pre),
            unit.synapse.ready.eq(self.ready),
        ]
        for name in ("mask", "read", "read_address", "read_row", "read_pre", "write", "write_row"):
            m.d.comb += getattr(unit.column, name).eq(getattr(self, name))
        for name in ("write_address", "write_pre", "write_weight", "write_alive"):
            m.d.comb += getattr(unit.column, name).eq(getattr(self, name))
        column = self.read | self.read_row | self.write | self.write_row
        m.d.comb += [
            Assume(self.pre < inputs),
            Assume(implies(column, ~unit.busy & ~self.valid)),
        ]
        held(m, unit.pre, name="pre")
        stream_rules(m, unit.synapse, name="synapse")
        board = Scoreboard(
            m,
            pre=unit.pre,
            synapse=unit.synapse,
            rows=rows,
            weights=[weights[k * slots : (k + 1) * slots] for k in range(inputs)],
            depth=3,
        )
        board.check_progress(m, synapse=unit.synapse, busy=unit.busy, pre=unit.pre, cycles=3)

        # Invariants: where on the scoreboard the walked row and the next row are.
        offers, rest = unit.synapse.valid, board.rest
        last = offers & (rest == 0)
        walked_left = Mux(last, board.lefts[1], Mux(offers, rest, board.lefts[0]))
        walked_pre = Mux(last, board.pres[1], board.pres[0])
        some = self.next_valid & (self.row_read != 0)
        place = last + self.row_valid
        m.d.comb += [
            Assert(board.count == place + some, "everything on the scoreboard is somewhere"),
            Assert(implies(offers & (rest != 0), self.row_valid), "a row is walked to its end"),
            Assert(
                implies(
                    self.row_valid, (self.row == walked_left) & (self.base == walked_pre * slots)
                ),
                "the walked row is what is left",
            ),
            Assert(
                implies(self.next_valid, self.row_read == Array(rows)[self.next_pre]),
                "the next row is looked up",
            ),
            Assert(implies(self.next_valid, self.next_pre < inputs), "the next input exists"),
            Assert(
                implies(
                    some,
                    (Array(board.pres)[place] == self.next_pre)
                    & (Array(board.lefts)[place] == self.row_read),
                ),
                "the next row comes next",
            ),
            Cover(self.next_valid & (self.row_read == 0), "an input without unpruned synapses"),
            Cover(column & self.write & self.write_row & self.write_alive, "a column is written"),
        ]
        return m


CASES = (
    Case(
        name="walk = set bits, once, ascending; busy falls",
        sizes="4 pre, 3 slots, 3-bit weights, any contents",
        build=lambda: LearningStoreProperties(shapes=small(neurons=5, lanes=2)),
        bmc=10,
        induction=6,
        cover=12,
        deep=20,
    ),
    Case(
        name="walk = set bits, once, ascending; busy falls",
        sizes="3 pre, 8 slots, 4-bit weights, any contents",
        build=lambda: LearningStoreProperties(
            shapes=small(inputs=3, neurons=8, lanes=1, weight_bits=4)
        ),
        bmc=6,
        induction=6,
        cover=12,
    ),
)
