"""Membranes of one lane: integrate, compare, leak."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import V_FIRE_BITS
from prunus_rtl.lib.ram import Ram
from prunus_rtl.neurons.accumulation import Accumulation
from prunus_rtl.neurons.winner import candidate_layout
from prunus_rtl.streams import synapse_event_layout

__all__ = ["LANE_LATENCY", "MembraneLane"]

#: Cycles from ``sweep`` to ``candidate``.
LANE_LATENCY = 4


class MembraneLane(wiring.Component):
    """Potentials and firing thresholds of one lane.

    A word holds the potential and the *epoch* in which it was written. Words of another epoch are
    0, so that changing the epoch sets all potentials to 0 at once; as every sweep rewrites all
    words, one bit tells the two apart.

    Timing
    ------
    One synapse per cycle, also for the same slot back to back: its address is registered, a word is
    read, registered, added to and written back in four cycles, and the sums of the last two are
    forwarded. So no path leads from one memory through the adder to another, addresses come from
    registers of the lane, and which sum is forwarded is known a cycle before. Clock domain
    ``sync``.

    A sweep reads one slot per cycle. What it does is held for three cycles after ``sweep``:

    ================= ============================ ===========================================
    operation         flags                        effect
    ================= ============================ ===========================================
    leak              ``write``                    ``v`` becomes ``v - (v >> leak_shift)``
    clear             ``write``, ``zero``          ``v`` becomes 0
    load              ``write``, ``zero``,         ``v`` becomes ``value``
                      ``load``
    pass              ``zero``, ``load``           nothing; another lane is loaded
    read ``v_fire``   ``force``, ``zero``          margin is ``0 - v_fire``
    read ``v``        ``force``                    margin is ``v - v_fire``
    ================= ============================ ===========================================

    They stay flags, and are no number that each lane would have to decode: a flag is one wire to
    the multiplexer that it controls.

    Memories: ``slots`` words of potential and epoch, and a threshold for each slot of each group
    at ``group << slot_bits | slot``, so that no lane adds anything to its address
    (:class:`prunus_rtl.lib.ram.Ram`). A potential that is read while it is written is forwarded.

    Parameters
    ----------
    slots : int
        Neurons that the memories have room for.
    neurons : int
        Neurons that exist: ``slots``, or one less.
    groups : int
        Groups, which take turns: each has thresholds of its own, and potentials are those of one.
    v_bits, weight_bits : int
        Width of a potential and of a weight.
    leak_shift : int
        In a step a potential loses ``v >> leak_shift``; nothing if it is 0.
    v, v_fire : list of int
        Initial potentials of the slots, and words of the memory of thresholds.
    memory_style : str, optional
        Style of both memories (:class:`prunus_rtl.lib.ram.Ram`).

    Members
    -------
    synapse : In(stream.Signature(synapse_event_layout(...), always_ready=True))
        Weights to add. Not while sweeping.
    busy : Out(1)
        The last synapses have not been added yet.
    epoch : In(1)
        Present epoch.
    sweep : In(1)
        Read ``slot``.
    slot, group : In(range(slots)), In(range(groups))
        Slot to read; group that it is of.
    zero, write, load : In(1)
        Held for three cycles after ``sweep``: take the potential as 0; write back; add ``value`` in
        place of the leak.
    value : In(v_bits)
        Potential to load.
    force, forced : In(1)
        Held likewise: ``candidate.fires`` is ``forced``.
    v_fire_write, v_fire_place, v_fire : In(1), In(place), In(V_FIRE_BITS)
        Write a threshold, where the slot has the low bits and the group those above. Not while
        sweeping.
    candidate : Out(candidate_layout(v_bits))
        The neuron that was swept; four cycles (:data:`LANE_LATENCY`) after ``sweep``, and until
        the next one.
    """

    def __init__(
        self,
        *,
        slots: int,
        neurons: int,
        groups: int = 1,
        v_bits: int,
        weight_bits: int,
        leak_shift: int,
        v: list[int],
        v_fire: list[int],
        memory_style: str | None = None,
    ) -> None:
        self._slots = slots
        self._memory_style = memory_style
        self._neurons = neurons
        slot_bits = Shape.cast(range(slots)).width
        self._thresholds = (groups - 1 << slot_bits) + slots
        self._v_bits = v_bits
        self._weight_bits = weight_bits
        self._leak_shift = leak_shift
        self._v = v
        self._v_fire = v_fire
        slot = range(slots)
        synapse = synapse_event_layout(slots=slots, weight_bits=weight_bits)
        super().__init__(
            {
                "synapse": In(stream.Signature(synapse, always_ready=True)),
                "busy": Out(1),
                "epoch": In(1),
                "sweep": In(1),
                "slot": In(slot),
                "group": In(range(groups)),
                "zero": In(1),
                "write": In(1),
                "load": In(1),
                "value": In(v_bits),
                "force": In(1),
                "forced": In(1),
                "v_fire_write": In(1),
                "v_fire_place": In(range(self._thresholds)),
                "v_fire": In(V_FIRE_BITS),
                "candidate": Out(candidate_layout(v_bits)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        slots, v_bits = self._slots, self._v_bits
        word = data.StructLayout({"v": unsigned(v_bits), "epoch": 1})
        m.submodules.v = v_memory = Ram(
            shape=word,
            depth=slots,
            init=[{"v": v, "epoch": 0} for v in self._v],
            style=self._memory_style,
        )
        m.submodules.v_fire = v_fire_memory = Ram(
            shape=unsigned(V_FIRE_BITS),
            depth=self._thresholds,
            init=self._v_fire,
            style=self._memory_style,
        )

        fresh = (v_memory.read_data.epoch == self.epoch) & ~self.zero
        stages = Accumulation(
            m,
            memory=v_memory,
            slots=slots,
            v=unsigned(v_bits),
            weight_bits=self._weight_bits,
            synapse=self.synapse,
            sweep=self.sweep,
            slot=self.slot,
            read_v=Mux(fresh, v_memory.read_data.v, 0),
        )
        at, v, held, swept = stages.at, stages.v, stages.held, stages.swept
        group = Signal.like(self.group)
        weight = Signal(self._weight_bits)
        v_fire = Signal(V_FIRE_BITS)
        m.d.comb += [
            v_fire_memory.read.eq(stages.sweeps),
            v_fire_memory.read_address.eq(Cat(stages.slot, group)),
        ]
        m.d.sync += [
            group.eq(self.group),
            weight.eq(stages.read_weight),
            v_fire.eq(v_fire_memory.read_data),
        ]

        # One adder: v + weight, v + value, or v - (v >> leak_shift) as v + ~(...) + 1.
        # A sweep comes to each slot once, long after the last synapse: nothing is forwarded to it.
        leak = held >> self._leak_shift if self._leak_shift else Const(0, len(v))
        negated = Signal(v_bits)
        operand = Signal(v_bits)
        carry = swept & ~self.load
        m.d.comb += [
            negated.eq(~leak),
            operand.eq(Mux(carry, negated, Mux(self.load, self.value, weight))),
            v_memory.write.eq(stages.adding | (swept & self.write)),
            v_memory.write_address.eq(at),
            v_memory.write_data.v.eq(v + operand + carry),
            v_memory.write_data.epoch.eq(self.epoch),
            self.busy.eq(stages.busy),
        ]
        stages.forward(write=v_memory.write, total=v_memory.write_data.v)

        margin = Signal(len(v) + 1)
        exists = Const(1)
        if self._neurons < slots:
            exists = at != slots - 1
        m.d.comb += margin.eq(held - v_fire)
        # Integration, which is most of the time, leaves the candidate and the tree at rest.
        with m.If(swept):
            m.d.sync += [
                self.candidate.margin.eq(margin),
                self.candidate.fires.eq(Mux(self.force, self.forced, ~margin[-1] & exists)),
            ]

        m.d.comb += [
            v_fire_memory.write.eq(self.v_fire_write),
            v_fire_memory.write_address.eq(self.v_fire_place),
            v_fire_memory.write_data.eq(self.v_fire),
        ]
        return m
