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
    A slot is asked for in one cycle (by a synapse, or by ``sweep``). In the next it addresses the
    memory (``sweeps``), from a register that is next to it; its word is there in the one after
    (``reading`` or ``sweeping``), and its potential in the last (``adding`` or ``swept``, and
    ``at``, ``held``, ``v``), when the lane writes the sum. So no path leads from one memory through
    the adder to another. The sums of the last two cycles are forwarded, so that the same slot may
    come back to back.

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
    sweeps, slot : Signal
        Another memory of the lane is to read ``slot``, too.
    sweeping : Signal
        The word of a swept slot was read.
    read_weight : Signal
        Weight of a synapse whose word was read.
    adding, swept : Signal
        One cycle later: ``v`` is that of a synapse, or of a swept slot.
    at : Signal
        Its slot.
    held, v : Signal
        The potential without, and with, the sum of the last cycle. A sweep comes to each slot once,
        long after the last synapse: for it both are equal.
    busy : Value
        Synapses are on their way.
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
        # Stage 0: address, from registers that are next to the memories.
        asked = Signal(name="asked")
        self.sweeps = Signal(name="sweeps")
        self.slot = Signal(range(slots), name="slot")
        asked_weight = Signal(weight_bits, name="asked_weight")
        m.d.sync += [
            asked.eq(synapse.valid),
            self.sweeps.eq(sweep),
            self.slot.eq(Mux(sweep, slot, synapse.p.slot)),
            asked_weight.eq(synapse.p.weight),
        ]

        # Stage 1: read.
        reading = Signal(name="reading")
        self.sweeping = Signal(name="sweeping")
        self._read_at = Signal(range(slots), name="read_at")
        self.read_weight = Signal(weight_bits, name="read_weight")
        m.d.comb += [memory.read.eq(self.sweeps | asked), memory.read_address.eq(self.slot)]
        m.d.sync += [
            reading.eq(asked),
            self.sweeping.eq(self.sweeps),
            self._read_at.eq(self.slot),
            self.read_weight.eq(asked_weight),
        ]

        # Stage 2: what was read. The sum written in the cycle of the read is not in it.
        self.adding = Signal(name="adding")
        self.swept = Signal(name="swept")
        self.at = Signal(range(slots), name="at")
        self.held = Signal(v, name="held")
        self._written_v = Signal(v, name="written_v")
        # Whether the sum of the last cycle is of the word that is shown, and of the one held.
        self._shown_again = Signal(name="shown_again")
        self._held_again = Signal(name="held_again")
        m.d.sync += [
            self.adding.eq(reading),
            self.swept.eq(self.sweeping),
            self.at.eq(self._read_at),
            self.held.eq(read_v),
        ]
        with m.If(self._shown_again):
            m.d.sync += self.held.eq(self._written_v)

        # Stage 3: the sum that was written in the last cycle was not there yet.
        self.v = Signal(v, name="v")
        m.d.comb += self.v.eq(Mux(self._held_again, self._written_v, self.held))
        self.busy = asked | reading | self.adding

    def forward(self, *, write: Any, total: Any) -> None:
        """Tell what is written at ``at``, and when: those who read it in the meantime get it."""
        self._m.d.sync += [
            self._shown_again.eq(write & (self.at == self.slot)),
            self._held_again.eq(write & (self.at == self._read_at)),
            self._written_v.eq(total),
        ]
