"""Homeostasis: firing thresholds follow activity and connection strength."""

from __future__ import annotations

from typing import Any, Literal

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import POST_COUNT_BITS, THETA_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.streams import Access
from prunus_rtl.widths import theta_decays

__all__ = ["FireThreshold", "Homeostasis"]

Multiplier = Literal["sequential", "dsp"]


class FireThreshold(wiring.Component):
    """The only multiplier: ``min(2**23 - 1, ((v_th + theta) * strength) >> fire_shift)``.

    2**23 - 1 if the strength is 0. Equals
    :func:`prunus_model.reference.homeostasis.fire_threshold`.

    Timing
    ------
    ``done`` comes :attr:`cycles` cycles after ``start``; ``v_fire`` is valid in that cycle and
    until the next ``start``. A multiplier block takes a ``start`` in every cycle, the other one
    none while it runs. No combinational paths: ``v_fire`` is a comparison behind registers. Clock
    domain ``sync``.

    Parameters
    ----------
    params : HomeostasisParams
        ``v_th`` and ``fire_shift`` of the formula.
    strength_bits : int
        Width of a strength.
    multiplier : "sequential" or "dsp"
        One bit of the strength per cycle, or a multiplier block.

    Members
    -------
    start : In(1)
        Begin. Not while the sequential multiplier runs.
    theta, strength : In(THETA_BITS), In(strength_bits)
        Operands; taken at ``start``.
    done : Out(1)
        Over.
    v_fire : Out(V_FIRE_BITS)
        Firing threshold.
    """

    def __init__(
        self, *, params: HomeostasisParams, strength_bits: int, multiplier: Multiplier
    ) -> None:
        self._params = params
        self._strength_bits = strength_bits
        self._multiplier = multiplier
        super().__init__(
            {
                "start": In(1),
                "theta": In(THETA_BITS),
                "strength": In(strength_bits),
                "done": Out(1),
                "v_fire": Out(V_FIRE_BITS),
            }
        )

    @property
    def cycles(self) -> int:
        """Cycles from ``start`` to ``done``."""
        return 2 if self._multiplier == "dsp" else self._strength_bits + 1

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        params, strength_bits = self._params, self._strength_bits
        base = Signal(range(params.v_th + max_of(THETA_BITS) + 1))
        product = Signal(len(base) + strength_bits)
        silent = Signal()

        with m.If(self.start):
            m.d.sync += base.eq(self.theta + params.v_th)
        if self._multiplier == "dsp":
            strength = Signal(strength_bits)
            started = Signal()
            with m.If(self.start):
                m.d.sync += strength.eq(self.strength)
            with m.If(started):
                m.d.sync += [product.eq(base * strength), silent.eq(strength == 0)]
            m.d.sync += [started.eq(self.start), self.done.eq(started)]
        else:
            with m.If(self.start):
                m.d.sync += silent.eq(self.strength == 0)
            # The strength leaves at the low end, one bit per cycle, as the product moves in.
            count = Signal(range(strength_bits + 1))
            high = product[strength_bits:]
            total = Signal(len(base) + 1)
            m.d.comb += total.eq(high + Mux(product[0], base, 0))
            m.d.sync += self.done.eq(count == 1)
            with m.If(self.start):
                m.d.sync += [product.eq(self.strength), count.eq(strength_bits)]
            with m.Elif(count != 0):
                m.d.sync += [
                    product.eq(Cat(product[1:strength_bits], total)),
                    count.eq(count - 1),
                ]

        v_fire_max = max_of(V_FIRE_BITS)
        scaled = product >> params.fire_shift
        m.d.comb += self.v_fire.eq(Mux(silent | (scaled > v_fire_max), v_fire_max, scaled))
        return m


class Homeostasis(wiring.Component):
    """Adaptive parts, strengths and spike counts of all neurons, and what follows from them.

    The neurons may be in groups, which take turns. *Recompute* passes over all neurons of the group
    at work before it is shown anything: ``theta`` decays (if ``decay``), and
    all thresholds are computed. *Spike* raises ``theta`` and the spike count of one neuron.
    *Update* keeps its new strength and computes its threshold anew. Equals the functions of
    :mod:`prunus_model.reference.homeostasis`.

    Thresholds follow from ``theta`` and strengths, and *spike* and *update* keep them so. So
    *recompute* does nothing if ``theta`` does not decay and the thresholds of the group are in
    force: one bit per group tells that they may be stale. All of them are set by reset, which may
    have come between two writes that belong together, and whenever the memory port writes a
    ``theta``, a strength or a threshold, of whatever group. The bit of a group is cleared when it
    begins to compute its thresholds anew, which only reset can interrupt.

    Timing
    ------
    Recompute: ``neurons + fire_threshold.cycles + 1`` cycles with a multiplier block, one neuron
    per cycle; ``neurons * (fire_threshold.cycles + 2)`` with the sequential multiplier, one neuron
    after the other; none if there is nothing to do. Spike: 1 cycle; ``post_count`` and
    ``strength`` are valid from then on, until the memory is read again (they are its output,
    ``post_count`` behind an adder). Update: ``fire_threshold.cycles`` cycles. ``busy`` is
    high for as long, from the cycle after ``recompute``, ``spike`` or ``update``. Clock domain
    ``sync``.

    Memories: ``theta``, ``strength`` and ``post_count``, one word per neuron of each group at
    ``group * neurons + post`` (:class:`prunus_rtl.lib.state_memory.StateMemory`), not cleared by
    reset. *Recompute*, unless there is nothing to do, reads ``theta`` and ``strength`` of every
    neuron of the group, *spike* a word of all three; nothing else is read. A word is written in
    the cycle after it was read, or at *update*.

    Parameters
    ----------
    neurons, groups : int
        Number of neurons of a group, and of groups.
    params, strength_bits, multiplier
        As for :class:`FireThreshold`; ``params`` also says how ``theta`` rises and decays.
    theta, strength, post_count : list of int, optional
        Initial state. Default: 0.

    Members
    -------
    group, first : In(range(groups)), In(range(neurons * groups))
        The group at work; place of its first neuron.
    recompute, decay : In(1)
        Compute all thresholds, unless they are in force; with decay.
    post : In(range(neurons))
        The neuron of *spike* and *update*; held from ``spike`` until ``busy`` falls after
        ``update``.
    spike : In(1)
        The neuron fires while learning.
    post_count : Out(POST_COUNT_BITS)
        Its spikes, with this one.
    strength : Out(strength_bits)
        Its strength from before this spike.
    update, new_strength : In(1), In(strength_bits)
        Its weights have been updated.
    busy : Out(1)
        Thresholds are being computed.
    v_fire_write, v_fire_post, v_fire : Out(1), Out(range(neurons)), Out(V_FIRE_BITS)
        A threshold to keep.
    v_fire_changed : In(1)
        The memory port writes a threshold of any group. Only while not ``busy``.
    theta_access, strength_access, post_count_access : In(Access(range(neurons * groups), ...))
        Memory port. Only while not ``busy``.
    """

    def __init__(
        self,
        *,
        neurons: int,
        groups: int = 1,
        params: HomeostasisParams,
        strength_bits: int,
        multiplier: Multiplier,
        theta: list[int] | None = None,
        strength: list[int] | None = None,
        post_count: list[int] | None = None,
    ) -> None:
        self._neurons = neurons
        self._groups = groups
        self._params = params
        self._strength_bits = strength_bits
        self._multiplier = multiplier
        self._init = {"theta": theta, "strength": strength, "post_count": post_count}
        neuron, place = range(neurons), range(neurons * groups)
        super().__init__(
            {
                "group": In(range(groups)),
                "first": In(place),
                "recompute": In(1),
                "decay": In(1),
                "post": In(neuron),
                "spike": In(1),
                "post_count": Out(POST_COUNT_BITS),
                "strength": Out(strength_bits),
                "update": In(1),
                "new_strength": In(strength_bits),
                "busy": Out(1),
                "v_fire_write": Out(1),
                "v_fire_post": Out(neuron),
                "v_fire": Out(V_FIRE_BITS),
                "v_fire_changed": In(1),
                "theta_access": In(Access(place, unsigned(THETA_BITS))),
                "strength_access": In(Access(place, unsigned(strength_bits))),
                "post_count_access": In(Access(place, unsigned(POST_COUNT_BITS))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        params, neurons = self._params, self._neurons
        memories = {}
        for name, shape in (
            ("theta", unsigned(THETA_BITS)),
            ("strength", unsigned(self._strength_bits)),
            ("post_count", unsigned(POST_COUNT_BITS)),
        ):
            depth = neurons * self._groups
            memory = StateMemory(shape=shape, depth=depth, init=self._init[name])
            m.submodules[name] = memories[name] = memory
            wiring.connect(m, wiring.flipped(getattr(self, f"{name}_access")), memory.access)
        theta, strength, post_count = memories.values()
        m.submodules.fire_threshold = fire_threshold = FireThreshold(
            params=params, strength_bits=self._strength_bits, multiplier=self._multiplier
        )

        # With a multiplier block neurons follow each other: of one the state is read, of another
        # the threshold is handed on.
        pipelined = self._multiplier == "dsp"
        decays = theta_decays(params)
        decay = self.decay if decays else Const(0, 1)
        recomputing = Signal()
        decaying = Signal()
        reading_at = Signal(range(neurons))
        at = Signal(range(neurons)) if pipelined else reading_at
        read = Signal()
        arrived = Signal()
        firing = Signal()
        raised = Signal(THETA_BITS)
        kept = Signal(THETA_BITS)
        theta_sum = Signal(THETA_BITS + 1)
        decayed = theta.read_data
        if decays:
            shifted = theta.read_data >> params.theta_decay_shift
            decayed = theta.read_data - Mux(decaying, shifted, 0)
        m.d.comb += [
            theta_sum.eq(theta.read_data + params.theta_plus),
            raised.eq(Mux(theta_sum > max_of(THETA_BITS), max_of(THETA_BITS), theta_sum)),
            self.v_fire_post.eq(Mux(recomputing, at, self.post)),
            self.v_fire_write.eq(fire_threshold.done),
            self.v_fire.eq(fire_threshold.v_fire),
            theta.write_data.eq(Mux(recomputing, decayed, raised)),
            strength.write_data.eq(self.new_strength),
            self.strength.eq(strength.read_data),
            post_count.write_data.eq(
                post_count.read_data + (post_count.read_data != max_of(POST_COUNT_BITS))
            ),
            self.post_count.eq(post_count.write_data),
            fire_threshold.theta.eq(Mux(recomputing, decayed, kept)),
            fire_threshold.strength.eq(Mux(recomputing, strength.read_data, self.new_strength)),
        ]
        m.d.comb += [
            theta.read.eq(read | firing),
            strength.read.eq(read | firing),
            post_count.read.eq(firing),
        ]
        # The neuron that is written is that of the cycle before.
        place = Signal(range(neurons * self._groups))
        place_before = Signal.like(place)
        post = Mux(recomputing, reading_at, self.post)
        m.d.comb += place.eq(post if self._groups == 1 else self.first + post)
        m.d.sync += [place_before.eq(place), arrived.eq(read)]
        for memory in memories.values():
            m.d.comb += [
                memory.read_address.eq(place),
                memory.write_address.eq(place_before),
            ]

        stale = Signal(self._groups, init=(1 << self._groups) - 1)
        own = stale if self._groups == 1 else stale.bit_select(self.group, 1)
        changed = self.v_fire_changed
        for access in (self.theta_access, self.strength_access):
            changed |= access.strobe & access.write

        with m.FSM(name="homeostasis") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("Wait"))
            with m.State("Wait"):
                m.d.comb += firing.eq(self.spike)
                m.d.sync += [reading_at.eq(0), at.eq(0), decaying.eq(decay)]
                with m.If(self.recompute & (own | decay)):
                    m.d.sync += [recomputing.eq(1), own.eq(0)]
                    m.next = "Read"
                with m.Elif(self.spike):
                    m.next = "Raise"
                with m.Elif(self.update):
                    m.d.comb += [strength.write.eq(1), fire_threshold.start.eq(1)]
                    m.next = "Multiply"
            with m.State("Raise"):
                m.d.comb += [theta.write.eq(1), post_count.write.eq(1)]
                m.d.sync += kept.eq(raised)
                m.next = "Wait"
            with m.State("Read"):
                m.d.comb += read.eq(1)
                if pipelined:
                    m.d.sync += reading_at.eq(reading_at + 1)
                    with m.If(reading_at == neurons - 1):
                        m.next = "Multiply"
                else:
                    m.next = "Multiply"
            with m.State("Multiply"):
                with m.If(fire_threshold.done):
                    if not pipelined:
                        m.next = "Read"
                    with m.If(~recomputing | (at == neurons - 1)):
                        m.d.sync += recomputing.eq(0)
                        m.next = "Wait"
        with m.If(arrived):
            m.d.comb += [theta.write.eq(decaying), fire_threshold.start.eq(1)]
        with m.If(recomputing & fire_threshold.done):
            m.d.sync += at.eq(at + 1)
        with m.If(changed):
            m.d.sync += stale.eq((1 << self._groups) - 1)
        return m
