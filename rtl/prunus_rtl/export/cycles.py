"""Cycles of a presentation, by the formula in the docstring of the core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from prunus_model.reference.network import Network, Step
from prunus_model.spec.random_streams import PRE_PER_DRAW
from prunus_rtl.widths import Widths

__all__ = ["PARTS", "Estimate", "estimate"]

#: Parts of a presentation.
PARTS = ("prepare", "integrate", "compare", "fire", "report")

#: What the formula allows for that depends on when things happen, at most.
_PER_SPIKE, _PER_STEP, _START, _END = 2, 15, 12, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Cycles of one presentation by the formula.

    Attributes
    ----------
    parts : dict of str to int
        Fewest cycles of each of :data:`PARTS`.
    most : int
        Most cycles of the presentation.
    """

    parts: dict[str, int]
    most: int

    @property
    def fewest(self) -> int:
        """Fewest cycles of the presentation: all lanes as busy as they can be."""
        return sum(self.parts.values())


def estimate(shapes: Widths, network: Network, steps: Iterable[Step], *, learn: bool) -> Estimate:
    """Estimate the cycles of one presentation.

    Parameters
    ----------
    shapes : Widths
        Widths of the core.
    network : Network
        The golden model, whose neurons are in the order of positions.
    steps : iterable of Step
        The presentation; it is advanced here, so that the pruning of each step is seen.
    learn : bool
        Whether it learns.

    Returns
    -------
    Estimate
    """
    config, hardware = shapes.network, shapes.hardware
    sweep = shapes.learn_cycles if learn else 1
    votes = config.readout.classes + 2
    multiply = shapes.multiply_cycles + 1 if learn else 0
    parts = dict.fromkeys(PARTS, 0)
    parts["prepare"] = shapes.prepare_cycles
    most = parts["prepare"] + _START
    # Both clocks start with the presentation: the lanes', and the encoder's, which runs ahead.
    now, encoded = parts["prepare"], 0
    live = _fetched(shapes, network)
    fired = False
    for step in steps:
        spikes = int(np.count_nonzero(step.spikes))
        encode = _encode(step) if hardware.source == "levels" else 0
        encoded += encode
        busiest, slowest = 0, 0
        if not step.inhibited:
            rows = live[step.spikes]
            busiest = int(rows.sum(axis=0).max(initial=0))
            if shapes.store is not None and shapes.store.format == "csr":
                # Each lane looks up two pointers, behind the lists before or, in SPRAM, between.
                lookups = 2 * spikes
                busiest = busiest + lookups if hardware.spram else max(busiest, lookups)
            slowest = int(np.maximum(1, rows.max(axis=1)).sum())
        ready = max(now + max(busiest, spikes + 1), encoded)
        parts["integrate"] += ready - now
        now = ready
        most += encode + max(slowest, spikes) + _PER_SPIKE * spikes + _PER_STEP
        if step.inhibited:
            continue
        parts["compare"] += shapes.compare_cycles
        now += shapes.compare_cycles
        most += shapes.compare_cycles + multiply
        if step.post >= 0:
            fired = True
            parts["fire"] += sweep
            now += sweep
            most += sweep + votes
            if learn:
                live = _fetched(shapes, network)
    parts["report"] = config.readout.classes + 3 if fired else 2
    return Estimate(parts=parts, most=most + 2 * (config.readout.classes + 3) + _END)


def _fetched(shapes: Widths, network: Network) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the synapses of each input that each lane fetches: the live ones; all if ``dense``."""
    alive, lanes = network.state.alive, shapes.hardware.lanes
    if shapes.store is not None and shapes.store.format == "dense":
        return np.full((len(alive), lanes), shapes.slots, dtype=np.int64)
    columns = [alive[:, lane::lanes].sum(axis=1, dtype=np.int64) for lane in range(lanes)]
    return np.stack(columns, axis=1)


def _encode(step: Step) -> int:
    """Return the cycles of the encoder: per word of inputs one, or one per event."""
    events = np.add.reduceat(
        step.spikes.astype(np.int64), np.arange(0, len(step.spikes), PRE_PER_DRAW)
    )
    events[-1] += 1
    return int(np.maximum(1, events).sum())
