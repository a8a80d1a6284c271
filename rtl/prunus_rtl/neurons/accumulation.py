"""Stages of a lane that read a potential, add to it, and write it back, one in every cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal

from prunus_rtl.lib.ram import Ram

__all__ = ["Accumulation"]


class Accumulation:
    """Address, read and forwarding stages of a lane; the lane computes what is written back.

    Plain Python that adds logic to the module of the lane: all signals are those of the lane.

    Timing
    ------
    A slot is addressed in one cycle (by a synapse, or by ``sweep``), its word is there in the next
    (``reading`` or ``sweeping``), and its potential in the one after (``adding`` or ``swept``, and
    ``at``, ``v``), when the lane writes the sum. So no path leads from one memory through the adder
    to another. The sums of the last two cycles are forwarded, so that the same slot may come back
    to back.

    Parameters
    ----------
    m : Module
        Of the lane.
    memory : Ram
        Potentials.
    slots : int
        Neurons that it has room for.
    v : Shape
        Shape of a potential.
    weight_bits : int
        Width of a weight.
    synapse, sweep, slot
        Members of the lane of these names.
    read_v : Value
        Potential of the word that was read; while ``reading`` or ``sweeping``.

    Attributes
    ----------
    reading, sweeping : Signal
        The word of a synapse, or of a swept slot, was read.
    read_weight : Signal
        Weight of that synapse.
    adding, swept : Signal
        One cycle later: ``v`` is that of a synapse, or of a swept slot.
    at : Signal
        Its slot.
    v : Signal
        The potential.
    """

    def __init__(
        self,
        m: Module,
        *,
        memory: Ram,
        slots: int,
        v: Shape,
        weight_bits: int,
        synapse: Any,
        sweep: Any,
        slot: Any,
        read_v: Any,
    ) -> None:
        self._m = m
        # Stage 0: address.
        self.reading = Signal(name="reading")
        self.sweeping = Signal(name="sweeping")
        read_at = Signal(range(slots), name="read_at")
        self.read_weight = Signal(weight_bits, name="read_weight")
        address = Mux(sweep, slot, synapse.p.slot)
        m.d.comb += [memory.read.eq(sweep | synapse.valid), memory.read_address.eq(address)]
        m.d.sync += [
            self.reading.eq(synapse.valid),
            self.sweeping.eq(sweep),
            read_at.eq(address),
            self.read_weight.eq(synapse.p.weight),
        ]

        # Stage 1: what was read. The sum written in the cycle of the read is not in it.
        self.adding = Signal(name="adding")
        self.swept = Signal(name="swept")
        self.at = Signal(range(slots), name="at")
        held = Signal(v, name="held")
        self._written = Signal(name="written")
        self._written_at = Signal(range(slots), name="written_at")
        self._written_v = Signal(v, name="written_v")
        m.d.sync += [
            self.adding.eq(self.reading),
            self.swept.eq(self.sweeping),
            self.at.eq(read_at),
            held.eq(read_v),
        ]
        with m.If(self._written & (self._written_at == read_at)):
            m.d.sync += held.eq(self._written_v)

        # Stage 2: the sum that was written in the last cycle was not there yet.
        self.v = Signal(v, name="v")
        forwarded = self._written & (self._written_at == self.at)
        m.d.comb += self.v.eq(Mux(forwarded, self._written_v, held))

    def forward(self, *, write: Any, total: Any) -> None:
        """Tell what is written at ``at``, and when: those who read it in the meantime get it."""
        self._m.d.sync += [
            self._written.eq(write),
            self._written_at.eq(self.at),
            self._written_v.eq(total),
        ]
