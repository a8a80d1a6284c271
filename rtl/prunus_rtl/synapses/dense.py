"""Learning store of one lane: dense weights, and a row of alive bits for each input."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.constant_product import times
from prunus_rtl.lib.priority import lowest
from prunus_rtl.lib.ram import Ram
from prunus_rtl.shapes import Shapes

__all__ = ["Column", "LearningStore"]


class Column(wiring.Signature):
    """Access to the synapses of one slot, one input after the other.

    The four parts of one access follow each other, one input per cycle: ``read`` in cycle 0,
    ``weight`` valid and ``read_row`` in cycle 1, ``alive`` valid in cycle 2, and the write, which
    may be left out, in cycle 3.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.

    Members
    -------
    mask : Out(slots)
        One-hot slot; held from ``read`` until after the write.
    read : Out(1)
        Read a weight.
    read_address : Out(range(rows * slots))
        ``row * slots + slot``.
    weight : In(weight_bits)
        The weight.
    read_row : Out(1)
        Read the alive row of the same input.
    read_pre : Out(range(rows))
        Its row: ``group * inputs + pre``.
    alive : In(1)
        Whether the synapse is alive.
    write : Out(1)
        Write a weight.
    write_row : Out(1)
        Write the alive bit.
    write_address, write_pre
        As for reading.
    write_weight : Out(weight_bits)
        New weight.
    write_alive : Out(1)
        New alive bit.
    """

    def __init__(self, shapes: Shapes) -> None:
        address = range(shapes.network.rows * shapes.slots)
        super().__init__(
            {
                "mask": Out(unsigned(shapes.slots)),
                "read": Out(1),
                "read_address": Out(address),
                "weight": In(shapes.weight),
                "read_row": Out(1),
                "read_pre": Out(shapes.row),
                "alive": In(1),
                "write": Out(1),
                "write_row": Out(1),
                "write_address": Out(address),
                "write_pre": Out(shapes.row),
                "write_weight": Out(shapes.weight),
                "write_alive": Out(1),
            }
        )


class LearningStore(wiring.Component):
    """Learning store of one lane.

    To it, the inputs of all groups are rows: ``group * inputs + pre``. It delivers the unpruned
    synapses of each input in ascending order of slots. Only set bits of the
    alive row are walked, so that a pruned synapse costs neither a cycle nor a read of its weight;
    the row of the next input is read while the one before is walked.

    Timing
    ------
    Latency 3 cycles from ``pre`` to the first synapse. Throughput one synapse per cycle, also from
    input to input. An input without unpruned synapses costs one cycle if the walk waits for it, and
    none if two or more synapses of the one before are still to be walked. ``pre.ready`` depends
    combinationally on ``synapse.ready``; ``synapse.valid`` and the slot are registered. Clock
    domain ``sync``.

    Memories: ``rows * slots`` weights at ``row * slots + slot``, and ``rows`` rows of
    ``slots`` alive bits, slot 0 lowest (:class:`prunus_rtl.lib.ram.Ram`).

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    weights : ndarray of uint8, shape (rows, slots), optional
        Initial weights. Default: all 0.
    alive : ndarray of bool, shape (rows, slots), optional
        Initial alive bits. Default: none is alive.

    Members
    -------
    pre : In(stream.Signature(shapes.row))
        Spiking inputs, by their rows. Not to be used together with ``column``.
    synapse : Out(stream.Signature(shapes.synapse))
        Their unpruned synapses.
    busy : Out(1)
        Synapses of an accepted input have not been delivered.
    column : In(Column(shapes))
        Access to single synapses, while not ``busy``.
    """

    def __init__(
        self,
        *,
        shapes: Shapes,
        weights: npt.NDArray[np.uint8] | None = None,
        alive: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self._shapes = shapes
        self._weights: list[int] = [] if weights is None else weights.ravel().tolist()
        self._rows: list[int] = []
        if alive is not None:
            self._rows = [sum(1 << k for k in np.flatnonzero(row).tolist()) for row in alive]
        super().__init__(
            {
                "pre": In(stream.Signature(shapes.row)),
                "synapse": Out(stream.Signature(shapes.synapse)),
                "busy": Out(1),
                "column": In(Column(shapes)),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        rows, slots = s.network.rows, s.slots
        column = self.column

        m.submodules.weights = weights = Ram(shape=s.weight, depth=rows * slots, init=self._weights)
        m.submodules.alive = alive = Ram(shape=unsigned(slots), depth=rows, init=self._rows)

        # Prefetch: `alive` shows the row of `next_pre`. Walk: `row` holds what is left.
        next_valid = Signal()
        next_pre = Signal(s.row)
        row = Signal(slots)
        row_valid = Signal()
        base = Signal(range(rows * slots))
        rest = Signal(slots)
        slot = Signal(s.slot)
        issue = Signal()
        walked = Signal()
        load = Signal()
        drop = Signal()
        lowest(m, row, slot)
        m.d.comb += [
            rest.eq(row & (row - 1)),
            issue.eq(row_valid & (~self.synapse.valid | self.synapse.ready)),
            walked.eq(~row_valid | (issue & (rest == 0))),
            drop.eq(next_valid & (alive.read_data == 0)),
            load.eq(next_valid & walked & ~drop),
            self.pre.ready.eq(~next_valid | walked | drop),
            self.busy.eq(next_valid | row_valid | self.synapse.valid),
        ]
        with m.If(self.pre.ready):
            m.d.sync += [next_valid.eq(self.pre.valid), next_pre.eq(self.pre.payload)]
        with m.If(walked):
            m.d.sync += row_valid.eq(load)
        with m.If(walked):
            m.d.sync += [
                # During column access nothing is walked, and `row` follows the read port.
                row.eq(alive.read_data),
                base.eq(times(next_pre, slots)),
            ]
        with m.Elif(issue):
            m.d.sync += row.eq(rest)

        with m.If(issue):
            m.d.sync += [self.synapse.valid.eq(1), self.synapse.p.slot.eq(slot)]
        with m.Elif(self.synapse.ready):
            m.d.sync += self.synapse.valid.eq(0)

        m.d.comb += [
            weights.read.eq(issue | column.read),
            weights.read_address.eq(Mux(column.read, column.read_address, base + slot)),
            self.synapse.p.weight.eq(weights.read_data),
            column.weight.eq(weights.read_data),
            alive.read.eq((self.pre.valid & self.pre.ready) | column.read_row),
            alive.read_address.eq(Mux(column.read_row, column.read_pre, self.pre.payload)),
            column.alive.eq((alive.read_data & column.mask).any()),
            weights.write.eq(column.write),
            weights.write_address.eq(column.write_address),
            weights.write_data.eq(column.write_weight),
            alive.write.eq(column.write_row),
            alive.write_address.eq(column.write_pre),
            alive.write_data.eq((row & ~column.mask) | Mux(column.write_alive, column.mask, 0)),
        ]
        return m
