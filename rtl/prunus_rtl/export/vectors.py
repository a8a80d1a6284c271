"""What the bench sends to the core, and what the golden engine answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.view import Step
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.spec.presentation import Request
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import State
from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.bus.spaces import (
    PLAIN_SPACES,
    plain_addresses,
    plain_words,
    readable,
    synapse_addresses,
    synapse_words,
)
from prunus_rtl.core.core import Core
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import Space
from prunus_rtl.step_work import work
from prunus_rtl.streams import control_fields
from prunus_rtl.timing import Cycles, presentation

__all__ = ["Read", "Shown", "Vectors", "make_vectors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One image and its outcome.

    Attributes
    ----------
    index, label : int
        Its number in the data set, its class.
    stimuli : tuple of int
        Payloads of ``levels`` or ``events``.
    spikes : tuple of (int, int)
        Step and ``post`` of each output spike.
    prediction : int
        Elected class; 0 if undecided.
    undecided : bool
        There was no output spike.
    counts : dict of str to int
        Counters of the core, without ``cycles``.
    cycles : Cycles
        Cycles by the formula.
    """

    index: int
    label: int
    stimuli: tuple[int, ...]
    spikes: tuple[tuple[int, int], ...]
    prediction: int
    undecided: bool
    lead: int
    counts: dict[str, int]
    cycles: Cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A word that is read back after the last image: request, and the data of its answer."""

    space: Space
    request: int
    data: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vectors:
    """All of it.

    Attributes
    ----------
    control : int
        Payload of ``control``, the same for each image.
    shown : tuple of Shown
        The images.
    paused : Shown or None
        The first image once more, after the others: the bench pauses the outputs then. Its
        ``cycles`` are those without pauses.
    reads : tuple of Read
        What is read back.
    trains : tuple of ndarray of bool, shape (steps, inputs)
        For each group, input spikes of its steps in all images that were integrated.
    """

    control: int
    shown: tuple[Shown, ...]
    paused: Shown | None
    reads: tuple[Read, ...]
    trains: tuple[npt.NDArray[np.bool_], ...]

    @property
    def presentations(self) -> tuple[Shown, ...]:
        """All presentations, in order."""
        return self.shown if self.paused is None else (*self.shown, self.paused)


def make_vectors(plan: Plan, core: Core, data: Labelled, *, paused: bool = True) -> Vectors:
    """Show images to the golden engine.

    Parameters
    ----------
    plan : Plan
        What is built.
    core : Core
        The core.
    data : Split or EventSplit
        The images, or recordings of events.
    paused : bool
        Whether the first image comes once more, with pauses of the outputs.

    Returns
    -------
    Vectors

    Raises
    ------
    RuntimeError
        If the engine and the reference, which walks step by step, differ.
    """
    config, learn = plan.network, plan.learn
    request = Request(learn=learn, stop_after=plan.stop_after, margin=plan.margin, keep=False)
    engine = Engine(config, plan.state, plan.votes)
    reference = Network(config, plan.state, plan.votes)
    shown: list[Shown] = []
    walked: list[Step] = []
    images = stimuli(data, config)
    # The bench resets the core once, and writes nothing by its memory port.
    stale = StaleThresholds(core.shapes)
    for index in [*range(len(images)), *([0] if paused else [])]:
        if isinstance(images, PackedEvents):
            events = [pres.tolist() for pres in images.lists(index)]
            steps = reference.steps_events(events, **request)
        else:
            # What spikes does not depend on what the source is: the events are of the encoder.
            events = _events(plan, images[index], reference.state.presentation)
            steps = reference.steps(images[index], **request)
        if plan.hardware.source == "events":
            outcome = engine.present_events(events, **request)
            payloads = tuple(_payloads(core, events))
        elif not isinstance(images, PackedEvents):
            outcome = engine.present(images[index], **request)
            payloads = tuple(images[index].tolist())
        number, taken = reference.state.presentation, list[Step]()
        given = list(work(core.shapes, reference, _recorded(steps, taken)))
        left = 0
        if plan.hardware.source == "events":
            left = len(payloads) - sum(step.spikes + 1 for step in given)
        cycles = presentation(
            core.shapes,
            given,
            learn=learn,
            stop_after=plan.stop_after,
            margin=plan.margin,
            left=left,
            recomputed=stale.show(learn=learn, number=number, views=taken[-1].view + 1),
        )
        fired = list(zip(outcome.spike_steps.tolist(), outcome.spike_posts.tolist(), strict=True))
        if fired != [(step.step, post) for step in taken for post in step.fired]:
            raise RuntimeError(f"Engine and reference must agree on image {index}")
        shown.append(
            Shown(
                index=index,
                label=int(data.labels[index]),
                stimuli=payloads,
                spikes=tuple(fired),
                prediction=max(outcome.prediction, 0),
                undecided=outcome.prediction == UNDECIDED,
                lead=outcome.lead,
                counts={
                    name: getattr(outcome.counters, name)
                    for name in counters_layout(core.shapes).members
                    if name != "cycles"
                },
                cycles=cycles,
            )
        )
        if len(shown) <= len(images):
            walked += taken
    control = control_fields(request, learn=core.hardware.learn)
    return Vectors(
        control=_bits(core.shapes.control, control),
        shown=tuple(shown[: len(images)]),
        paused=shown[-1] if paused else None,
        reads=tuple(_reads(plan, core, engine.state, shown)),
        trains=tuple(_train(walked, config, group) for group in range(config.group_count)),
    )


def _train(steps: list[Step], config: NetworkConfig, group: int) -> npt.NDArray[np.bool_]:
    """Return the input spikes of the steps of a group that were integrated."""
    spikes = [
        step.spikes
        for step in steps
        if not step.inhibited and step.view % config.group_count == group
    ]
    return np.array(spikes, dtype=np.bool_).reshape(-1, config.inputs)


def _events(plan: Plan, levels: npt.NDArray[np.uint8], presentation: int) -> list[list[int]]:
    """Return what the encoder would send in this presentation, in all steps."""
    network = Network(plan.network, plan.state)
    network.state.presentation = presentation
    return [np.flatnonzero(step.spikes).tolist() for step in network.steps(levels, learn=False)]


def _payloads(core: Core, events: list[list[int]]) -> Iterator[int]:
    layout = core.shapes.event
    for pres in events:
        yield from (_bits(layout, {"pre": pre, "end": 0}) for pre in pres)
        yield _bits(layout, {"pre": 0, "end": 1})


def _recorded(steps: Iterator[Step], taken: list[Step]) -> Iterator[Step]:
    for step in steps:
        taken.append(step)
        yield step


def _reads(plan: Plan, core: Core, state: State, shown: list[Shown]) -> Iterator[Read]:
    """Read all that belongs to neurons, and some synapses.

    Those of one neuron that has fired; of a packed store the ends of all memories.
    """
    has = readable(core.shapes)
    layout = request_layout(core.shapes)

    def read(space: Space, address: int, data: int) -> Read:
        request = {"data": 0, "address": address, "space": space.value, "write": 0}
        return Read(space=space, request=_bits(layout, request), data=data)

    for space, name in PLAIN_SPACES.items():
        if space in has:
            at = plain_addresses(core.shapes, space).tolist()
            words = plain_words(core.shapes, space, getattr(state, name)).tolist()
            for address, word in zip(at, words, strict=True):
                yield read(space, address, word)
    if Space.STORE in has and core.shapes.store is not None and plan.image is not None:
        # The first and last words of all memories.
        store = dict(core.shapes.store.writes(plan.image))
        for address in store:
            if address - 1 not in store or address + 1 not in store:
                yield read(Space.STORE, address, store[address])
    yield read(Space.PRESENTATION, 0, state.presentation)
    if Space.SYNAPSES in has:
        fired = [post for image in shown for _, post in image.spikes]
        group, post = divmod(fired[0] if fired else 0, plan.network.neurons)
        rows = slice(group * plan.network.inputs, (group + 1) * plan.network.inputs)
        column = synapse_words(core.shapes, state.weights[rows, post], state.alive[rows, post])
        at = synapse_addresses(core.shapes)[rows, post]
        for address, word in zip(at.tolist(), column.tolist(), strict=True):
            yield read(Space.SYNAPSES, address, word)


def _bits(layout: Any, values: dict[str, int]) -> int:
    """Return the bits of a payload."""
    bits: int = layout.const(values).as_bits()
    return bits
