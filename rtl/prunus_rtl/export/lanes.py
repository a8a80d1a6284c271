"""How busy the lanes are, before and after neurons were distributed over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout, predict_vote
from prunus_model.spec.packed_events import PackedEvents
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.vectors import Vectors
from prunus_rtl.memory_image.lanes import LaneCycles, lane_cycles

__all__ = ["LaneUse", "Ties", "count_ties", "lane_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneUse:
    """Lanes over the images of the bench.

    Attributes
    ----------
    order : str
        How neurons are distributed.
    cycles : int
        Cycles of the busiest lane, summed over all steps.
    utilisation : float
        Share of the lane-cycles in which a synapse is fetched.
    """

    order: str
    cycles: int
    utilisation: float


def lane_use(plan: Plan, vectors: Vectors) -> list[LaneUse]:
    """Return the use of the lanes in the order of the network, and in that of the core."""
    orders = {"as in the network": plan.artifact.state.alive}
    if plan.permuted:
        orders["balanced (this core)"] = plan.state.alive
    found = []
    for order, alive in orders.items():
        of_groups = alive.reshape(plan.network.group_count, plan.network.inputs, -1)
        # Groups take turns, so their steps are steps of one after the other.
        uses = [
            lane_cycles(spikes, part, lanes=plan.hardware.lanes)
            for spikes, part in zip(vectors.trains, of_groups, strict=True)
        ]
        use = LaneCycles(
            busy=np.concatenate([each.busy for each in uses]),
            barrier=np.concatenate([each.barrier for each in uses]),
        )
        cycles = int(use.cycles.sum())
        found.append(LaneUse(order=order, cycles=cycles, utilisation=use.utilisation))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What the other order of neurons changes.

    Attributes
    ----------
    images : int
        Images that were shown.
    spikes : int
        Images with other output spikes.
    classes : int
        Images with another class.
    """

    images: int
    spikes: int
    classes: int


def count_ties(plan: Plan, levels: npt.NDArray[np.uint8] | PackedEvents) -> Ties:
    """Count the images for which the order of the neurons matters, because there was a tie."""
    config, artifact = plan.network, plan.artifact
    votes = Readout(votes=plan.votes, assignment=artifact.readout.assignment[plan.neurons])
    exits = {"stop_after": plan.stop_after, "margin": plan.margin}
    _, here = Engine(config, plan.state, plan.votes).infer(levels, **exits)
    _, there = Engine(config, artifact.state, artifact.readout.votes).infer(levels, **exits)
    other = predict_vote(there, artifact.readout) != predict_vote(here, votes)
    return Ties(
        images=len(levels),
        spikes=int(np.count_nonzero((there[:, plan.neurons] != here).any(axis=1))),
        classes=int(np.count_nonzero(other)),
    )
