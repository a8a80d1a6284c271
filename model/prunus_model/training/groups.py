"""What is known of each group of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact

__all__ = ["GroupFacts", "group_facts", "silent_groups"]

#: Groups that a message names.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One group, or the whole network if it is not divided.

    Attributes
    ----------
    density : float
        Share of its synapses that store a weight: neither pruned nor frozen at 0.
    silent_neurons : int
        Neurons that no image made fire when the neurons were labelled.
    """

    density: float
    silent_neurons: int


def group_facts(artifact: Artifact) -> list[GroupFacts]:
    """Return what is known of each group, in their order."""
    count = artifact.config.group_count
    densities = artifact.state.plastic.reshape(count, -1).mean(axis=1).tolist()
    silent = artifact.readout.assignment.reshape(count, -1) == UNDECIDED
    return [
        GroupFacts(density=density, silent_neurons=neurons)
        for density, neurons in zip(
            densities, np.count_nonzero(silent, axis=1).tolist(), strict=True
        )
    ]


def silent_groups(artifact: Artifact) -> str:
    """Return the numbers of the groups in which no neuron fires, for people; empty if none.

    Such a group has no votes: it takes steps and brings nothing.
    """
    silent = [
        number
        for number, facts in enumerate(group_facts(artifact))
        if facts.silent_neurons == artifact.config.neurons
    ]
    more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
    return ", ".join(map(str, silent[:_NAMED])) + more
