"""Winner: the neuron whose potential is the farthest above its firing threshold."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["WinnerTree", "candidate_layout"]


def candidate_layout(v_bits: int) -> data.StructLayout:
    """Return the layout of a neuron that may win, for potentials of ``v_bits`` bits.

    ``margin`` is ``v - v_fire``, modulo ``2**v_bits``; it counts only if ``fires``. Compared as one
    number, the larger candidate wins.
    """
    return data.StructLayout({"margin": unsigned(v_bits), "fires": 1})


class WinnerTree(wiring.Component):
    """Argmax over the candidates of all slots and lanes; of equal candidates the lowest post wins.

    A pipelined tree compares the candidates of one slot, one level of lanes per cycle (of two equal
    ones the lower lane wins). Its root is compared with the best of the lower slots (of two equal
    ones the lower slot stays). For margins of all neurons the result equals
    :func:`prunus_model.reference.membrane.winner`.

    Timing
    ------
    One slot per cycle; slots may come with pauses. The candidates of a slot are sampled ``latency``
    cycles after its ``sweep``; ``arrived`` is high ``log2(lanes)`` cycles later, and ``fires`` and
    ``post`` take the slot into account in the cycle after. All outputs are registers but ``last``,
    which is a comparison behind one. Clock domain ``sync``.

    Parameters
    ----------
    lanes : int
        Number of lanes. A power of 2.
    slots : int
        Neurons of a lane.
    v_bits : int
        Width of a potential, and of a margin.
    latency : int
        Cycles from ``sweep`` to the candidates. Positive.

    Members
    -------
    candidates : Array of In(candidate_layout(v_bits))
        The neurons in the slot, for each lane.
    sweep : In(1)
        The next slot is on its way: slots come in order, and slot 0 after the last one.
    rewind : In(1)
        The next slot to arrive is slot 0. Only while none is on its way.
    clear : In(1)
        Forget the winner; only together with ``rewind``.
    root : Out(candidate_layout(v_bits))
        The largest candidate of the slot; valid while ``arrived``.
    arrived, last : Out(1)
        A slot arrives at the root; it is the last one.
    fires : Out(1)
        There is a winner: some candidate since ``clear`` had ``fires``.
    post : Out(lane and slot)
        The winner: its lane in the low bits, its slot above. Undefined unless ``fires``.
    """

    def __init__(self, *, lanes: int, slots: int, v_bits: int, latency: int) -> None:
        self._lanes = lanes
        self._slots = slots
        self._v_bits = v_bits
        self._latency = latency
        candidate = candidate_layout(v_bits)
        lane_bits = Shape.cast(range(lanes)).width
        super().__init__(
            {
                "candidates": In(candidate).array(lanes),
                "sweep": In(1),
                "rewind": In(1),
                "clear": In(1),
                "root": Out(candidate),
                "arrived": Out(1),
                "last": Out(1),
                "fires": Out(1),
                "post": Out(lane_bits + Shape.cast(range(slots)).width),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        lanes, slots = self._lanes, self._slots
        levels = (lanes - 1).bit_length()

        # A token follows each slot to the root; registers of a level load only if it is there.
        tokens = Signal(levels + self._latency)
        m.d.sync += tokens.eq(Cat(self.sweep, tokens))

        # A candidate of an upper half wins only if it is larger.
        candidate = candidate_layout(self._v_bits)
        row: list[tuple[Any, Any]] = [(found, Const(0, 0)) for found in self.candidates]
        for level in range(levels):
            next_row = []
            for k in range(len(row) // 2):
                (low, low_lane), (high, high_lane) = row[2 * k], row[2 * k + 1]
                best = Signal(candidate, name=f"best{level}_{k}")
                lane_index = Signal(level + 1, name=f"lane{level}_{k}")
                upper = high.as_value() > low.as_value()
                with m.If(tokens[self._latency - 1 + level]):
                    m.d.sync += [
                        best.eq(Mux(upper, high, low)),
                        lane_index.eq(Cat(Mux(upper, high_lane, low_lane), upper)),
                    ]
                next_row.append((best, lane_index))
            row = next_row
        root, root_lane = row[0]

        slot = Signal(range(slots))
        best_candidate = Signal(candidate)
        is_last = slot == slots - 1
        m.d.comb += [
            self.root.eq(root),
            self.arrived.eq(tokens[-1]),
            self.last.eq(self.arrived & is_last),
            self.fires.eq(best_candidate.fires),
        ]
        with m.If(self.arrived):
            m.d.sync += slot.eq(Mux(is_last, 0, slot + 1))
            with m.If(root.as_value() > best_candidate.as_value()):
                m.d.sync += [best_candidate.eq(root), self.post.eq(Cat(root_lane, slot))]
        with m.If(self.rewind):
            m.d.sync += slot.eq(0)
            with m.If(self.clear):
                m.d.sync += best_candidate.eq(0)
        return m
