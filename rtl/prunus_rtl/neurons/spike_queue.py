"""Output spikes of a step: which neurons of each slot fire, given out one by one."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.lib.priority import index_of
from prunus_rtl.lib.ram import Ram

__all__ = ["SpikeQueue"]


class SpikeQueue(wiring.Component):
    """Gives out the neurons of a step that fire, in ascending order.

    A sweep tells for each slot, in ascending order, which lanes fire. Slots in which none does are
    left out.

    Timing
    ------
    One slot per cycle, and a spike every second cycle. ``left`` follows ``write`` in the next
    cycle, the first spike two cycles later. All outputs are functions of registers. Clock domain
    ``sync``.

    Memory: ``slots`` words of lanes and slot, in the order of the slots that have spikes
    (:class:`prunus_rtl.lib.ram.Ram`). Each slot writes one, over that of the slot before if that
    had no spikes, and each spike reads its own: so all accesses follow from the numbers of steps
    and spikes.

    Parameters
    ----------
    lanes : int
        Number of lanes. A power of 2.
    slots : int
        Neurons of a lane.

    Members
    -------
    clear : In(1)
        A sweep begins: forget what is left.
    write : In(1)
        A slot is told. Only after ``clear``, and ``slots`` times.
    slot : In(range(slots))
        Its number.
    fires : In(lanes)
        Lanes whose neuron in the slot fires.
    spikes : Out(stream.Signature(post))
        Neurons that fire: lane in the low bits, slot above.
    left : Out(1)
        Some have not been taken.
    last : Out(1)
        All of them are taken with the one that is offered; once all slots were told.
    """

    def __init__(self, *, lanes: int, slots: int) -> None:
        self._lanes = lanes
        self._slots = slots
        self._lane_bits = Shape.cast(range(lanes)).width
        post = unsigned(self._lane_bits + Shape.cast(range(slots)).width)
        super().__init__(
            {
                "clear": In(1),
                "write": In(1),
                "slot": In(range(slots)),
                "fires": In(lanes),
                "spikes": Out(stream.Signature(post)),
                "left": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        word = data.StructLayout({"fires": self._lanes, "slot": Shape.cast(range(self._slots))})
        m.submodules.memory = memory = Ram(shape=word, depth=self._slots)
        # Words that were written, and those that were given out.
        told = Signal(range(self._slots + 1))
        given = Signal(range(self._slots + 1))
        # Lanes of the next word that were not given out.
        open_lanes = Signal(self._lanes, init=-1)
        reading = Signal()
        picking = Signal()
        lanes = Signal(self._lanes)
        lowest = Signal(self._lanes)
        rest = Signal(self._lanes)
        waiting = Signal()
        m.d.comb += [
            memory.write.eq(self.write),
            memory.write_address.eq(told),
            memory.write_data.fires.eq(self.fires),
            memory.write_data.slot.eq(self.slot),
            waiting.eq(told != given),
            reading.eq(waiting & ~picking),
            memory.read.eq(reading),
            memory.read_address.eq(given),
            lanes.eq(memory.read_data.fires & open_lanes),
            lowest.eq(lanes & -lanes),
            rest.eq(lanes ^ lowest),
            self.left.eq(waiting | self.spikes.valid),
            self.last.eq(~waiting),
        ]
        with m.If(self.write & self.fires.any()):
            m.d.sync += told.eq(told + 1)
        with m.If(self.spikes.ready):
            m.d.sync += self.spikes.valid.eq(0)
        with m.If(reading):
            m.d.sync += picking.eq(1)
        with m.If(picking & (~self.spikes.valid | self.spikes.ready)):
            m.d.sync += [
                picking.eq(0),
                self.spikes.valid.eq(1),
                self.spikes.payload.eq(
                    Cat(index_of(lowest, self._lane_bits), memory.read_data.slot)
                ),
                open_lanes.eq(Mux(rest.any(), rest, -1)),
                given.eq(Mux(rest.any(), given, given + 1)),
            ]
        with m.If(self.clear):
            m.d.sync += [
                told.eq(0),
                given.eq(0),
                open_lanes.eq(-1),
                picking.eq(0),
                self.spikes.valid.eq(0),
            ]
        return m
