"""Membranes of one lane of a feed-forward layer: integrate, add the bias, compare, reset, leak."""

from __future__ import annotations

from typing import Any, Literal

from amaranth.hdl import Const, Module, Mux, Shape, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import BIAS_BITS, V_FIRE_BITS, V_SIGNED_BITS
from prunus_rtl.lib.ram import Ram
from prunus_rtl.neurons.accumulation import Accumulation
from prunus_rtl.streams import synapse_event_layout

__all__ = ["FIRES_LATENCY", "SUM_LATENCY", "WRITE_LATENCY", "FeedforwardLane"]

#: Cycles from ``sweep`` to ``value``, to ``fires``, and to the write of the new potential at most.
SUM_LATENCY, FIRES_LATENCY, WRITE_LATENCY = 4, 5, 6


class FeedforwardLane(wiring.Component):
    """Potentials, firing thresholds and biases of one lane of a feed-forward layer.

    In a step (semantics, 4.9) each neuron adds its bias, fires if it reaches its threshold, is
    reset if it fires, leaks, and is clipped to 24 bits, signed.

    Timing
    ------
    One synapse per cycle, also for the same slot back to back
    (:class:`prunus_rtl.neurons.accumulation.Accumulation`). A sweep reads one slot per cycle, and
    goes through the sum with the bias, the comparison, the leak (none without one), and the clip,
    with a register behind each. Clock domain ``sync``.

    What a sweep does is held from the cycle after ``sweep`` until the last slot is written:

    =============== ================================ ==========================================
    operation       flags                            effect
    =============== ================================ ==========================================
    step            ``biased``, ``compared``,        a step, see above
                    ``write``
    load            ``zero``, ``load``               ``v`` becomes ``data``
    pass            ``zero``                         nothing, and ``value`` is 0
    read ``v``      none                             ``value`` is ``v``
    read ``v_fire`` ``zero``, ``compared``           ``value`` is the threshold
    read ``bias``   ``zero``, ``biased``             ``value`` is the bias
    =============== ================================ ==========================================

    So lanes that are passed over need no multiplexer: ``value`` is the OR of all lanes.

    Memories: ``slots`` words each of potential, threshold and bias
    (:class:`prunus_rtl.lib.ram.Ram`). A potential that is read while it is written is forwarded.

    Parameters
    ----------
    slots : int
        Neurons that the memories have room for.
    neurons : int
        Neurons that exist: ``slots``, or one less.
    v_bits, weight_bits : int
        Width of a potential and of a weight, both signed. A potential, a weight of each input and
        a bias must not exceed ``v_bits``.
    leak_shift : int
        In a step a potential loses ``v >> leak_shift``; nothing if it is 0.
    reset : "zero" or "subtract"
        What is left of a potential that reached its threshold: 0, or what was above it.
    v, v_fire, bias : list of int
        Initial contents of the memories.
    memory_style : str, optional
        Style of the memories (:class:`prunus_rtl.lib.ram.Ram`).

    Members
    -------
    synapse : In(stream.Signature(synapse_event_layout(...), always_ready=True))
        Weights to add, two's complement. Not while sweeping.
    busy : Out(1)
        The last synapses have not been added yet.
    sweep : In(1)
        Read ``slot``.
    slot : In(range(slots))
        Slot to read, or of the word to write.
    zero, load, biased, compared, write : In(1)
        See above: take the potential as 0; write ``data`` in place of it; add the bias; use the
        threshold; write what a step leaves.
    data : In(v_bits)
        Potential to load, or word to write.
    v_fire_write, bias_write : In(1)
        Write ``data`` as a threshold, or as a bias. Not while sweeping.
    fires : Out(1)
        The neuron that was swept reaches its threshold, and exists; :data:`FIRES_LATENCY` cycles
        after ``sweep``, and until the next one. Only if ``biased`` and ``compared``.
    value : Out(v_bits)
        What was read; :data:`SUM_LATENCY` cycles after ``sweep``, and until the next one.
    """

    def __init__(
        self,
        *,
        slots: int,
        neurons: int,
        v_bits: int,
        weight_bits: int,
        leak_shift: int,
        reset: Literal["zero", "subtract"],
        v: list[int],
        v_fire: list[int],
        bias: list[int],
        memory_style: str | None = None,
    ) -> None:
        self._slots = slots
        self._neurons = neurons
        self._v_bits = v_bits
        self._weight_bits = weight_bits
        self._leak_shift = leak_shift
        self._reset = reset
        self._contents = {
            "v": (signed(v_bits), v),
            "v_fire": (unsigned(V_FIRE_BITS), v_fire),
            "bias": (signed(BIAS_BITS), bias),
        }
        self._memory_style = memory_style
        synapse = synapse_event_layout(slots=slots, weight_bits=weight_bits)
        super().__init__(
            {
                "synapse": In(stream.Signature(synapse, always_ready=True)),
                "busy": Out(1),
                "sweep": In(1),
                "slot": In(range(slots)),
                "zero": In(1),
                "load": In(1),
                "biased": In(1),
                "compared": In(1),
                "write": In(1),
                "data": In(v_bits),
                "v_fire_write": In(1),
                "bias_write": In(1),
                "fires": Out(1),
                "value": Out(v_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        v_memory, v_fire_memory, bias_memory = (
            self._memory(m, name, shape, init) for name, (shape, init) in self._contents.items()
        )
        v_shape = signed(self._v_bits)
        stages = Accumulation(
            m,
            memory=v_memory,
            slots=self._slots,
            v=v_shape,
            weight_bits=self._weight_bits,
            synapse=self.synapse,
            sweep=self.sweep,
            slot=self.slot,
            read_v=Mux(self.zero, 0, v_memory.read_data),
        )
        for memory, write in ((v_fire_memory, self.v_fire_write), (bias_memory, self.bias_write)):
            m.d.comb += [
                memory.read.eq(stages.sweeps),
                memory.read_address.eq(stages.slot),
                memory.write.eq(write),
                memory.write_address.eq(self.slot),
                memory.write_data.eq(self.data),
            ]

        # Stage 2: what is added.
        addend = Signal(v_shape)
        v_fire = Signal(V_FIRE_BITS)
        of_sweep = Mux(self.load, self.data.as_signed(), Mux(self.biased, bias_memory.read_data, 0))
        m.d.sync += [
            addend.eq(Mux(stages.sweeping, of_sweep, stages.read_weight.as_signed())),
            v_fire.eq(Mux(self.compared, v_fire_memory.read_data, 0)),
        ]

        # Stage 3: the sum, which is written if it is not that of a step.
        total = Signal(v_shape)
        store = Signal()
        m.d.comb += [
            total.eq(stages.v + addend),
            store.eq(stages.adding | (stages.swept & self.load)),
            self.busy.eq(stages.busy),
        ]
        stages.forward(write=store, total=total)

        # Stage 4: the comparison. Integration, most of the time, leaves what follows at rest.
        comparing = Signal()
        u = Signal(v_shape)
        u_fire = Signal(V_FIRE_BITS)
        u_at = Signal(range(self._slots))
        m.d.sync += comparing.eq(stages.swept)
        with m.If(stages.swept):
            m.d.sync += [u.eq(total), u_fire.eq(v_fire), u_at.eq(stages.at)]
        margin = Signal(signed(self._v_bits + 1))
        reaches = Signal()
        exists = Const(1)
        if self._neurons < self._slots:
            exists = u_at != self._slots - 1
        m.d.comb += [
            margin.eq(u - u_fire),
            reaches.eq(~margin[-1]),
            self.value.eq(u | u_fire),
        ]

        # Stage 5: what is left, and the leak.
        leaking = Signal()
        rest = Signal(v_shape)
        rest_at = Signal(range(self._slots))
        m.d.sync += leaking.eq(comparing)
        with m.If(comparing):
            m.d.sync += [
                rest.eq(Mux(reaches, margin if self._reset == "subtract" else 0, u)),
                rest_at.eq(u_at),
                self.fires.eq(reaches & exists),
            ]

        # Stage 6: the clip.
        settling, left, left_at = leaking, rest, rest_at
        if self._leak_shift:
            settling, left = Signal(), Signal(v_shape)
            left_at = Signal(range(self._slots))
            m.d.sync += settling.eq(leaking)
            with m.If(leaking):
                m.d.sync += [left.eq(rest - (rest >> self._leak_shift)), left_at.eq(rest_at)]
        clipped = Signal(signed(V_SIGNED_BITS))
        high = left[V_SIGNED_BITS - 1 :]
        sign = left[-1]
        m.d.comb += clipped.eq(left)
        with m.If(high.any() & ~high.all()):
            m.d.comb += clipped.eq(Mux(sign, -1 << V_SIGNED_BITS - 1, (1 << V_SIGNED_BITS - 1) - 1))
        settled = Signal()
        m.d.comb += [
            settled.eq(settling & self.write),
            v_memory.write.eq(store | settled),
            v_memory.write_address.eq(Mux(settled, left_at, stages.at)),
            v_memory.write_data.eq(Mux(settled, clipped, total)),
        ]
        return m

    def _memory(self, m: Module, name: str, shape: Shape, init: list[int]) -> Ram:
        """Add a memory of a word for each slot."""
        memory = Ram(shape=shape, depth=self._slots, init=init, style=self._memory_style)
        m.submodules[name] = memory
        return memory
