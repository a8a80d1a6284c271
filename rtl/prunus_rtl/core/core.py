"""Core: all units and the sequencer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.random_streams import ENCODER, LEARNING
from prunus_model.spec.state import State
from prunus_rtl.bus.memory_port import MemoryPort, answer_layout, request_layout, spaces
from prunus_rtl.bus.store_port import StorePort
from prunus_rtl.core.counters import Counters, counters_layout
from prunus_rtl.encoder.prng import RandomStream, Salt
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.neurons.array import Membrane
from prunus_rtl.neurons.readout import Readout
from prunus_rtl.neurons.threshold import Homeostasis
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.plasticity.redundancy import Redundancy
from prunus_rtl.plasticity.stdp import LearningSweep
from prunus_rtl.plasticity.trace import LastStep
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.columns import Columns
from prunus_rtl.synapses.dense import LearningStore
from prunus_rtl.synapses.formats import packed_store

__all__ = ["Core", "control_layout", "result_layout"]


def control_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of a request for a presentation; ``learn`` only if the core can learn."""
    learn = {"learn": 1} if shapes.hardware.learn else {}
    return data.StructLayout({"stop_after": STEP_BITS} | learn)


def result_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of the result of a presentation."""
    return data.StructLayout(
        {
            "prediction": shapes.prediction,
            "undecided": 1,
            "counters": counters_layout(shapes),
        }
    )


class Core(wiring.Component):
    """A network that learns, prunes and infers.

    One presentation per request. After each, every state variable, the output spikes and the
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
    votes : ndarray of int, shape (neurons, classes), optional
        Initial votes. Default: 0.
    images : sequence of LaneImage, optional
        Layout and contents of the packed store, one for each lane. Needed by that store, else not
        allowed. A network with lists that are not longer can be loaded through the memory port
        (:class:`prunus_rtl.memory_image.address_map.StoreLayout`; not if words are wider than the
        port).

    Members
    -------
    levels : In(stream.Signature(8))
        With ``source="levels"``: level of each input. Ready for the first level of an image means
        ready for all of them.
    events : In(stream.Signature(shapes.event))
        With ``source="events"``: for each step its spiking inputs, each once and in any order, then
        an event with ``end``. All ``steps`` of a presentation, also after early exit.
    control : In(stream.Signature(control_layout(shapes)))
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
                "control": In(stream.Signature(control_layout(shapes))),
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
        learn = s.hardware.learn
        steps = s.network.encoder.steps
        inhibition_steps = s.network.membrane.inhibition_steps

        # Registers of the sequencer, and what it tells the units.
        step = Signal(s.step)
        stop_after = Signal(STEP_BITS)
        learning = Signal()
        inhibition = Signal(range(inhibition_steps + 1))
        begin = Signal()
        finish = Signal()
        image_loaded = Signal(init=1)
        integrating = Signal()

        first = 0 if self._state is None else self._state.presentation
        m.submodules.salt = salt = Salt(first=first)
        m.submodules.queue = queue = BroadcastQueue(
            shape=s.pre, depth=s.hardware.queue_depth, readers=s.hardware.lanes
        )
        m.submodules.membrane = membrane = Membrane(
            shapes=s, v=self._initial("v"), v_fire=self._initial("v_fire")
        )
        m.submodules.readout = readout = Readout(
            shapes=s, votes=None if self._votes is None else self._votes.T.ravel().tolist()
        )
        m.submodules.counters = counters = Counters(shapes=s)
        m.submodules.memory_port = port = MemoryPort(shapes=s)
        wiring.connect(m, wiring.flipped(self.requests), port.requests)
        wiring.connect(m, wiring.flipped(self.answers), port.answers)
        wiring.connect(m, port.v, membrane.v_access)
        wiring.connect(m, port.v_fire, membrane.v_fire_access)
        wiring.connect(m, port.votes, readout.access)
        m.d.comb += [
            salt.step.eq(finish),
            salt.write.eq(port.presentation.strobe & port.presentation.write),
            salt.data.eq(port.presentation.data),
            port.presentation.value.eq(salt.presentation),
            # Not before a multiplication is over, so that the number reads back whole.
            port.presentation.done.eq(salt.ready),
            membrane.clear.eq(begin),
            readout.begin.eq(begin),
            counters.clear.eq(begin),
        ]
        seed = salt.product ^ s.network.seed

        # Source of events.
        event = Signal(s.event)
        event_valid = Signal()
        event_ready = Signal()
        if s.hardware.source == "levels":
            m.submodules.encoder = encoder = Encoder(shapes=s)
            m.submodules.events = fifo = ResetInserter(finish)(
                BroadcastQueue(shape=s.event, depth=s.hardware.event_depth, readers=1)
            )
            wiring.connect(m, wiring.flipped(self.levels), encoder.levels)
            m.d.comb += [
                encoder.start.eq(begin),
                encoder.stop.eq(finish),
                encoder.seed.eq(seed ^ ENCODER),
                # Any output spike may be the last: what follows must not be drawn before.
                encoder.hold.eq(stop_after != 0),
                encoder.step.eq(step),
                image_loaded.eq(encoder.loaded),
                fifo.o[0].ready.eq(~event_valid | event_ready),
            ]
            wiring.connect(m, encoder.events, fifo.i)
            # A register, because the queue is a block RAM, and what the event is decides much.
            with m.If(fifo.o[0].ready):
                m.d.sync += [event.eq(fifo.o[0].payload), event_valid.eq(fifo.o[0].valid)]
            with m.If(finish):
                m.d.sync += event_valid.eq(0)
        else:
            m.d.comb += [
                event.eq(self.events.payload),
                event_valid.eq(self.events.valid),
                self.events.ready.eq(event_ready),
            ]

        # Lanes.
        stores = self._build_lanes(m, queue, membrane)
        m.d.comb += counters.synapses.eq(
            Cat(store.synapse.valid & store.synapse.ready for store in stores)
        )
        lanes_idle = Signal()
        busy = Cat(queue.busy, membrane.busy, *(store.busy for store in stores))
        m.d.sync += lanes_idle.eq(~busy.any())

        if s.hardware.store == "learning":
            m.submodules.columns = columns = Columns(shapes=s)
            wiring.connect(m, port.synapses, columns.access)
            for k, store in enumerate(stores):
                wiring.connect(m, columns.columns[k], store.column)
        elif s.store is not None and Space.STORE in spaces(s):
            m.submodules.store_port = store_port = StorePort(layout=s.store)
            wiring.connect(m, port.store, store_port.access)
            for k, store in enumerate(stores):
                m.d.comb += [
                    store.write.enable.eq(store_port.enable[k] & store_port.write),
                    store.write.memory.eq(store_port.memory),
                    store.write.address.eq(store_port.address),
                    store.write.data.eq(store_port.data),
                    store.read.eq(store_port.enable[k] & ~store_port.write),
                    store_port.words[k].eq(store.word),
                ]

        # Learning.
        prepared = Signal()
        settled = Signal()
        fire = Signal()
        learned = Signal()
        if learn:
            sweep = self._build_learning(
                m,
                port=port,
                membrane=membrane,
                salt=salt,
                columns=columns,
                counters=counters,
                step=step,
                seed=seed ^ LEARNING,
                begin=begin,
                event=event,
                event_taken=event_valid & event_ready & ~event.end & integrating,
                settled=settled,
                prepared=prepared,
                fire=fire & learning,
                decay=self.control.p.learn & (salt.presentation != 0),
            )
            m.d.comb += learned.eq(sweep.done)
        else:
            m.d.comb += [settled.eq(1), prepared.eq(1)]

        # Sequencer.
        last_step = Signal()
        exits = Signal()
        over = Signal()
        step_done = Signal()
        counts = counters.counts
        m.d.comb += [
            last_step.eq(step == steps - 1),
            exits.eq((stop_after != 0) & (counts.output_spikes == stop_after)),
            counters.step.eq(step_done),
            queue.i.payload.eq(event.pre),
            readout.spike.payload.eq(membrane.post),
        ]
        with m.If(self.spikes.ready):
            m.d.sync += self.spikes.valid.eq(0)

        def next_step() -> None:
            m.d.comb += step_done.eq(1)
            # The encoder must not begin a step that will not be executed; a source of events must
            # be heard to its end.
            with m.If(s.hardware.source == "events" or ~exits):
                m.d.sync += step.eq(step + 1)
            m.next = "Integrate"
            with m.If(exits & ~last_step):
                m.next = "Discard" if s.hardware.source == "events" else "Settle"
            with m.If(last_step):
                m.next = "Settle"

        with m.FSM(name="core") as fsm:
            m.d.comb += counters.running.eq(~fsm.ongoing("Wait") & ~fsm.ongoing("Report"))
            with m.State("Wait"):
                m.d.comb += [
                    self.control.ready.eq(image_loaded & salt.ready & port.idle),
                    port.enable.eq(1),
                    begin.eq(self.control.valid & self.control.ready),
                ]
                m.d.sync += [step.eq(0), inhibition.eq(0), over.eq(0)]
                with m.If(begin):
                    m.d.sync += stop_after.eq(self.control.p.stop_after)
                    if learn:
                        m.d.sync += learning.eq(self.control.p.learn)
                    m.next = "Prepare"
            with m.State("Prepare"):
                with m.If(membrane.idle & prepared & settled):
                    m.next = "Integrate"
            with m.State("Integrate"):
                inhibited = inhibition != 0
                spike = event_valid & ~event.end
                m.d.comb += [
                    integrating.eq(1),
                    queue.i.valid.eq(spike & ~inhibited),
                    event_ready.eq(event.end | inhibited | queue.i.ready),
                    counters.input_spike.eq(spike & event_ready),
                    counters.integrated_spike.eq(spike & event_ready & ~inhibited),
                ]
                with m.If(event_valid & event.end):
                    m.next = "Drain"
                    with m.If(inhibited):
                        m.d.comb += counters.inhibited_step.eq(1)
                        m.d.sync += inhibition.eq(inhibition - 1)
                        next_step()
            with m.State("Drain"):
                with m.If(lanes_idle & settled):
                    m.d.comb += membrane.compare.eq(1)
                    m.next = "Compare"
            with m.State("Compare"):
                with m.If(membrane.done):
                    with m.If(membrane.fires):
                        m.d.comb += [membrane.forget.eq(1), counters.output_spike.eq(1)]
                        m.d.sync += inhibition.eq(inhibition_steps)
                        m.next = "Fire"
                    with m.Else():
                        next_step()
            with m.State("Fire"):
                sendable = ~self.spikes.valid | self.spikes.ready
                m.d.comb += readout.spike.valid.eq(sendable)
                with m.If(sendable & readout.spike.ready):
                    m.d.comb += fire.eq(1)
                    m.d.sync += [
                        self.spikes.valid.eq(1),
                        self.spikes.p.step.eq(step),
                        self.spikes.p.post.eq(membrane.post),
                    ]
                    if learn:
                        with m.If(learning):
                            m.next = "Learn"
                        with m.Else():
                            next_step()
                    else:
                        next_step()
            if learn:
                with m.State("Learn"):
                    with m.If(learned):
                        next_step()
            if s.hardware.source == "events":
                with m.State("Discard"):
                    m.d.comb += event_ready.eq(1)
                    with m.If(event_valid & event.end):
                        m.d.sync += step.eq(step + 1)
                        with m.If(last_step):
                            m.next = "Settle"
            with m.State("Settle"):
                with m.If(readout.spike.ready & settled):
                    m.d.comb += finish.eq(1)
                    m.next = "Elect"
            with m.State("Elect"):
                with m.If(readout.done):
                    m.d.sync += self.result.valid.eq(1)
                    m.next = "Report"
            with m.State("Report"):
                with m.If(self.result.ready):
                    m.d.sync += self.result.valid.eq(0)
                    m.next = "Wait"
        m.d.comb += [
            readout.finish.eq(finish),
            self.result.p.prediction.eq(readout.prediction),
            self.result.p.undecided.eq(readout.undecided),
            self.result.p.counters.eq(counts),
        ]
        return m

    def _initial(self, name: str) -> list[int] | None:
        """Return a state variable as the initial contents of a memory."""
        if self._state is None:
            return None
        values: list[int] = getattr(self._state, name).tolist()
        return values

    def _build_lanes(self, m: Module, queue: BroadcastQueue, membrane: Membrane) -> list[Any]:
        """Build the synapse store of each lane between its queue and its membranes."""
        s = self._shapes
        lanes, slots = s.hardware.lanes, s.slots
        stores: list[Any] = []
        for k in range(lanes):
            if s.hardware.store == "packed" and self._images is not None:
                store = packed_store(image=self._images[k], spram=s.hardware.spram)
            else:
                images: dict[str, Any] = {}
                if self._state is not None:
                    for name in ("weights", "alive"):
                        column = getattr(self._state, name)[:, k::lanes]
                        images[name] = np.pad(column, ((0, 0), (0, slots - column.shape[1])))
                store = LearningStore(shapes=s, **images)
            m.submodules[f"store{k}"] = store
            wiring.connect(m, queue.o[k], store.pre)
            wiring.connect(m, store.synapse, membrane.synapses[k])
            stores.append(store)
        return stores

    def _build_learning(
        self,
        m: Module,
        *,
        port: MemoryPort,
        membrane: Membrane,
        salt: Salt,
        columns: Columns,
        counters: Counters,
        step: Any,
        seed: Any,
        begin: Any,
        event: Any,
        event_taken: Any,
        settled: Any,
        prepared: Any,
        fire: Any,
        decay: Any,
    ) -> LearningSweep:
        """Build what only a core that learns has, and return the sweep."""
        s = self._shapes
        last_step = None
        if self._state is not None:
            last_step = [0 if n < 0 else 1 << STEP_BITS | n for n in self._state.last_step.tolist()]
        m.submodules.last_step = trace = LastStep(shapes=s, init=last_step)
        m.submodules.homeostasis = homeostasis = Homeostasis(
            shapes=s, **{n: self._initial(n) for n in ("theta", "strength", "post_count")}
        )
        m.submodules.random = random = RandomStream()
        m.submodules.sweep = sweep = LearningSweep(shapes=s)
        m.submodules.pruning = pruning = Pruning(shapes=s)
        if s.redundancy:
            redundancy = Redundancy(shapes=s, init=self._initial("coactivity"))
            m.submodules.redundancy = redundancy
            wiring.connect(m, port.coactivity, redundancy.access)
            m.d.comb += [
                redundancy.read.eq(sweep.column.read_row),
                redundancy.pre.eq(sweep.column.read_pre),
                redundancy.recent.eq(trace.recent),
                pruning.redundant.eq(redundancy.redundant),
            ]
        for name in ("theta", "strength", "post_count"):
            wiring.connect(m, getattr(port, name), getattr(homeostasis, f"{name}_access"))
        wiring.connect(m, port.last_step, trace.access)
        wiring.connect(m, sweep.column, columns.sweep)
        m.d.comb += [
            trace.clear.eq(begin),
            trace.spike.eq(event_taken),
            trace.pre.eq(event.pre),
            trace.step.eq(step),
            trace.read.eq(sweep.read),
            trace.read_pre.eq(sweep.read_pre),
            random.load.eq(begin),
            random.seed.eq(seed),
            random.advance.eq(sweep.advance),
            homeostasis.derive.eq(begin),
            homeostasis.decay.eq(decay),
            homeostasis.post.eq(membrane.post),
            homeostasis.fire.eq(fire),
            homeostasis.settle.eq(sweep.done),
            homeostasis.new_strength.eq(sweep.strength),
            membrane.v_fire_write.eq(homeostasis.v_fire_write),
            membrane.v_fire_post.eq(homeostasis.v_fire_post),
            membrane.v_fire.eq(homeostasis.v_fire),
            pruning.post_count.eq(homeostasis.post_count),
            pruning.strength.eq(homeostasis.strength),
            pruning.presentation.eq(salt.presentation),
            pruning.weight.eq(sweep.weight),
            columns.lane.eq(membrane.post[: s.lane.width]),
            sweep.start.eq(fire),
            sweep.slot.eq(membrane.post[s.lane.width :]),
            sweep.recent.eq(trace.recent),
            sweep.draw.eq(random.draw),
            sweep.prune.eq(pruning.prune),
            counters.updated.eq(sweep.updated),
            counters.pruned.eq(sweep.pruned),
            settled.eq(~homeostasis.busy),
            prepared.eq(~trace.busy & random.ready),
        ]
        return sweep
