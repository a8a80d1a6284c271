"""The best order of groups: first what says most about the class for its synaptic operations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.data.events.split import Labelled, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import scores_of
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.formats import max_of
from prunus_model.spec.packed_events import PackedEvents
from prunus_model.training.artifact import Artifact

__all__ = ["evaluation_order"]

_FORWARD_SOPS = COUNTERS.index("forward_sops")


def evaluation_order(
    artifact: Artifact, data: Labelled, *, threads: int | None = None
) -> list[int]:
    """Return the groups of a network in the order in which the sequential test needs least of them.

    Greedy: the next group is the one that raises, for each forward SOP, most the mean over all
    images of how far the right class is ahead of the best other one, by the votes of all groups so
    far. A lead counts up to the margin of the configuration (without one, up to two largest votes):
    beyond it the test has ended.

    Parameters
    ----------
    artifact : Artifact
        A network with groups.
    data : Split or EventSplit
        Labelled images or recordings: those of the training, as all settings are chosen without
        the test set.
    threads : int, optional
        Default: all processors. The result does not depend on it.

    Returns
    -------
    list of int
        Each group once, by its present number; ties go to the lower number.

    Raises
    ------
    DataError
        If data or labels do not fit the configuration.
    """
    config, count = artifact.config, artifact.config.group_count
    most = config.readout.margin or 2 * max_of(config.readout.vote_bits)
    votes, sops = _votes_of_groups(artifact, data, threads)
    scores = np.zeros(votes.shape[1:], dtype=np.int64)
    order: list[int] = []
    while left := [group for group in range(count) if group not in order]:
        now = _lead(scores, data.labels, most)
        gains = [
            (_lead(scores + votes[group], data.labels, most) - now) / max(sops[group], 1.0)
            for group in left
        ]
        order.append(left[int(np.argmax(gains))])
        scores += votes[order[-1]]
    return order


def _votes_of_groups(
    artifact: Artifact, data: Labelled, threads: int | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the votes of each group for each image, and its forward SOPs per image."""
    config, stop_after = artifact.config, artifact.config.readout.stop_after
    shown = stimuli(data, config)
    if not isinstance(shown, PackedEvents):
        # What an input sees that sees nothing.
        shown = np.pad(shown, ((0, 0), (0, 1)))
    indices, votes, sops = config.view_indices, [], []
    for group in range(config.group_count):
        alone = Engine(config.view(group), artifact.state.group(group, config))
        own = indices[group]
        seen = shown.view(own) if isinstance(shown, PackedEvents) else shown[:, own]
        counts, spikes = alone.infer(seen, stop_after=stop_after, threads=threads)
        posts = slice(group * config.neurons, (group + 1) * config.neurons)
        votes.append(scores_of(spikes, artifact.readout.votes[posts]))
        sops.append(counts[:, _FORWARD_SOPS].mean())
    return np.array(votes), np.array(sops)


def _lead(scores: npt.NDArray[np.int64], labels: npt.NDArray[np.uint8], most: int) -> float:
    """Return the mean over images of the lead of the right class, within ``-most..most``."""
    images = np.arange(len(labels))
    others = scores.copy()
    others[images, labels] = -1
    ahead = scores[images, labels] - others.max(axis=1)
    return float(np.clip(ahead, -most, most).mean())
