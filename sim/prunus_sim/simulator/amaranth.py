"""Amaranth's simulator: streams, and a core with the model's types at both ends."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Elaboratable, Fragment
from amaranth.sim import Simulator

from prunus_model.spec.formats import STEP_BITS, max_of
from prunus_model.spec.presentation import Request
from prunus_model.spec.state import NO_STEP, State
from prunus_rtl.bus.spaces import (
    PLAIN_SPACES,
    plain_addresses,
    plain_values,
    plain_words,
    spaces,
    synapse_addresses,
    synapse_values,
    synapse_words,
)
from prunus_rtl.core.core import Core
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import LaneImage, StoreImage
from prunus_rtl.streams import control_fields

__all__ = ["CoreDriver", "Outcome", "receive", "send", "simulate"]

#: Probability per cycle of not offering an input, or of not taking an output.
PAUSE = 0.3
#: Clock period of the simulator, in seconds.
_PERIOD = 1e-6


def simulate(
    dut: Elaboratable,
    *benches: Callable[[Any], Coroutine[Any, Any, None]],
    platform: Any = None,
    cycles: int = 50_000,
) -> None:
    """Run test benches on a component until all of them are over.

    Parameters
    ----------
    dut : Elaboratable
        What is tested; clocked in the domain ``sync``, or combinational.
    *benches : coroutine functions
        Test benches; each is called with its simulator context.
    platform : object, optional
        What the component is elaborated for (:class:`prunus_rtl.lib.ram.Collisions`).
    cycles : int
        Most clock cycles that they may take.

    Raises
    ------
    TimeoutError
        If they take more.
    """

    async def watch(ctx: Any) -> None:
        await ctx.delay(cycles * _PERIOD)
        raise TimeoutError(f"Benches must be over after {cycles} cycles")

    sim = Simulator(Fragment.get(dut, platform))
    sim.add_clock(_PERIOD, if_exists=True)
    for bench in benches:
        sim.add_testbench(bench)
    sim.add_testbench(watch, background=True)
    sim.run()


async def send(ctx: Any, port: Any, payload: Any, rng: np.random.Generator | None = None) -> None:
    """Offer a payload until it is taken; with a generator, not at once."""
    while rng is not None and rng.random() < PAUSE:
        await ctx.tick()
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


async def receive(ctx: Any, port: Any, rng: np.random.Generator | None = None) -> Any:
    """Wait for a payload and take it; with a generator, not at once.

    Raises
    ------
    AssertionError
        If an offered payload was withdrawn or changed before it was taken.
    """
    offered = None
    while True:
        ready = rng is None or bool(rng.random() >= PAUSE)
        ctx.set(port.ready, ready)
        *_, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        if offered is not None and not (valid and payload == offered[0]):
            raise AssertionError(f"Offered payload {offered[0]!r} was withdrawn or changed")
        if valid and ready:
            ctx.set(port.ready, 0)
            return payload
        offered = (payload,) if valid else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of one presentation, as the core gives it.

    Attributes
    ----------
    spikes : list of (int, int)
        Step and neuron of each output spike.
    prediction : int
        Elected class.
    undecided : bool
        There was no output spike.
    counts : dict of str to int
        Counters and cycles.
    """

    spikes: list[tuple[int, int]]
    prediction: int
    undecided: bool
    lead: int
    counts: dict[str, int]


class CoreDriver:
    """Drives a core from a test bench of the simulator.

    Parameters
    ----------
    ctx : simulator context
        Of the test bench.
    core : Core
        The core.
    rng : numpy.random.Generator, optional
        Source of pauses. Default: never pause.
    """

    def __init__(self, ctx: Any, core: Core, *, rng: np.random.Generator | None = None) -> None:
        self._ctx = ctx
        self._core = core
        self._rng = rng

    async def access(self, space: int, address: int, data: int | None = None) -> tuple[int, bool]:
        """Read a word, or write ``data``; return the word read, and whether there was an error."""
        write = {"write": data is not None, "data": data or 0}
        request = {"space": space, "address": address, **write}
        await send(self._ctx, self._core.requests, request, self._rng)
        answer = await receive(self._ctx, self._core.answers, self._rng)
        return answer.data, bool(answer.error)

    async def read_state(self) -> State:
        """Read every state variable; what the core does not have is 0, or its first value."""
        core = self._core
        state = State.initial(core.network)
        has = spaces(core.shapes)
        for space, name in PLAIN_SPACES.items():
            values = getattr(state, name)
            values[:] = 0
            addresses = plain_addresses(core.shapes, space).tolist()
            words = [(await self.access(space, address))[0] for address in addresses]
            if words:
                values[:] = plain_values(core.shapes, space, np.array(words))
        if Space.LAST_STEP in has:
            for pre in range(core.network.inputs):
                word, _ = await self.access(Space.LAST_STEP, pre)
                state.last_step[pre] = word & max_of(STEP_BITS) if word >> STEP_BITS else NO_STEP
        if Space.SYNAPSES in has:
            for place, address in np.ndenumerate(synapse_addresses(core.shapes)):
                word, _ = await self.access(Space.SYNAPSES, int(address))
                weight, alive = synapse_values(core.shapes, np.array(word))
                state.weights[place], state.alive[place] = int(weight), bool(alive)
        state.presentation, _ = await self.access(Space.PRESENTATION, 0)
        return state

    async def write_state(self, state: State) -> None:
        """Write every state variable that the core has."""
        core = self._core
        has = spaces(core.shapes)
        for space, name in PLAIN_SPACES.items():
            if space not in has:
                continue
            addresses = plain_addresses(core.shapes, space).tolist()
            values = plain_words(core.shapes, space, getattr(state, name)).tolist()
            for address, value in zip(addresses, values, strict=False):
                await self.access(space, address, value)
        if Space.LAST_STEP in has:
            for pre, step in enumerate(state.last_step.tolist()):
                word = 0 if step == NO_STEP else 1 << STEP_BITS | step
                await self.access(Space.LAST_STEP, pre, word)
        if Space.SYNAPSES in has:
            words = synapse_words(core.shapes, state.weights, state.alive)
            addresses = synapse_addresses(core.shapes).ravel().tolist()
            for address, word in zip(addresses, words.ravel().tolist(), strict=True):
                await self.access(Space.SYNAPSES, address, word)
        await self.access(Space.PRESENTATION, 0, state.presentation)

    async def read_store(self) -> tuple[LaneImage, ...]:
        """Read every word of the packed store."""
        layout = self._layout()
        words = [(await self.access(Space.STORE, address))[0] for address in layout.addresses()]
        return layout.images(words)

    async def write_store(self, image: StoreImage) -> None:
        """Load a network into the packed store."""
        for address, word in self._layout().writes(image):
            await self.access(Space.STORE, address, word)

    def _layout(self) -> StoreLayout:
        layout = self._core.shapes.store
        if layout is None or Space.STORE not in spaces(self._core.shapes):
            raise ValueError("Core must have a packed store that the memory port reaches")
        return layout

    async def send_levels(self, levels: npt.NDArray[np.uint8]) -> None:
        """Load an image."""
        for level in levels.tolist():
            await send(self._ctx, self._core.levels, level, self._rng)

    async def send_events(self, events: Sequence[Sequence[int]]) -> None:
        """Send the events of a presentation, with the ends of all steps."""
        for step in range(self._core.network.encoder.steps):
            for pre in events[step] if step < len(events) else ():
                await send(self._ctx, self._core.events, {"pre": int(pre), "end": 0}, self._rng)
            await send(self._ctx, self._core.events, {"pre": 0, "end": 1}, self._rng)

    async def start(self, request: Request) -> None:
        """Start a presentation."""
        control = control_fields(request, learn=self._core.hardware.learn)
        await send(self._ctx, self._core.control, control, self._rng)
        # What it carries while nothing is offered must play no part.
        self._ctx.set(self._core.control.payload, dict.fromkeys(control, 0))

    async def finish(self) -> Outcome:
        """Collect output spikes until the result comes."""
        ctx, core = self._ctx, self._core
        spikes = []
        while True:
            spike_ready, result_ready = (
                self._rng is None or bool(self._rng.random() >= PAUSE) for _ in range(2)
            )
            ctx.set(core.spikes.ready, spike_ready)
            ctx.set(core.result.ready, result_ready)
            sampled = ctx.tick().sample(
                core.spikes.valid, core.spikes.payload, core.result.valid, core.result.payload
            )
            *_, spike_valid, spike, valid, result = await sampled
            if spike_valid and spike_ready:
                spikes.append((spike.step, spike.post))
            if valid and result_ready:
                ctx.set(core.result.ready, 0)
                counts = {
                    name: result.counters[name] for name in counters_layout(core.shapes).members
                }
                return Outcome(
                    spikes=spikes,
                    prediction=result.prediction,
                    undecided=bool(result.undecided),
                    lead=result.lead,
                    counts=counts,
                )
