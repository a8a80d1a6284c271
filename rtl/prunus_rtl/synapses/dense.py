"""Learning store of one lane: dense weights, and a row of alive bits for each input."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.constant_product import times
from prunus_rtl.lib.priority import lowest
from prunus_rtl.lib.ram import Ram
from prunus_rtl.lib.word_memory import joined
from prunus_rtl.shapes import Shapes

__all__ = ["Column", "LearningStore"]


class Column(wiring.Signature):
    """Access to the synapses of one slot, one word after the other.

    A word is of ``sweep_inputs`` inputs that follow each other; the first is in the low bits. The
    parts of one access follow each other, one word per cycle. One input per word: ``read`` in cycle
    0, ``weight`` valid and ``read_row`` in cycle 1, ``alive`` valid in cycle 2, and both writes,
    which may be left out, in cycle 3. More inputs: the same, but ``read_row`` in any cycle before
    the next one is read, ``alive`` valid from the cycle after until then, and in these cycles
    ``write_row``, which keeps what ``write_part`` does not name; ``write`` in any cycle, too.

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
    read_address : Out(range(store_words * slots))
        ``word * slots + slot``.
    weight : In(sweep_inputs * weight_bits)
        The weights.
    read_row : Out(1)
        Read the alive rows of the same inputs.
    read_pre : Out(range(store_words))
        Their word: ``group * sweep_words + pre // sweep_inputs``.
    alive : In(sweep_inputs)
        Whether the synapses are alive.
    write : Out(1)
        Write the weights.
    write_row : Out(1)
        Write the alive bits.
    write_address, write_pre
        As for reading.
    write_weight : Out(sweep_inputs * weight_bits)
        New weights.
    write_alive : Out(sweep_inputs)
        New alive bits.
    write_part : Out(sweep_inputs)
        Inputs whose alive bits are written. Only with more than one input per word.
    """

    def __init__(self, shapes: Shapes) -> None:
        words, each = shapes.store_words, shapes.hardware.sweep_inputs
        address = range(words * shapes.slots)
        weights = unsigned(each * shapes.weight.width)
        super().__init__(
            {
                "mask": Out(unsigned(shapes.slots)),
                "read": Out(1),
                "read_address": Out(address),
                "weight": In(weights),
                "read_row": Out(1),
                "read_pre": Out(range(words)),
                "alive": In(each),
                "write": Out(1),
                "write_row": Out(1),
                "write_address": Out(address),
                "write_pre": Out(range(words)),
                "write_weight": Out(weights),
                "write_alive": Out(each),
            }
            | ({"write_part": Out(each)} if each > 1 else {})
        )


class LearningStore(wiring.Component):
    """Learning store of one lane.

    To it, the inputs of all groups are rows: ``group * row_stride + pre``, where a group takes
    whole words (:class:`prunus_rtl.widths.Widths`). It delivers the unpruned synapses of each input
    in ascending order of slots. Only set bits of the
    alive row are walked, so that a pruned synapse costs neither a cycle nor a read of its weight;
    the row of the next input is read while the one before is walked.

    Timing
    ------
    Latency 3 cycles from ``pre`` to the first synapse. Throughput one synapse per cycle, also from
    input to input. An input without unpruned synapses costs one cycle if the walk waits for it, and
    none if two or more synapses of the one before are still to be walked. ``pre.ready`` depends
    combinationally on ``synapse.ready``; ``synapse.valid`` and the slot are registered. Clock
    domain ``sync``.

    Memories (:class:`prunus_rtl.lib.ram.Ram`), with ``sweep_inputs`` inputs in a word, the first
    one lowest: ``store_words * slots`` words of weights at ``word * slots + slot``, and
    ``store_words`` words of rows of ``slots`` alive bits, slot 0 lowest. Inputs that fill up the
    words of a group have no synapses.

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
    pre : In(stream.Signature(shapes.place))
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
        self._weights: list[int] = []
        if weights is not None:
            # In a word, weights of one slot follow each other.
            of_words = self._padded(weights).transpose(0, 2, 1).ravel()
            each, bits = shapes.hardware.sweep_inputs, shapes.weight.width
            self._weights = joined(of_words.tolist(), bits=bits, each=each)
        self._rows: list[int] = []
        if alive is not None:
            words = self._padded(alive).reshape(shapes.store_words, -1)
            self._rows = [sum(1 << k for k in np.flatnonzero(word).tolist()) for word in words]
        super().__init__(
            {
                "pre": In(stream.Signature(shapes.place)),
                "synapse": Out(stream.Signature(shapes.synapse)),
                "busy": Out(1),
                "column": In(Column(shapes)),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def _padded(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values of all rows by word, input in it, and slot."""
        s = self._shapes
        of_groups = values.reshape(s.network.group_count, s.network.inputs, s.slots)
        more = s.row_stride - s.network.inputs
        filled = np.pad(of_groups, ((0, 0), (0, more), (0, 0)))
        return filled.reshape(s.store_words, s.hardware.sweep_inputs, s.slots)

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        words, slots, each = s.store_words, s.slots, s.hardware.sweep_inputs
        column = self.column

        m.submodules.weights = weights = Ram(
            shape=unsigned(each * s.weight.width), depth=words * slots, init=self._weights
        )
        m.submodules.alive = alive = Ram(shape=unsigned(each * slots), depth=words, init=self._rows)

        # Prefetch: `alive` shows the row of `next_pre`. Walk: `row` holds what is left.
        next_valid = Signal()
        next_pre = Signal(s.place)
        part = next_pre[: (each - 1).bit_length()]
        next_row = _part(alive.read_data, part, slots) if each > 1 else alive.read_data
        row = Signal(slots)
        row_valid = Signal()
        base = Signal(range(words * slots))
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
            drop.eq(next_valid & (next_row == 0)),
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
                row.eq(next_row),
                base.eq(times(next_pre[len(part) :], slots)),
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
            column.weight.eq(weights.read_data),
            alive.read.eq((self.pre.valid & self.pre.ready) | column.read_row),
            alive.read_address.eq(
                Mux(column.read_row, column.read_pre, self.pre.payload[len(part) :])
            ),
            weights.write.eq(column.write),
            weights.write_address.eq(column.write_address),
            weights.write_data.eq(column.write_weight),
            alive.write.eq(column.write_row),
            alive.write_address.eq(column.write_pre),
        ]
        if each == 1:
            m.d.comb += [
                self.synapse.p.weight.eq(weights.read_data),
                column.alive.eq((alive.read_data & column.mask).any()),
                alive.write_data.eq((row & ~column.mask) | Mux(column.write_alive, column.mask, 0)),
            ]
            return m

        # Of a word that was read for a synapse, the weight of its input.
        walked_part = Signal.like(part)
        weight_part = Signal.like(part)
        with m.If(walked):
            m.d.sync += walked_part.eq(part)
        with m.If(issue):
            m.d.sync += weight_part.eq(walked_part)
        m.d.comb += self.synapse.p.weight.eq(_part(weights.read_data, weight_part, s.weight.width))
        # Rows are written from the port that has read them, which shows no other word by then.
        rows = [alive.read_data.word_select(k, slots) for k in range(each)]
        m.d.comb += [
            column.alive.eq(Cat((of_input & column.mask).any() for of_input in rows)),
            alive.write_data.eq(
                Cat(
                    (of_input & ~Mux(named, column.mask, 0)) | Mux(named & new, column.mask, 0)
                    for of_input, named, new in zip(
                        rows, column.write_part, column.write_alive, strict=True
                    )
                )
            ),
        ]
        return m


def _part(word: Any, index: Signal, bits: int) -> Any:
    """Return a part of a word, by a multiplexer: a part of odd width would be a shift."""
    parts = [word.word_select(k, bits) for k in range(1 << len(index))]
    return Array(parts)[index] if len(parts) > 1 else parts[0]
