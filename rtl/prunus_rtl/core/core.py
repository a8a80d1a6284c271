"""Core: all units, and the wires between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.random_streams import ENCODER, LEARNING
from prunus_model.spec.state import State
from prunus_rtl.bus.memory_port import MemoryPort, answer_layout, request_layout
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.core.counters import Counters, counters_layout
from prunus_rtl.core.learning import LearningEngine, initial_words
from prunus_rtl.core.sequencer import Sequencer
from prunus_rtl.core.source import build_source
from prunus_rtl.core.stores import build_store_access, build_stores
from prunus_rtl.core.views import Views
from prunus_rtl.encoder.prng import StreamKey
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.neurons.array import Membrane
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_rtl.neurons.readout import Readout
from prunus_rtl.shapes import Shapes

__all__ = ["Core", "result_layout"]


def result_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of the result of a presentation."""
    return data.StructLayout(
        {
            "prediction": shapes.prediction,
            "undecided": 1,
            "lead": shapes.score,
            "counters": counters_layout(shapes),
        }
    )


class Core(wiring.Component):
    """A network that learns, prunes and infers.

    One presentation per request; with groups, it shows all views, one after the other. After
    each, every state variable, the output spikes and the
    counters equal those of :class:`prunus_model.reference.network.Network`.

    Timing
    ------
    ``result.p.counters.cycles`` counts from the cycle after the transfer of ``control`` to the
    cycle before ``result.valid`` rises; how many that are: :mod:`prunus_rtl.timing`.

    Clock domain ``sync``. Reset ends a presentation at once; memories keep their contents, so that
    state read before the next presentation is undefined, and a reset while learning damages the
    network. A new image of levels may be sent while one is shown.

    Parameters
    ----------
    network : NetworkConfig
        The network.
    hardware : HardwareConfig
        The core.
    state : State, optional
        Initial contents of the memories. Default: all 0, nothing alive, thresholds that never fire.
    votes : ndarray of int, shape (all_neurons, classes), optional
        Initial votes. Default: 0.
    images : sequence of LaneImage, optional
        Layout and contents of the packed store, one for each lane. Needed by that store, else not
        allowed. A network with lists that are not longer can be loaded through the memory port
        (:class:`prunus_rtl.memory_image.address_map.StoreLayout`; not if words are wider than the
        port).

    Members
    -------
    levels : In(stream.Signature(8))
        With ``source="levels"``: levels of an image. Ready for the first level of an image means
        ready for all of them.
    events : In(stream.Signature(shapes.event))
        With ``source="events"``: for each step its spiking inputs, each once and in any order, then
        an event with ``end``. All ``steps`` of a presentation, also after early exit.
    control : In(stream.Signature(shapes.control))
        Starts a presentation; with levels, once a whole image has been loaded. Ready in the end
        whenever there is one and nothing runs.
    spikes : Out(stream.Signature(shapes.spike))
        Output spikes. Not being ready stops the core.
    result : Out(stream.Signature(result_layout(shapes)))
        Outcome of the presentation. The payload stays as it is after its transfer, until the next
        transfer of ``control``, or reset.
    requests : In(stream.Signature(request_layout(shapes)))
        Memory port; taken between presentations.
    answers : Out(stream.Signature(answer_layout()))
        Its answers.

    Raises
    ------
    ConfigError
        If the hardware cannot carry the network.
    ValueError
        If the packed store has no images, or they do not fit.
    """

    def __init__(
        self,
        *,
        network: NetworkConfig,
        hardware: HardwareConfig,
        state: State | None = None,
        votes: npt.NDArray[np.integer[Any]] | None = None,
        images: Sequence[LaneImage] | None = None,
    ) -> None:
        if (images is not None) != (hardware.store == "packed"):
            raise ValueError(
                f"Images must be given for the packed store and no other, not {hardware.store!r}"
            )
        layout = None if images is None else StoreLayout.of(images)
        self._shapes = shapes = Shapes(network=network, hardware=hardware, store=layout)
        self._state = state
        self._votes = votes
        self._images = images
        source = (
            {"levels": In(stream.Signature(shapes.level))}
            if hardware.source == "levels"
            else {"events": In(stream.Signature(shapes.event))}
        )
        super().__init__(
            source
            | {
                "control": In(stream.Signature(shapes.control)),
                "spikes": Out(stream.Signature(shapes.spike)),
                "result": Out(stream.Signature(result_layout(shapes))),
                "requests": In(stream.Signature(request_layout(shapes))),
                "answers": Out(stream.Signature(answer_layout())),
            }
        )

    @property
    def network(self) -> NetworkConfig:
        """The network."""
        return self._shapes.network

    @property
    def hardware(self) -> HardwareConfig:
        """The core."""
        return self._shapes.hardware

    @property
    def shapes(self) -> Shapes:
        """Shapes of everything in the core."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the core."""
        m = Module()
        s = self._shapes
        network, hardware = s.network, s.hardware
        has, can_read = spaces(s), readable(s)
        m.submodules.sequencer = sequencer = Sequencer(
            inputs=network.inputs,
            post_bits=s.neuron.width,
            steps=network.encoder.steps,
            inhibition_steps=network.membrane.inhibition_steps,
            learn=hardware.learn,
            score_bits=s.score_bits,
            source=hardware.source,
            refractory=s.refractory,
            views=s.views,
            feedforward=s.feedforward,
            step_spikes=network.step_spikes_max,
        )
        first = 0 if self._state is None else self._state.presentation
        m.submodules.stream_key = key = StreamKey(first=first)
        m.submodules.queue = queue = BroadcastQueue(
            shape=s.place, depth=hardware.queue_depth, readers=hardware.lanes
        )
        m.submodules.membrane = membrane = self._membrane(readable=Space.V in can_read)
        m.submodules.readout = readout = Readout(
            neurons=network.all_neurons,
            classes=network.readout.classes,
            vote_bits=network.readout.vote_bits,
            score_bits=s.score_bits,
            votes=None if self._votes is None else self._votes.T.ravel().tolist(),
            readable=Space.VOTES in can_read,
        )
        m.submodules.counters = counters = Counters(
            layout=counters_layout(s), lanes=hardware.lanes, most=hardware.sweep_inputs
        )
        m.submodules.memory_port = port = MemoryPort(shapes=s)
        outside = wiring.flipped(self.levels if hardware.source == "levels" else self.events)
        views = self._build_views(m) if s.views else None
        seed = network.seed if views is None else views.seed
        image_loaded = build_source(m, s, sequencer, outside, key.offset ^ seed ^ ENCODER)
        stores = build_stores(m, s, queue, membrane, state=self._state, images=self._images)
        build_store_access(m, s, port, stores)
        if hardware.learn:
            self._build_learning(m, key.offset ^ seed ^ LEARNING)
        else:
            cleared = ~m.submodules.refractory.busy if s.refractory else 1
            m.d.comb += [sequencer.initialised.eq(cleared), sequencer.thresholds_ready.eq(1)]

        wiring.connect(m, wiring.flipped(self.control), sequencer.control)
        wiring.connect(m, wiring.flipped(self.requests), port.requests)
        wiring.connect(m, wiring.flipped(self.answers), port.answers)
        wiring.connect(m, sequencer.spikes, wiring.flipped(self.spikes))
        wiring.connect(m, sequencer.vote, readout.spike)
        for space in (Space.V, Space.V_FIRE, Space.BIAS):
            if space in has:
                name = space.name.lower()
                wiring.connect(m, getattr(port, name), getattr(membrane, f"{name}_access"))
        if Space.VOTES in has:
            wiring.connect(m, port.votes, readout.access)
        busy = Cat(queue.busy, membrane.busy, *(store.busy for store in stores))
        taken = Cat(store.synapse.valid & store.synapse.ready for store in stores)
        if isinstance(membrane, FeedforwardMembrane):
            m.d.comb += [
                sequencer.post.eq(membrane.spikes.payload),
                sequencer.offered.eq(membrane.spikes.valid),
                membrane.spikes.ready.eq(sequencer.taken),
                sequencer.last_spike.eq(membrane.last_spike),
            ]
        else:
            m.d.comb += membrane.forget.eq(sequencer.forget)
            if views is None:
                m.d.comb += sequencer.post.eq(membrane.post)
        if views is None:
            wiring.connect(m, sequencer.pre, queue.i)
            m.d.comb += sequencer.output_spikes.eq(counters.counts.output_spikes)
        m.d.comb += [
            key.step.eq(sequencer.finish),
            key.write.eq(port.presentation.strobe & port.presentation.write),
            key.data.eq(port.presentation.data),
            port.presentation.value.eq(key.presentation),
            port.presentation.done.eq(key.ready),
            # Not together with a start, which was allowed before the request came.
            port.enable.eq(sequencer.waiting & ~sequencer.begin),
            sequencer.lanes_busy.eq(busy.any()),
            sequencer.membrane_idle.eq(membrane.idle),
            sequencer.membrane_done.eq(membrane.done),
            sequencer.fires.eq(membrane.fires),
            sequencer.margin_reached.eq(readout.reached),
            sequencer.result_ready.eq(self.result.ready),
            membrane.clear.eq(sequencer.begin_view),
            membrane.compare.eq(sequencer.compare),
            readout.clear.eq(sequencer.forget_scores),
            readout.margin.eq(sequencer.margin),
            counters.clear.eq(sequencer.begin),
            counters.step.eq(sequencer.step_done),
            counters.synapses.eq(taken),
            self.result.valid.eq(sequencer.result_valid),
            self.result.p.prediction.eq(readout.prediction),
            self.result.p.undecided.eq(readout.undecided),
            self.result.p.lead.eq(readout.lead),
            self.result.p.counters.eq(counters.counts),
        ]
        m.d.sync += sequencer.startable.eq(image_loaded & key.ready & port.idle)
        for name in sequencer.counted:
            m.d.comb += getattr(counters, name).eq(getattr(sequencer, name))
        return m

    def _membrane(self, *, readable: bool) -> Membrane | FeedforwardMembrane:
        """Return the membranes: those that elect a winner, or those of a feed-forward layer."""
        s = self._shapes
        network, style = s.network, s.hardware.neuron_memory
        given: dict[str, Any] = {
            "neurons": network.neurons,
            "lanes": s.hardware.lanes,
            "v_bits": s.v.width,
            "weight_bits": network.weight_bits,
            "leak_shift": network.membrane.leak_shift,
            "v": initial_words(self._state, "v"),
            "v_fire": initial_words(self._state, "v_fire"),
            "memory_style": None if style == "auto" else style,
            "readable": readable,
        }
        if network.feedforward is None:
            return Membrane(groups=network.group_count, **given)
        bias = initial_words(self._state, "bias")
        return FeedforwardMembrane(reset=network.feedforward.reset, bias=bias, **given)

    def _build_views(self, m: Module) -> Views:
        """Build what tells views apart, between the sequencer and what has groups."""
        s, units = self._shapes, m.submodules
        sequencer, queue, membrane = units.sequencer, units.queue, units.membrane
        m.submodules.views = views = Views(shapes=s)
        # A winner is known a cycle before it is looked at.
        neuron = Signal(s.neuron)
        m.d.sync += neuron.eq(views.first_neuron + membrane.post)
        m.d.comb += [
            views.next_view.eq(sequencer.next_view),
            views.rewind.eq(sequencer.finish),
            views.output_spike.eq(sequencer.output_spike),
            sequencer.last_view.eq(views.last),
            sequencer.output_spikes.eq(views.output_spikes),
            sequencer.post.eq(neuron),
            membrane.group.eq(views.group),
            queue.i.payload.eq(views.first_row + sequencer.pre.payload),
            queue.i.valid.eq(sequencer.pre.valid),
            sequencer.pre.ready.eq(queue.i.ready),
        ]
        if s.hardware.learn:
            m.d.comb += views.learn.eq(sequencer.learning)
        return views

    def _build_learning(self, m: Module, seed: Any) -> None:
        """Build the learning engine; it shares the column access with the memory port."""
        s, units = self._shapes, m.submodules
        sequencer, key, membrane = units.sequencer, units.stream_key, units.membrane
        port = units.memory_port
        m.submodules.learning = learning = LearningEngine(shapes=s, state=self._state)
        wiring.connect(m, learning.column, units.columns.sweep)
        for name in learning.memories:
            if Space[name.upper()] in spaces(s):
                wiring.connect(m, getattr(port, name), getattr(learning, name))
        if Space.V_FIRE in spaces(s):
            m.d.comb += learning.v_fire_changed.eq(port.v_fire.strobe & port.v_fire.write)
        m.d.comb += [
            learning.begin.eq(sequencer.begin_view),
            learning.decay.eq(sequencer.learning & (key.presentation != 0)),
            learning.seed.eq(seed),
            learning.presentation.eq(key.presentation),
            learning.spike.eq(sequencer.traced),
            learning.pre.eq(sequencer.pre.payload),
            learning.step.eq(sequencer.step),
            learning.spike_step.eq(sequencer.spike_step),
            learning.learn.eq(sequencer.learn_spike),
            learning.post.eq(membrane.post),
            units.columns.lane.eq(membrane.post[: s.lane.width]),
        ]
        if s.views:
            for name in ("group", "first_neuron", "first_row", "first_word"):
                m.d.comb += getattr(learning, name).eq(getattr(units.views, name))
        for unit, names in (
            (membrane, ("v_fire_write", "v_fire_post", "v_fire")),
            (units.counters, ("updated", "pruned")),
            (sequencer, ("initialised", "thresholds_ready", "learned")),
        ):
            for name in names:
                m.d.comb += getattr(unit, name).eq(getattr(learning, name))
