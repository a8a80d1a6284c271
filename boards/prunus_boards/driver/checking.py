"""A device beside the golden model: image by image, spike by spike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.device import Device
from prunus_boards.driver.outcome import Outcome, by_neuron
from prunus_model.engine.engine import Engine
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.state import STATE_DTYPES
from prunus_rtl.export.plan import Plan

__all__ = ["Checked", "check"]


class Checked:
    """What a comparison has found.

    Attributes
    ----------
    images, cycles, spikes : int
        Images compared, and their cycles and output spikes.
    values : int
        Numbers compared: step and neuron of every output spike, counters, prediction and lead, and
        after learning the state.
    difference : str
        The first difference; empty if there is none.
    """

    def __init__(self) -> None:
        self.images = 0
        self.cycles = 0
        self.spikes = 0
        self.values = 0
        self.difference = ""


def check(
    device: Device,
    levels: npt.NDArray[np.uint8] | PackedEvents,
    *,
    learn: bool = False,
    stop_after: int = 0,
    margin: int = 0,
    keep: bool = False,
) -> Iterator[Checked]:
    """Show images or events to a device and to the model, and compare everything.

    Predictions, output spikes and all counters after every image; after learning, the whole state.
    A device that learns must just have been loaded.

    Parameters
    ----------
    device : Device
        With a network.
    levels, learn, stop_after, margin, keep
        As for :meth:`prunus_boards.driver.device.Device.present_many`.

    Yields
    ------
    Checked
        The same object after every image, and after the state; it ends at the first difference.
    """
    plan, found = device.plan, Checked()
    # In the order of positions: ties go to the lowest.
    engine = Engine(plan.network, plan.state, plan.votes)
    device.presentation = plan.state.presentation
    request = Request(learn=learn, stop_after=stop_after, margin=margin, keep=keep)
    series = device.present_many(levels, **request)
    for k, shown in enumerate(series):
        expected = (
            engine.present_events([pres.tolist() for pres in levels.lists(k)], **request)
            if isinstance(levels, PackedEvents)
            else engine.present(levels[k], **request)
        )
        compared, found.difference = _compared(shown, expected, plan)
        found.values += compared
        found.images += 1
        found.cycles += shown.cycles
        found.spikes += len(shown.presentation.spike_steps)
        yield found
        if found.difference:
            return
    if learn:
        state, unread = device.read_state(), device.unread
        # And the number of the next presentation.
        found.values += sum(getattr(state, name).size for name in set(STATE_DTYPES) - unread) + 1
        want = plan.in_network_order(engine.state)
        lines = state.differences(replace(want, **{n: getattr(state, n) for n in unread}))
        if lines:
            found.difference = f"state after {found.images} images: {'; '.join(lines)}"
        yield found


def _compared(shown: Outcome, expected: Presentation, plan: Plan) -> tuple[int, str]:
    """Return how many numbers of an image were compared, and the first difference or nothing."""
    spikes = zip(expected.spike_steps.tolist(), expected.spike_posts.tolist(), strict=True)
    want = by_neuron(spikes, plan.neurons, plan.network)
    got = shown.presentation
    have = list(zip(got.spike_steps.tolist(), got.spike_posts.tolist(), strict=True))
    pairs: list[tuple[str, Any, Any]] = [
        (f"output spike {k} (step, neuron)", a, b)
        for k, (a, b) in enumerate(zip_longest(want, have))
    ]
    pairs += [
        (name, getattr(expected.counters, name), getattr(got.counters, name))
        for name in COUNTERS
        # Hardware can't tell a frozen synapse from another.
        if name != "frozen_sops"
    ]
    pairs += [(n, getattr(expected, n), getattr(got, n)) for n in ("prediction", "lead")]
    # An output spike has two.
    compared = len(pairs) + max(len(want), len(have))
    for what, a, b in pairs:
        if a != b:
            return compared, f"presentation {shown.number}: {what} must be {a}, not {b}"
    return compared, ""
