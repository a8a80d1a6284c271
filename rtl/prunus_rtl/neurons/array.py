"""Membranes: integrate, compare, leak; and the winner over all lanes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import max_of
from prunus_rtl.lib.ram import Ram
from prunus_rtl.shapes import Access, Shapes

__all__ = ["Membrane", "MembraneLane", "candidate_layout"]


def candidate_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a neuron that may win.

    ``margin`` is ``v - v_fire``, modulo the width of ``v``; it counts only if ``fires``. Compared
    as one number, the larger candidate wins.
    """
    return data.StructLayout({"margin": shapes.v, "fires": 1})


class MembraneLane(wiring.Component):
    """Potentials and firing thresholds of one lane.

    A word holds the potential and the *epoch* in which it was written. Words of another epoch are
    0, so that changing the epoch sets all potentials to 0 at once; as every sweep rewrites all
    words, one bit tells the two apart.

    Timing
    ------
    One synapse per cycle, also for the same slot back to back: a word is read, registered, added to
    and written back in three cycles, and the sums of the last two are forwarded. So no path leads
    from one memory through the adder to another. Clock domain ``sync``.

    Memories: ``slots`` words of potential and epoch, and ``slots`` thresholds
    (:class:`prunus_rtl.lib.ram.Ram`). A potential that is read while it is written is forwarded.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    lane : int
        Number of the lane; tells which neurons exist.
    v, v_fire : list of int
        Initial potentials and thresholds of the slots.

    Members
    -------
    synapse : In(stream.Signature(shapes.synapse, always_ready=True))
        Weights to add. Not while sweeping.
    busy : Out(1)
        The last synapses have not been added yet.
    epoch : In(1)
        Present epoch.
    sweep : In(1)
        Read ``slot``.
    slot : In(shapes.slot)
        Slot to read.
    zero, write, load : In(1)
        Held for two cycles after ``sweep``: take the potential as 0; write back; add ``value`` in
        place of the leak.
    value : In(shapes.v)
        Potential to load.
    force, forced : In(1)
        Held likewise: ``candidate.fires`` is ``forced``.
    v_fire_write, v_fire_slot, v_fire : In(1), In(shapes.slot), In(shapes.v_fire)
        Write a threshold. Not while sweeping.
    candidate : Out(candidate_layout(shapes))
        The neuron that was swept; three cycles after ``sweep``.
    """

    def __init__(self, *, shapes: Shapes, lane: int, v: list[int], v_fire: list[int]) -> None:
        self._shapes = shapes
        self._lane = lane
        self._v = v
        self._v_fire = v_fire
        super().__init__(
            {
                "synapse": In(stream.Signature(shapes.synapse, always_ready=True)),
                "busy": Out(1),
                "epoch": In(1),
                "sweep": In(1),
                "slot": In(shapes.slot),
                "zero": In(1),
                "write": In(1),
                "load": In(1),
                "value": In(shapes.v),
                "force": In(1),
                "forced": In(1),
                "v_fire_write": In(1),
                "v_fire_slot": In(shapes.slot),
                "v_fire": In(shapes.v_fire),
                "candidate": Out(candidate_layout(shapes)),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    @property
    def lane(self) -> int:
        """Number of the lane."""
        return self._lane

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        word = data.StructLayout({"v": s.v, "epoch": 1})
        m.submodules.v = v_memory = Ram(
            shape=word, depth=s.slots, init=[{"v": v, "epoch": 0} for v in self._v]
        )
        m.submodules.v_fire = v_fire_memory = Ram(shape=s.v_fire, depth=s.slots, init=self._v_fire)

        # Stage 0: address.
        reading = Signal()
        sweeping = Signal()
        read_at = Signal(s.slot)
        read_weight = Signal(s.weight)
        slot = Mux(self.sweep, self.slot, self.synapse.p.slot)
        m.d.comb += [
            v_memory.read.eq(self.sweep | self.synapse.valid),
            v_memory.read_address.eq(slot),
            v_fire_memory.read.eq(self.sweep),
            v_fire_memory.read_address.eq(self.slot),
        ]
        m.d.sync += [
            reading.eq(self.synapse.valid),
            sweeping.eq(self.sweep),
            read_at.eq(slot),
            read_weight.eq(self.synapse.p.weight),
        ]

        # Stage 1: what was read. The sum written in the cycle of the read is not in it.
        adding = Signal()
        swept = Signal()
        at = Signal(s.slot)
        weight = Signal(s.weight)
        held = Signal(s.v)
        v_fire = Signal(s.v_fire)
        written = Signal()
        written_at = Signal(s.slot)
        written_v = Signal(s.v)
        fresh = (v_memory.read_data.epoch == self.epoch) & ~self.zero
        m.d.sync += [
            adding.eq(reading),
            swept.eq(sweeping),
            at.eq(read_at),
            weight.eq(read_weight),
            v_fire.eq(v_fire_memory.read_data),
            held.eq(Mux(fresh, v_memory.read_data.v, 0)),
        ]
        with m.If(written & (written_at == read_at)):
            m.d.sync += held.eq(written_v)

        # Stage 2: the sum that was written in the last cycle was not there yet.
        v = Signal(s.v)
        m.d.comb += v.eq(Mux(written & (written_at == at), written_v, held))

        # One adder: v + weight, v + value, or v - (v >> leak_shift) as v + ~(...) + 1.
        leak_shift = s.network.membrane.leak_shift
        leak = v >> leak_shift if leak_shift else Const(0, len(v))
        negated = Signal(s.v)
        operand = Signal(s.v)
        carry = swept & ~self.load
        m.d.comb += [
            negated.eq(~leak),
            operand.eq(Mux(carry, negated, Mux(self.load, self.value, weight))),
            v_memory.write.eq(adding | (swept & self.write)),
            v_memory.write_address.eq(at),
            v_memory.write_data.v.eq(v + operand + carry),
            v_memory.write_data.epoch.eq(self.epoch),
            self.busy.eq(reading | adding),
        ]
        m.d.sync += [
            written.eq(v_memory.write),
            written_at.eq(at),
            written_v.eq(v_memory.write_data.v),
        ]

        margin = Signal(len(v) + 1)
        exists = Const(1)
        if s.hardware.neurons_of(self._lane, s.network) < s.slots:
            exists = at != s.slots - 1
        m.d.comb += margin.eq(v - v_fire)
        m.d.sync += [
            self.candidate.margin.eq(margin),
            self.candidate.fires.eq(Mux(self.force, self.forced, ~margin[-1] & exists)),
        ]

        m.d.comb += [
            v_fire_memory.write.eq(self.v_fire_write),
            v_fire_memory.write_address.eq(self.v_fire_slot),
            v_fire_memory.write_data.eq(self.v_fire),
        ]
        return m


class Membrane(wiring.Component):
    """Membranes of all neurons.

    Integrates as :func:`prunus_model.reference.membrane.integrate`. A comparison sweeps over all
    slots, lets every potential leak, and gives what :func:`prunus_model.reference.membrane.winner`
    gives for the potentials before the leak: the largest ``v - v_fire >= 0``, ties to the lowest
    post. A pipelined tree compares the lanes (of two equal ones the lower lane wins), and its root
    is compared with the best of the lower slots (of two equal ones the lower slot stays).

    Timing
    ------
    Integration: one synapse per cycle and lane. ``done`` comes ``slots + log2(lanes) + 3`` cycles
    after ``compare`` or ``clear``. Clock domain ``sync``.

    Memory port: a threshold is read as ``0 - margin`` with the potential taken as 0, a potential as
    the sum of margin and threshold; so no lane has a path of its own for it.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    v, v_fire : list of int, optional
        Initial state of all neurons. Default: potentials 0, thresholds that never fire.

    Members
    -------
    synapses : Array of In(stream.Signature(shapes.synapse, always_ready=True))
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
    post : Out(shapes.post)
        The winner.
    v_fire_write, v_fire_post, v_fire : In(1), In(shapes.post), In(shapes.v_fire)
        Write a threshold. Not during a comparison.
    v_access, v_fire_access : In(Access(shapes.post, ...))
        Memory port.
    """

    def __init__(
        self, *, shapes: Shapes, v: list[int] | None = None, v_fire: list[int] | None = None
    ) -> None:
        self._shapes = shapes
        cells = shapes.hardware.lanes * shapes.slots
        self._v = [*([] if v is None else v), *[0] * cells][:cells]
        never = [max_of(shapes.v_fire.width)] * cells
        self._v_fire = [*([] if v_fire is None else v_fire), *never][:cells]
        super().__init__(
            {
                "synapses": In(stream.Signature(shapes.synapse, always_ready=True)).array(
                    shapes.hardware.lanes
                ),
                "busy": Out(1),
                "compare": In(1),
                "clear": In(1),
                "forget": In(1),
                "idle": Out(1),
                "done": Out(1),
                "fires": Out(1),
                "post": Out(shapes.post),
                "v_fire_write": In(1),
                "v_fire_post": In(shapes.post),
                "v_fire": In(shapes.v_fire),
                "v_access": In(Access(shapes.post, shapes.v)),
                "v_fire_access": In(Access(shapes.post, shapes.v_fire)),
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
        lanes, slots = s.hardware.lanes, s.slots
        levels = s.lane.width

        # What happens in the cycles after the address; common to all lanes.
        epoch = Signal()
        sweep = Signal()
        slot = Signal(s.slot)
        clearing = Signal()
        accessing = Signal()
        peeking = Signal()
        loading = Signal()
        v_access = Signal()
        threshold = Signal(s.v)
        threshold_known = Signal()
        access_address = Mux(v_access, self.v_access.address, self.v_fire_access.address)
        access_lane = access_address[: s.lane.width]
        access_slot = access_address[s.lane.width :]
        access = self.v_access.strobe | self.v_fire_access.strobe
        write_v_fire = self.v_fire_access.strobe & self.v_fire_access.write

        cells = []
        for k in range(lanes):
            lane = MembraneLane(
                shapes=s, lane=k, v=self._v[k::lanes], v_fire=self._v_fire[k::lanes]
            )
            m.submodules[f"lane{k}"] = lane
            wiring.connect(m, wiring.flipped(self.synapses[k]), lane.synapse)
            chosen = access_lane == k
            v_fire_post = Mux(write_v_fire, self.v_fire_access.address, self.v_fire_post)
            m.d.comb += [
                lane.epoch.eq(epoch),
                lane.sweep.eq(sweep),
                lane.slot.eq(Mux(accessing, access_slot, slot)),
                lane.zero.eq(clearing | loading | (peeking & ~threshold_known)),
                lane.write.eq(~peeking & (~loading | chosen)),
                lane.load.eq(loading),
                lane.value.eq(self.v_access.data),
                lane.force.eq(peeking),
                lane.forced.eq(chosen),
                lane.v_fire_write.eq(
                    (write_v_fire | self.v_fire_write) & (v_fire_post[: s.lane.width] == k)
                ),
                lane.v_fire_slot.eq(v_fire_post[s.lane.width :]),
                lane.v_fire.eq(Mux(write_v_fire, self.v_fire_access.data, self.v_fire)),
            ]
            cells.append(lane)
        m.d.comb += self.busy.eq(Cat(lane.busy for lane in cells).any())

        # The tree: one level per cycle. A candidate of an upper half wins only if it is larger.
        candidate = candidate_layout(s)
        row = [(lane.candidate, Const(0, 0)) for lane in cells]
        for level in range(levels):
            next_row = []
            for k in range(len(row) // 2):
                (low, low_lane), (high, high_lane) = row[2 * k], row[2 * k + 1]
                best = Signal(candidate, name=f"best{level}_{k}")
                lane_index = Signal(level + 1, name=f"lane{level}_{k}")
                upper = high.as_value() > low.as_value()
                m.d.sync += [
                    best.eq(Mux(upper, high, low)),
                    lane_index.eq(Cat(Mux(upper, high_lane, low_lane), upper)),
                ]
                next_row.append((best, lane_index))
            row = next_row
        root, root_lane = row[0]

        # A token follows each sweep cycle to the root.
        tokens = Signal(levels + 3)
        root_slot = Signal(s.slot)
        best_candidate = Signal(candidate)
        arrived = tokens[-1]
        last = root_slot == slots - 1
        m.d.sync += [
            tokens.eq(Cat(sweep, tokens)),
            self.done.eq(arrived & last & ~peeking & ~loading),
        ]
        m.d.comb += self.fires.eq(best_candidate.fires)
        with m.If(arrived):
            m.d.sync += root_slot.eq(Mux(last, 0, root_slot + 1))
            with m.If(root.as_value() > best_candidate.as_value()):
                m.d.sync += [
                    best_candidate.eq(root),
                    self.post.eq(Cat(root_lane, root_slot)),
                ]
        with m.If(self.forget):
            m.d.sync += epoch.eq(~epoch)

        m.d.comb += [
            self.v_access.value.eq(root.margin - threshold),
            self.v_fire_access.value.eq(-threshold),
        ]
        with m.FSM(name="membrane"):
            with m.State("Wait"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [
                    slot.eq(0),
                    root_slot.eq(0),
                    clearing.eq(self.clear),
                    threshold_known.eq(0),
                    v_access.eq(self.v_access.strobe),
                    loading.eq(self.v_access.strobe & self.v_access.write),
                    peeking.eq(access & ~(self.v_access.strobe & self.v_access.write)),
                ]
                with m.If(self.compare | self.clear):
                    m.d.comb += sweep.eq(1)
                    m.d.sync += [slot.eq(1), best_candidate.eq(0)]
                    m.next = "Sweep" if slots > 1 else "Settle"
                with m.Elif(write_v_fire):
                    m.d.sync += peeking.eq(0)
                    m.next = "Answer"
                with m.Elif(access):
                    m.next = "Peek"
            with m.State("Sweep"):
                m.d.comb += sweep.eq(1)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == slots - 1):
                    m.next = "Settle"
            with m.State("Settle"):
                m.d.sync += slot.eq(0)
                with m.If(self.done):
                    m.next = "Wait"
            with m.State("Peek"):
                m.d.comb += [sweep.eq(1), accessing.eq(1)]
                m.next = "Await"
            with m.State("Await"):
                with m.If(arrived):
                    m.d.sync += [threshold.eq(root.margin), threshold_known.eq(1)]
                    with m.If(~v_access):
                        m.next = "Answer"
                    with m.Elif(threshold_known | loading):
                        m.d.comb += self.v_access.done.eq(1)
                        m.next = "Wait"
                    with m.Else():
                        m.next = "Peek"
            with m.State("Answer"):
                m.d.comb += self.v_fire_access.done.eq(1)
                m.next = "Wait"
        return m
