"""Membranes of a feed-forward layer: lanes that integrate and fire, and a queue of their spikes."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Literal

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import BIAS_BITS, V_FIRE_BITS, max_of
from prunus_rtl.neurons.feedforward_lane import (
    FIRES_LATENCY,
    WRITE_LATENCY,
    FeedforwardLane,
)
from prunus_rtl.neurons.spike_queue import SpikeQueue
from prunus_rtl.streams import Access, synapse_event_layout

__all__ = ["FeedforwardMembrane"]


class FeedforwardMembrane(wiring.Component):
    """Membranes of all neurons of a feed-forward layer (semantics, 4.9).

    Integrates signed weights. A comparison sweeps over all slots: every neuron adds its bias, fires
    if it reaches its threshold, is reset if it fires, leaks, and is clipped, as
    :func:`prunus_model.reference.feedforward.fire` and ``settle`` say. Those that fire are given
    out in ascending order.

    Timing
    ------
    Integration: one synapse per cycle and lane. ``done`` comes ``slots + 6`` cycles after
    ``compare`` or ``clear``: 6 until the last potential is written, the slots, and less 1 because
    the first slot is read at once, plus 1 for the register of ``done``. Then ``fires`` is known; a
    spike is offered one cycle later at the latest, and then one in every second cycle. Clock domain
    ``sync``.

    Memory port: what is read is the OR of all lanes, of which only one has what is not 0.

    Parameters
    ----------
    neurons : int
        Number of neurons.
    lanes : int
        Number of lanes. A power of 2. Neuron ``post`` is in lane ``post % lanes``.
    v_bits, weight_bits : int
        Width of a potential and of a weight, both signed.
    leak_shift : int
        In a step a potential loses ``v >> leak_shift``; nothing if it is 0.
    reset : "zero" or "subtract"
        What is left of a potential that reached its threshold: 0, or what was above it.
    v, v_fire, bias : list of int, optional
        Initial potentials, thresholds and biases of all neurons. Default: potentials and biases 0,
        the highest thresholds.
    memory_style : str, optional
        Style of the memories of the lanes (:class:`prunus_rtl.lib.ram.Ram`).
    readable : bool
        Whether the memory port reaches potentials and reads thresholds and biases; else it writes
        these only, and they read as 0.

    Members
    -------
    synapses : Array of In(stream.Signature(synapse_event_layout(...), always_ready=True))
        Weights to add, for each lane.
    busy : Out(1)
        The last synapses have not been added yet.
    compare, clear : In(1)
        Start a comparison; set all potentials to 0. Only if nothing runs.
    idle : Out(1)
        No comparison, clearing or access runs.
    done : Out(1)
        The comparison (or clearing) is over in this cycle.
    spikes : Out(stream.Signature(post))
        Neurons that fire in the step.
    fires : Out(1)
        Some of them have not been taken; from ``done`` on.
    last_spike : Out(1)
        All of them are taken with the one that is offered; from ``done`` on.
    v_access, v_fire_access, bias_access : In(Access(post, ...))
        Memory port. ``v_access`` only if it is ``readable``.
    """

    def __init__(
        self,
        *,
        neurons: int,
        lanes: int,
        v_bits: int,
        weight_bits: int,
        leak_shift: int,
        reset: Literal["zero", "subtract"],
        v: list[int] | None = None,
        v_fire: list[int] | None = None,
        bias: list[int] | None = None,
        memory_style: str | None = None,
        readable: bool = True,
    ) -> None:
        self._readable = readable
        self._neurons = neurons
        self._lanes = lanes
        self._slots = slots = -(-neurons // lanes)
        self._v_bits = v_bits
        self._weight_bits = weight_bits
        self._leak_shift = leak_shift
        self._reset = reset
        self._memory_style = memory_style
        self._lane_bits = Shape.cast(range(lanes)).width
        never = [max_of(V_FIRE_BITS)] * neurons
        # Places without a neuron would fire in every step, but they do not exist.
        padding = [0] * (lanes * slots - neurons)
        self._contents = {
            name: [*given, *padding]
            for name, given in (
                ("v", v or [0] * neurons),
                ("v_fire", v_fire or never),
                ("bias", bias or [0] * neurons),
            )
        }
        synapse = synapse_event_layout(slots=slots, weight_bits=weight_bits)
        post = unsigned(self._lane_bits + Shape.cast(range(slots)).width)
        super().__init__(
            {
                "synapses": In(stream.Signature(synapse, always_ready=True)).array(lanes),
                "busy": Out(1),
                "compare": In(1),
                "clear": In(1),
                "idle": Out(1),
                "done": Out(1),
                "spikes": Out(stream.Signature(post)),
                "fires": Out(1),
                "last_spike": Out(1),
                "v_fire_access": In(Access(post, unsigned(V_FIRE_BITS))),
                "bias_access": In(Access(post, unsigned(BIAS_BITS))),
            }
            | ({"v_access": In(Access(post, unsigned(v_bits)))} if readable else {})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        lanes, slots = self._lanes, self._slots
        accesses = {"v_fire": self.v_fire_access, "bias": self.bias_access}
        if self._readable:
            accesses["v"] = self.v_access

        # What happens in the cycles after the address; common to all lanes.
        sweep = Signal()
        slot = Signal(range(slots))
        comparing = Signal()
        clearing = Signal()
        accessing = Signal()
        # Of what can't be read, these stay 0, and so does what lanes have for it.
        reading = {name: Signal(name=f"reading_{name}") for name in ("v", "v_fire", "bias")}
        writing = {name: Signal(name=f"writing_{name}") for name in reading}
        address = Signal.like(self.v_fire_access.address)
        data = Signal(self._v_bits)
        for name, access in accesses.items():
            with m.If(reading[name] | writing[name]):
                m.d.comb += [address.eq(access.address), data.eq(access.data)]
        asked = Cat(*reading.values(), *writing.values()).any()
        access_lane, access_slot = address[: self._lane_bits], address[self._lane_bits :]

        cells = []
        for k in range(lanes):
            lane = FeedforwardLane(
                slots=slots,
                neurons=len(range(k, self._neurons, lanes)),
                v_bits=self._v_bits,
                weight_bits=self._weight_bits,
                leak_shift=self._leak_shift,
                reset=self._reset,
                memory_style=self._memory_style,
                **{name: words[k::lanes] for name, words in self._contents.items()},
            )
            m.submodules[f"lane{k}"] = lane
            wiring.connect(m, wiring.flipped(self.synapses[k]), lane.synapse)
            chosen = access_lane == k
            m.d.comb += [
                lane.sweep.eq(sweep),
                lane.slot.eq(Mux(accessing, access_slot, slot)),
                lane.zero.eq((clearing | asked) & ~(reading["v"] & chosen)),
                lane.load.eq(clearing | (writing["v"] & chosen)),
                lane.biased.eq(comparing | (reading["bias"] & chosen)),
                lane.compared.eq(comparing | (reading["v_fire"] & chosen)),
                lane.write.eq(comparing),
                lane.data.eq(data),
                lane.v_fire_write.eq(accessing & writing["v_fire"] & chosen),
                lane.bias_write.eq(accessing & writing["bias"] & chosen),
            ]
            cells.append(lane)
        m.d.comb += self.busy.eq(Cat(lane.busy for lane in cells).any())
        if self._readable:
            found = reduce(or_, (lane.value for lane in cells))
            m.d.comb += [access.value.eq(found) for access in accesses.values()]

        # A token follows each slot through the lanes; the last one is that behind which none comes.
        tokens = Signal(WRITE_LATENCY)
        told = Signal(range(slots))
        m.d.sync += tokens.eq(Cat(sweep, tokens))
        ends = tokens[-1] & ~tokens[-2]
        fires = tokens[FIRES_LATENCY - 1]
        m.submodules.queue = queue = SpikeQueue(lanes=lanes, slots=slots)
        wiring.connect(m, queue.spikes, wiring.flipped(self.spikes))
        m.d.comb += [
            queue.clear.eq(self.compare | self.clear),
            queue.write.eq(fires & comparing),
            queue.slot.eq(told),
            queue.fires.eq(Cat(lane.fires for lane in cells)),
            self.fires.eq(queue.left),
            self.last_spike.eq(queue.last),
        ]
        with m.If(fires):
            m.d.sync += told.eq(told + 1)

        with m.FSM(name="membrane") as fsm:
            m.d.sync += self.done.eq(ends & fsm.ongoing("Drain"))
            with m.State("Wait"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [
                    slot.eq(0),
                    told.eq(0),
                    comparing.eq(self.compare),
                    clearing.eq(self.clear),
                ]
                for name, access in accesses.items():
                    m.d.sync += writing[name].eq(access.strobe & access.write)
                    if self._readable:
                        m.d.sync += reading[name].eq(access.strobe & ~access.write)
                with m.If(self.compare | self.clear):
                    m.d.comb += sweep.eq(1)
                    m.d.sync += slot.eq(1)
                    m.next = "Sweep" if slots > 1 else "Drain"
                with m.Elif(Cat(access.strobe for access in accesses.values()).any()):
                    m.next = "Access"
            with m.State("Sweep"):
                m.d.comb += sweep.eq(1)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == slots - 1):
                    m.next = "Drain"
            with m.State("Drain"):
                m.d.sync += slot.eq(0)
                with m.If(self.done):
                    m.next = "Wait"
            with m.State("Access"):
                m.d.comb += [sweep.eq(1), accessing.eq(1)]
                m.next = "Await"
            with m.State("Await"):
                # Until nothing is on its way in the lanes.
                with m.If(ends):
                    for name, access in accesses.items():
                        # Asked to read what it can't, it writes nothing, and is done.
                        there = reading[name] | writing[name] if self._readable else 1
                        m.d.comb += access.done.eq(there)
                    m.next = "Wait"
        return m
