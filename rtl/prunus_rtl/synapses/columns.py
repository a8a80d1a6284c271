"""Columns: the learning sweep and the memory port reach single synapses of all lanes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.constant_product import times
from prunus_rtl.shapes import Shapes
from prunus_rtl.streams import Access
from prunus_rtl.synapses.dense import Column

__all__ = ["Columns", "place_of_row", "synapse_address_layout", "synapse_layout"]


def synapse_address_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a synapse's address: neuron in the low bits, row above."""
    return data.StructLayout({"post": shapes.post, "row": shapes.row})


def synapse_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a synapse's word."""
    return data.StructLayout({"weight": shapes.weight, "alive": 1})


def place_of_row(shapes: Shapes, row: Any) -> Any:
    """Return the place of a row in the learning store, where each group takes whole words."""
    inputs, groups = shapes.network.inputs, shapes.network.group_count
    padding = shapes.row_stride - inputs
    if not padding:
        return row
    before: Any = sum((row >= inputs * group for group in range(1, groups)), Const(0, 0))
    return row + times(before, padding)


class Columns(wiring.Component):
    """Column access to the learning stores of all lanes.

    The sweep and the memory port take turns; the sequencer sees to it that they never overlap.

    Timing
    ------
    The sweep passes through combinationally. An access of the memory port is done 4 cycles after
    its ``strobe``, and 5 if groups are padded. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.

    Members
    -------
    sweep : In(Column(shapes))
        The learning sweep.
    lane : In(shapes.lane)
        Lane that it sweeps.
    columns : Array of Out(Column(shapes))
        The lanes.
    access : In(Access(synapse_address_layout(shapes), synapse_layout(shapes)))
        Memory port, as plain bits.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        address = synapse_address_layout(shapes).size
        super().__init__(
            {
                "sweep": In(Column(shapes)),
                "lane": In(shapes.lane),
                "columns": Out(Column(shapes)).array(shapes.hardware.lanes),
                "access": In(Access(address, synapse_layout(shapes).size)),
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
        sweep = self.sweep
        at = synapse_address_layout(s)(self.access.address)
        new = synapse_layout(s)(self.access.data)
        value = synapse_layout(s)(self.access.value)

        # One bit for each cycle of an access: read, read row, wait, write.
        phase = Signal(4)
        accessing = Signal()
        slot = at.post[s.lane.width :]
        lane = Mux(accessing, at.post[: s.lane.width], self.lane)
        address = Signal.like(sweep.read_address)
        writes = phase[3] & self.access.write
        each = s.hardware.sweep_inputs
        begins, place = self.access.strobe, at.row
        if each > 1 and s.network.group_count > 1 and s.row_stride > s.network.inputs:
            begins, place = Signal(), Signal(s.place)
            m.d.sync += [begins.eq(self.access.strobe), place.eq(place_of_row(s, at.row))]
        part = place[: (each - 1).bit_length()]
        word = place[len(part) :]
        m.d.sync += [
            phase.eq(Cat(begins, phase)),
            address.eq(times(word, s.slots) + slot),
        ]
        m.d.comb += [accessing.eq(phase.any()), self.access.done.eq(phase[3])]

        # What the memory port changes of a word, and what the sweep writes.
        bits = s.weight.width
        named = Cat(part == k for k in range(each))
        merged: Any = new.weight
        if each > 1:
            merged = Cat(
                Mux(chosen, new.weight, sweep.weight.word_select(k, bits))
                for k, chosen in enumerate(named)
            )

        for k, column in enumerate(self.columns):
            chosen = lane == k
            m.d.comb += [
                column.mask.eq(Mux(accessing, Const(1, s.slots) << slot, sweep.mask)),
                column.read.eq((sweep.read | phase[0]) & chosen),
                column.read_address.eq(Mux(accessing, address, sweep.read_address)),
                column.read_row.eq((sweep.read_row | phase[1]) & chosen),
                column.read_pre.eq(Mux(accessing, word, sweep.read_pre)),
                column.write.eq((sweep.write | writes) & chosen),
                column.write_row.eq((sweep.write_row | writes) & chosen),
                column.write_address.eq(Mux(accessing, address, sweep.write_address)),
                column.write_pre.eq(Mux(accessing, word, sweep.write_pre)),
                column.write_weight.eq(Mux(accessing, merged, sweep.write_weight)),
                column.write_alive.eq(Mux(accessing, new.alive.replicate(each), sweep.write_alive)),
            ]
            if each > 1:
                m.d.comb += column.write_part.eq(Mux(accessing, named, sweep.write_part))
        m.d.comb += [
            sweep.weight.eq(Array(column.weight for column in self.columns)[lane]),
            sweep.alive.eq(Array(column.alive for column in self.columns)[lane]),
            value.weight.eq(sweep.weight.word_select(part, bits) if each > 1 else sweep.weight),
            value.alive.eq(sweep.alive.bit_select(part, 1) if each > 1 else sweep.alive),
        ]
        return m
