"""Membranes of all neurons: lanes that integrate, compare and leak, and the winner over them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import V_FIRE_BITS, max_of
from prunus_rtl.neurons.lane import LANE_LATENCY, MembraneLane
from prunus_rtl.neurons.winner import WinnerTree
from prunus_rtl.streams import Access, synapse_event_layout

__all__ = ["Membrane"]


class Membrane(wiring.Component):
    """Membranes of all neurons.

    Integrates as :func:`prunus_model.reference.membrane.integrate`. A comparison sweeps over all
    slots, lets every potential leak, and gives what :func:`prunus_model.reference.membrane.winner`
    gives for the potentials before the leak: the largest ``v - v_fire >= 0``, ties to the lowest
    post (:class:`prunus_rtl.neurons.winner.WinnerTree`).

    Timing
    ------
    Integration: one synapse per cycle and lane. ``done`` comes ``slots + log2(lanes) + 5`` cycles
    after ``compare`` or ``clear``: 4 in the lane, one for each level of the tree, the slots, and 1
    for the register of ``done``. What lanes are told of a sweep comes from registers. Clock domain
    ``sync``.

    With groups, which take turns, each has thresholds of its own; everything else is of the group
    at work.

    Memory port: a threshold is read as ``0 - margin`` with the potential taken as 0, a potential as
    the sum of margin and threshold; so no lane has a path of its own for it.

    Parameters
    ----------
    neurons : int
        Number of neurons.
    groups : int
        Number of groups, each with that many neurons.
    lanes : int
        Number of lanes. A power of 2. Neuron ``post`` is in lane ``post % lanes``.
    v_bits, weight_bits : int
        Width of a potential and of a weight.
    leak_shift : int
        In a step a potential loses ``v >> leak_shift``; nothing if it is 0.
    v, v_fire : list of int, optional
        Initial potentials of all neurons of a group, and thresholds of all neurons of all groups,
        group by group. Default: potentials 0, thresholds that never fire.
    memory_style : str, optional
        Style of the memories of potentials and thresholds (:class:`prunus_rtl.lib.ram.Ram`).
    readable : bool
        Whether the memory port reaches potentials and reads thresholds; else it writes thresholds
        only, and they read as 0.

    Members
    -------
    group : In(range(groups))
        The group at work.
    synapses : Array of In(stream.Signature(synapse_event_layout(...), always_ready=True))
        Weights to add, for each lane.
    busy : Out(1)
        The last synapses have not been added yet.
    compare, clear : In(1)
        Start a comparison; set all potentials to 0. Only if nothing runs.
    forget : In(1)
        Set all potentials to 0 at once; only after a comparison, before the next synapse.
    idle : Out(1)
        No comparison, clearing or access runs.
    done : Out(1)
        The comparison (or clearing) is over in this cycle.
    fires : Out(1)
        There is a winner; valid from ``done`` until the next comparison.
    post : Out(post)
        The winner.
    v_fire_write, v_fire_post, v_fire : In(1), In(post), In(V_FIRE_BITS)
        Write a threshold of the group at work. Not during a comparison.
    v_access, v_fire_access : In(Access(post, ...)), In(Access(post and group, ...))
        Memory port. A threshold is at ``group << post_bits | post``. ``v_access`` only if it is
        ``readable``.
    """

    def __init__(
        self,
        *,
        neurons: int,
        groups: int = 1,
        lanes: int,
        v_bits: int,
        weight_bits: int,
        leak_shift: int,
        v: list[int] | None = None,
        v_fire: list[int] | None = None,
        memory_style: str | None = None,
        readable: bool = True,
    ) -> None:
        self._readable = readable
        self._neurons = neurons
        self._memory_style = memory_style
        self._groups = groups
        self._lanes = lanes
        self._slots = slots = -(-neurons // lanes)
        self._v_bits = v_bits
        self._weight_bits = weight_bits
        self._leak_shift = leak_shift
        self._lane_bits = Shape.cast(range(lanes)).width
        cells = lanes * slots
        self._v = [*([] if v is None else v), *[0] * cells][:cells]
        never = max_of(V_FIRE_BITS)
        v_fire = [never] * (groups * neurons) if v_fire is None else v_fire
        # Of all lanes: slots that are not there, for each group up to a power of 2.
        room = lanes << Shape.cast(range(slots)).width
        self._v_fire = [
            word
            for first in range(0, len(v_fire), neurons)
            for word in [*v_fire[first : first + neurons], *[never] * (room - neurons)]
        ][: (groups - 1) * room + cells]
        synapse = synapse_event_layout(slots=slots, weight_bits=weight_bits)
        post = unsigned(self._lane_bits + Shape.cast(range(slots)).width)
        group = range(groups)
        place = unsigned(post.width + Shape.cast(group).width)
        super().__init__(
            {
                "group": In(group),
                "synapses": In(stream.Signature(synapse, always_ready=True)).array(lanes),
                "busy": Out(1),
                "compare": In(1),
                "clear": In(1),
                "forget": In(1),
                "idle": Out(1),
                "done": Out(1),
                "fires": Out(1),
                "post": Out(post),
                "v_fire_write": In(1),
                "v_fire_post": In(post),
                "v_fire": In(V_FIRE_BITS),
                "v_fire_access": In(Access(place, unsigned(V_FIRE_BITS))),
            }
            | ({"v_access": In(Access(post, unsigned(v_bits)))} if readable else {})
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        lanes, slots, lane_bits = self._lanes, self._slots, self._lane_bits
        post_bits = len(self.post)

        # What happens in the cycles after the address; common to all lanes.
        epoch = Signal()
        sweep = Signal()
        slot = Signal(range(slots))
        clearing = Signal()
        accessing = Signal()
        peeking = Signal()
        loading = Signal()
        v_access = Signal()
        threshold = Signal(self._v_bits)
        threshold_known = Signal()
        # Without a way to read them, all of these stay 0, and so does what lanes have for it.
        access_address: Any = self.v_fire_access.address
        if self._readable:
            access_address = Mux(v_access, self.v_access.address, access_address)
        access_lane = access_address[:lane_bits]
        access_slot, access_group = access_address[lane_bits:post_bits], access_address[post_bits:]
        write_v_fire = self.v_fire_access.strobe & self.v_fire_access.write

        cells = []
        for k in range(lanes):
            lane = MembraneLane(
                slots=slots,
                neurons=len(range(k, self._neurons, lanes)),
                groups=self._groups,
                v_bits=self._v_bits,
                weight_bits=self._weight_bits,
                leak_shift=self._leak_shift,
                v=self._v[k::lanes],
                v_fire=self._v_fire[k::lanes],
                memory_style=self._memory_style,
            )
            m.submodules[f"lane{k}"] = lane
            wiring.connect(m, wiring.flipped(self.synapses[k]), lane.synapse)
            chosen = access_lane == k if self._readable else Const(0)
            v_fire_place = Mux(
                write_v_fire, self.v_fire_access.address, Cat(self.v_fire_post, self.group)
            )
            m.d.comb += [
                lane.epoch.eq(epoch),
                lane.sweep.eq(sweep),
                lane.slot.eq(Mux(accessing, access_slot, slot)),
                lane.group.eq(Mux(accessing, access_group, self.group)),
                lane.zero.eq(clearing | loading | (peeking & ~threshold_known)),
                lane.write.eq(~peeking & (~loading | chosen)),
                lane.load.eq(loading),
                lane.value.eq(self.v_access.data if self._readable else 0),
                lane.force.eq(peeking),
                lane.forced.eq(chosen),
                lane.v_fire_write.eq(
                    (write_v_fire | self.v_fire_write) & (v_fire_place[:lane_bits] == k)
                ),
                lane.v_fire_place.eq(v_fire_place[lane_bits:]),
                lane.v_fire.eq(Mux(write_v_fire, self.v_fire_access.data, self.v_fire)),
            ]
            cells.append(lane)
        m.d.comb += self.busy.eq(Cat(lane.busy for lane in cells).any())

        m.submodules.tree = tree = WinnerTree(
            lanes=lanes, slots=slots, v_bits=self._v_bits, latency=LANE_LATENCY
        )
        for lane, candidate in zip(cells, tree.candidates, strict=True):
            m.d.comb += candidate.eq(lane.candidate)
        m.d.comb += [
            tree.sweep.eq(sweep),
            tree.clear.eq(self.compare | self.clear),
            self.fires.eq(tree.fires),
            self.post.eq(tree.post),
        ]
        m.d.sync += self.done.eq(tree.last & ~peeking & ~loading)
        with m.If(self.forget):
            m.d.sync += epoch.eq(~epoch)

        # Threshold writes are over at once; a word is read behind a sweep of one slot.
        access = write_v_fire if self._readable else self.v_fire_access.strobe
        with m.FSM(name="membrane") as fsm:
            m.d.comb += tree.rewind.eq(fsm.ongoing("Wait"))
            with m.State("Wait"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [slot.eq(0), clearing.eq(self.clear)]
                if self._readable:
                    reads = self.v_fire_access.strobe & ~write_v_fire
                    loads = self.v_access.strobe & self.v_access.write
                    m.d.sync += [
                        threshold_known.eq(0),
                        v_access.eq(self.v_access.strobe),
                        loading.eq(loads),
                        peeking.eq(reads | (self.v_access.strobe & ~loads)),
                    ]
                with m.If(tree.clear):
                    m.d.sync += sweep.eq(1)
                    m.next = "Sweep"
                with m.Elif(access):
                    m.next = "Answer"
                if self._readable:
                    with m.Elif(reads | self.v_access.strobe):
                        m.d.sync += sweep.eq(1)
                        m.next = "Peek"
            with m.State("Sweep"):
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == slots - 1):
                    m.d.sync += sweep.eq(0)
                    m.next = "Drain"
            with m.State("Drain"):
                m.d.sync += slot.eq(0)
                with m.If(self.done):
                    m.next = "Wait"
            if self._readable:
                m.d.comb += [
                    self.v_access.value.eq(tree.root.margin - threshold),
                    self.v_fire_access.value.eq(-threshold),
                ]
                with m.State("Peek"):
                    m.d.comb += accessing.eq(1)
                    m.d.sync += sweep.eq(0)
                    m.next = "Await"
                with m.State("Await"):
                    with m.If(tree.arrived):
                        m.d.sync += [threshold.eq(tree.root.margin), threshold_known.eq(1)]
                        with m.If(~v_access):
                            m.next = "Answer"
                        with m.Elif(threshold_known | loading):
                            m.d.comb += self.v_access.done.eq(1)
                            m.next = "Wait"
                        with m.Else():
                            m.d.sync += sweep.eq(1)
                            m.next = "Peek"
            with m.State("Answer"):
                m.d.comb += self.v_fire_access.done.eq(1)
                m.next = "Wait"
        return m
