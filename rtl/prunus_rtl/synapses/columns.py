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

__all__ = ["Columns", "synapse_address_layout", "synapse_layout"]


def synapse_address_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a synapse's address: neuron in the low bits, row above."""
    return data.StructLayout({"post": shapes.post, "row": shapes.row})


def synapse_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a synapse's word."""
    return data.StructLayout({"weight": shapes.weight, "alive": 1})


class Columns(wiring.Component):
    """Column access to the learning stores of all lanes.

    The sweep and the memory port take turns; the sequencer sees to it that they never overlap.

    Timing
    ------
    The sweep passes through combinationally. An access of the memory port is done 4 cycles after
    its ``strobe``. Clock domain ``sync``.

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
        m.d.sync += [
            phase.eq(Cat(self.access.strobe, phase)),
            address.eq(times(at.row, s.slots) + slot),
        ]
        m.d.comb += [accessing.eq(phase.any()), self.access.done.eq(phase[3])]

        for k, column in enumerate(self.columns):
            chosen = lane == k
            m.d.comb += [
                column.mask.eq(Mux(accessing, Const(1, s.slots) << slot, sweep.mask)),
                column.read.eq((sweep.read | phase[0]) & chosen),
                column.read_address.eq(Mux(accessing, address, sweep.read_address)),
                column.read_row.eq((sweep.read_row | phase[1]) & chosen),
                column.read_pre.eq(Mux(accessing, at.row, sweep.read_pre)),
                column.write.eq((sweep.write | writes) & chosen),
                column.write_row.eq((sweep.write_row | writes) & chosen),
                column.write_address.eq(Mux(accessing, address, sweep.write_address)),
                column.write_pre.eq(Mux(accessing, at.row, sweep.write_pre)),
                column.write_weight.eq(Mux(accessing, new.weight, sweep.write_weight)),
                column.write_alive.eq(Mux(accessing, new.alive, sweep.write_alive)),
            ]
        m.d.comb += [
            sweep.weight.eq(Array(column.weight for column in self.columns)[lane]),
            sweep.alive.eq(Array(column.alive for column in self.columns)[lane]),
            value.weight.eq(sweep.weight),
            value.alive.eq(sweep.alive),
        ]
        return m
