"""Learning engine: everything that only a core that learns has."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import SEED_BITS, STEP_BITS
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
from prunus_model.spec.state import State
from prunus_rtl.encoder.prng import RandomStream
from prunus_rtl.neurons.threshold import Homeostasis
from prunus_rtl.plasticity.lift import Lift
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.plasticity.stdp import LearningSweep
from prunus_rtl.plasticity.trace import LastStep, last_step_layout
from prunus_rtl.shapes import Shapes
from prunus_rtl.streams import Access
from prunus_rtl.synapses.columns import place_of_row
from prunus_rtl.synapses.dense import Column

__all__ = ["LearningEngine", "initial_words", "learning_stream"]

#: State variables of the neurons that the engine keeps.
_OF_NEURONS = ("theta", "strength", "post_count")


def initial_words(state: State | None, name: str) -> list[int] | None:
    """Return a state variable as the initial contents of a memory."""
    if state is None:
        return None
    values: list[int] = getattr(state, name).tolist()
    return values


def learning_stream(*, inputs: int, each: int = 1) -> RandomStream:
    """Return the stream of random numbers for a sweep that visits ``each`` inputs per cycle.

    A pass takes one draw for four inputs, however many are visited at once.
    """
    draws = max(1, each // PRE_PER_DRAW)
    return RandomStream(draws=draws, rest=words(inputs) % draws)


class LearningEngine(wiring.Component):
    """Spike-time traces, learning sweep, pruning and homeostasis, as one unit.

    It follows the spikes of the inputs, and learns from an output spike: the sweep walks over all
    synapses of the neuron, updates or prunes each of them, and the neuron gets its new firing
    threshold. The sequencer says when.

    Timing
    ------
    ``initialised`` is low for ``max(sweep_words, 8)`` cycles after ``begin``, and
    ``thresholds_ready`` as long as all thresholds are computed, if they are
    (:class:`prunus_rtl.neurons.threshold.Homeostasis`). ``learned`` comes ``factor_cycles +
    sweep_words + 4`` cycles after ``learn`` (:class:`prunus_rtl.widths.Widths`);
    ``thresholds_ready`` is low for ``multiply_cycles`` cycles from the next one on. All outputs but
    those of ``column`` depend on registers only. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware; the hardware learns.
    state : State, optional
        Initial contents of the memories. Default: 0, and no spike.

    Members
    -------
    begin, decay : In(1)
        A view begins; ``theta`` of its group decays.
    group : In(range(groups))
        The group at work; held until the next view begins.
    first_neuron, first_row, first_word : In(...)
        Where the memories of its group begin (:class:`prunus_rtl.core.views.Views`); held until the
        next view begins.
    seed : In(32)
        Seed of the learning stream, mixed; taken at ``begin``.
    presentation : In(shapes.presentation)
        Number of the presentation.
    spike, pre, step : In(1), In(shapes.pre), In(shapes.step)
        An input spikes in this step. Not until ``initialised``.
    spike_step : In(shapes.step)
        The step to keep of it: this one, or that of the spike before if this one is dropped.
    learn, post : In(1), In(shapes.post)
        Learn from a spike of this neuron of the group, which is held from ``learn`` until
        ``thresholds_ready``.
    initialised, thresholds_ready, learned : Out(1)
        Traces and random numbers are ready; all thresholds have been handed on; the sweep is over.
    column : Out(Column(shapes))
        The neuron's column of the weight memory.
    v_fire_write, v_fire_post, v_fire : Out(1), Out(shapes.post), Out(shapes.v_fire)
        A threshold to keep.
    v_fire_changed : In(1)
        The memory port writes a threshold.
    updated, pruned : Out(range(sweep_inputs + 1))
        Unpruned synapses that were visited; and pruned.
    theta, strength, post_count, last_step, input_rate : In(Access(...))
        Memory port; ``input_rate`` only with pruning by lift.
    """

    def __init__(self, *, shapes: Shapes, state: State | None = None) -> None:
        self._shapes = shapes
        self._state = state
        neuron = range(shapes.network.all_neurons)
        visited = range(shapes.hardware.sweep_inputs + 1)
        super().__init__(
            {
                "begin": In(1),
                "decay": In(1),
                "group": In(range(shapes.network.group_count)),
                "first_neuron": In(shapes.neuron),
                "first_row": In(shapes.place),
                "first_word": In(range(shapes.store_words * shapes.slots)),
                "seed": In(SEED_BITS),
                "presentation": In(shapes.presentation),
                "spike": In(1),
                "pre": In(shapes.pre),
                "step": In(shapes.step),
                "spike_step": In(shapes.step),
                "learn": In(1),
                "post": In(shapes.post),
                "initialised": Out(1),
                "thresholds_ready": Out(1),
                "learned": Out(1),
                "column": Out(Column(shapes)),
                "v_fire_write": Out(1),
                "v_fire_post": Out(shapes.post),
                "v_fire": Out(shapes.v_fire),
                "v_fire_changed": In(1),
                "updated": Out(visited),
                "pruned": Out(visited),
                "theta": In(Access(neuron, shapes.theta)),
                "strength": In(Access(neuron, shapes.strength)),
                "post_count": In(Access(neuron, shapes.post_count)),
                "last_step": In(Access(shapes.pre, last_step_layout().size)),
            }
            | ({"input_rate": In(Access(shapes.row, shapes.input_rate))} if shapes.lift else {})
        )

    @property
    def memories(self) -> tuple[str, ...]:
        """State variables that the engine keeps, as members for the memory port."""
        rates = ("input_rate",) if self._shapes.lift else ()
        return (*_OF_NEURONS, "last_step", *rates)

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        network, stdp = s.network, s.network.stdp
        last_step = None
        if self._state is not None:
            last_step = [0 if n < 0 else 1 << STEP_BITS | n for n in self._state.last_step.tolist()]
        each = s.hardware.sweep_inputs
        m.submodules.last_step = trace = LastStep(
            inputs=network.inputs, window=stdp.trace_window, each=each, init=last_step
        )
        m.submodules.homeostasis = homeostasis = Homeostasis(
            neurons=network.neurons,
            groups=network.group_count,
            params=network.homeostasis,
            strength_bits=s.strength.width,
            multiplier=s.hardware.multiplier,
            **{name: initial_words(self._state, name) for name in _OF_NEURONS},
        )
        m.submodules.random = random = learning_stream(inputs=network.inputs, each=each)
        m.submodules.sweep = sweep = LearningSweep(
            inputs=network.inputs,
            groups=network.group_count,
            each=each,
            slots=s.slots,
            weight_bits=network.weight_bits,
            strength_bits=s.strength.width,
            potentiation_shift=stdp.potentiation_shift,
            depression_shift=stdp.depression_shift,
            column=Column(s),
        )
        pruning: Lift | Pruning
        if isinstance(network.pruning, LiftPruning):
            m.submodules.lift = pruning = self._build_lift(m, network.pruning, trace, sweep)
        else:
            m.submodules.pruning = pruning = Pruning(
                policy=network.pruning,
                weight_bits=network.weight_bits,
                strength_bits=s.strength.width,
                multiplier=s.hardware.multiplier,
                each=each,
            )
            m.d.comb += sweep.start.eq(self.learn)
        for name in _OF_NEURONS:
            wiring.connect(
                m, wiring.flipped(getattr(self, name)), getattr(homeostasis, f"{name}_access")
            )
        wiring.connect(m, wiring.flipped(self.last_step), trace.access)
        wiring.connect(m, sweep.column, wiring.flipped(self.column))
        m.d.comb += [
            trace.clear.eq(self.begin),
            trace.spike.eq(self.spike),
            trace.pre.eq(self.pre),
            trace.step.eq(self.step),
            trace.spike_step.eq(self.spike_step),
            trace.read.eq(sweep.read),
            trace.read_pre.eq(sweep.read_pre),
            random.load.eq(self.begin),
            random.seed.eq(self.seed),
            random.advance.eq(sweep.advance),
            homeostasis.group.eq(self.group),
            homeostasis.first.eq(self.first_neuron),
            homeostasis.recompute.eq(self.begin),
            homeostasis.decay.eq(self.decay),
            homeostasis.post.eq(self.post),
            homeostasis.spike.eq(self.learn),
            homeostasis.update.eq(sweep.done),
            homeostasis.new_strength.eq(sweep.strength),
            homeostasis.v_fire_changed.eq(self.v_fire_changed),
            pruning.post_count.eq(homeostasis.post_count),
            pruning.strength.eq(homeostasis.strength),
            pruning.presentation.eq(self.presentation),
            pruning.weight.eq(sweep.weight),
            sweep.first_row.eq(self.first_row[(each - 1).bit_length() :]),
            sweep.first_word.eq(self.first_word),
            sweep.slot.eq(self.post[s.lane.width :]),
            sweep.recent.eq(trace.recent),
            sweep.draw.eq(random.draw),
            sweep.prune.eq(pruning.prune),
            *([random.last.eq(sweep.last)] if hasattr(sweep, "last") else []),
            self.v_fire_write.eq(homeostasis.v_fire_write),
            self.v_fire_post.eq(homeostasis.v_fire_post),
            self.v_fire.eq(homeostasis.v_fire),
            self.updated.eq(sweep.updated),
            self.pruned.eq(sweep.pruned),
            self.initialised.eq(~trace.busy & random.ready),
            self.thresholds_ready.eq(~homeostasis.busy),
            self.learned.eq(sweep.done),
        ]
        return m

    def _build_lift(
        self, m: Module, policy: LiftPruning, trace: LastStep, sweep: LearningSweep
    ) -> Lift:
        """Build pruning by lift: it finds its factor first, and then starts the sweep."""
        s = self._shapes
        lift = Lift(
            inputs=s.network.inputs,
            groups=s.network.group_count,
            each=s.hardware.sweep_inputs,
            policy=policy,
            depression_shift=s.network.stdp.depression_shift,
            weight_bits=s.network.weight_bits,
            strength_bits=s.strength.width,
            multiplier=s.hardware.multiplier,
            init=initial_words(self._state, "input_rate"),
        )
        self._connect_rates(m, lift)
        m.d.comb += [
            lift.begin.eq(self.begin),
            lift.first.eq(self.first_row[(s.hardware.sweep_inputs - 1).bit_length() :]),
            lift.spike.eq(self.learn),
            # While the trace is cleared, in as many cycles as a sweep has visits, rates are added.
            lift.read.eq(trace.busy | sweep.read),
            lift.recent.eq(trace.recent),
            sweep.start.eq(lift.ready),
        ]
        return lift

    def _connect_rates(self, m: Module, lift: Lift) -> None:
        """Let the memory port reach the rates; where groups are padded, one cycle later."""
        s, port = self._shapes, self.input_rate
        if s.hardware.sweep_inputs == 1:
            wiring.connect(m, wiring.flipped(port), lift.access)
            return
        place = Signal(s.place)
        strobe = Signal()
        m.d.sync += [strobe.eq(port.strobe), place.eq(place_of_row(s, port.address))]
        m.d.comb += [
            lift.access.strobe.eq(strobe),
            lift.access.write.eq(port.write),
            lift.access.address.eq(place),
            lift.access.data.eq(port.data),
            port.done.eq(lift.access.done),
            port.value.eq(lift.access.value),
        ]
