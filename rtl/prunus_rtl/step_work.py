"""What each step of a presentation gives a core to do: from this its cycles follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.reference.network import Network
from prunus_model.reference.view import Step
from prunus_rtl.widths import Widths

__all__ = ["PER_SPIKE", "StepWork", "work", "work_of"]

#: Cycles that a spike may cost beside those of its synapses: two row pointers are looked up.
PER_SPIKE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWork:
    """What a step gives to do.

    Attributes
    ----------
    spikes : int
        Input spikes, those that are dropped among them.
    encode : int
        Cycles of the encoder: one for each word of inputs, one more for each further event of it. 0
        if events come in.
    busiest : int
        Cycles of the busiest lane if no lane waits for another one; 0 if inhibited.
    slowest : int
        Cycles of all lanes if each spike takes as long as in its slowest lane; 0 if inhibited.
    inhibited : bool
        Whether nothing is integrated.
    fired : int
        Neurons that fire: at most one, but for a feed-forward layer.
    view : int
        View that it is of.
    """

    spikes: int
    encode: int
    busiest: int
    slowest: int
    inhibited: bool
    fired: int
    view: int = 0


def work_of(widths: Widths, step: Step, alive: npt.NDArray[np.bool_]) -> StepWork:
    """Return what a step gives to do.

    Parameters
    ----------
    widths : Widths
        Of the core.
    step : Step
        The step, as the golden model has executed it.
    alive : ndarray of bool, shape (rows, neurons)
        Unpruned synapses before the step, in the order of positions.
    """
    spikes = int(np.count_nonzero(step.spikes))
    busiest, slowest = 0, 0
    if not step.inhibited:
        first = step.view % widths.network.group_count * widths.network.inputs
        fetched = _fetched(widths, alive[first + np.flatnonzero(step.kept)])
        busiest = int(fetched.sum(axis=0).max(initial=0))
        slowest = int(np.maximum(1, fetched.max(axis=1, initial=0)).sum())
        if widths.store is not None and widths.store.format == "csr":
            # Each lane looks up two row pointers, behind the rows before or, in SPRAM, between.
            lookups = PER_SPIKE * int(np.count_nonzero(step.kept))
            busiest = busiest + lookups if widths.hardware.spram else max(busiest, lookups)
    return StepWork(
        spikes=spikes,
        encode=_encode(widths, step) if widths.hardware.source == "levels" else 0,
        busiest=busiest,
        slowest=slowest,
        inhibited=step.inhibited,
        fired=len(step.fired),
        view=step.view,
    )


def work(widths: Widths, network: Network, steps: Iterable[Step]) -> Iterator[StepWork]:
    """Yield what each step gives to do; ``steps`` of ``network`` are advanced here."""
    alive = network.state.alive.copy()
    for step in steps:
        yield work_of(widths, step, alive)
        if step.post >= 0:
            alive = network.state.alive.copy()


def _fetched(widths: Widths, alive: Any) -> npt.NDArray[np.int64]:
    """Return the synapses of each spike that each lane fetches: unpruned ones; all if ``dense``."""
    lanes = widths.hardware.lanes
    if widths.store is not None and widths.store.format == "dense":
        return np.full((len(alive), lanes), widths.slots, dtype=np.int64)
    columns = [alive[:, lane::lanes].sum(axis=1, dtype=np.int64) for lane in range(lanes)]
    return np.stack(columns, axis=1)


def _encode(widths: Widths, step: Step) -> int:
    """Return the cycles of the encoder: per word of inputs one, or one per event."""
    first = np.arange(widths.encoder_words) * widths.hardware.encoder_inputs
    events = np.add.reduceat(step.spikes.astype(np.int64), first)
    events[-1] += 1
    return int(np.maximum(1, events).sum())
