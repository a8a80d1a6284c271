"""Many images: a group learns from all of them on its own; a view is shown all that need it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels
from prunus_model.engine.layout import Count
from prunus_model.engine.prepare import workspace_of
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS

__all__ = ["Parts", "infer", "train"]

#: Images that one thread takes at a time; small enough to balance, large enough to be cheap. With
#: groups, for each of which there is a call, more.
_CHUNK, _GROUPS_CHUNK = 64, 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the kernels take of a network; a list has an entry for each view, or each group."""

    config: NetworkConfig
    params: kernels.Params
    jump: npt.NDArray[np.uint32]
    views: list[kernels.View]
    nets: list[kernels.Net]


def train(
    parts: Parts,
    workspaces: list[kernels.Workspace],
    stimuli: kernels.Stimuli,
    presentation: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Let all groups learn from images, or events, side by side, from a presentation on.

    Returns
    -------
    counts : ndarray of int64, shape (len(COUNTERS),)
        Sums over the groups.
    spikes : ndarray of uint8, shape (n, all neurons)
        Output spikes.
    """
    config, groups = parts.config, range(parts.config.group_count)
    number = max(len(stimuli.levels), len(stimuli.first))
    counts = np.zeros((len(groups), len(COUNTERS)), dtype=np.int64)
    spikes = np.empty((number, config.all_neurons), dtype=np.uint8)

    def work(group: int) -> None:
        kernels.train_many(
            stimuli,
            presentation,
            parts.params,
            parts.jump,
            parts.views[group],
            parts.nets[group],
            workspaces[group],
            counts[group],
            spikes,
            group * config.neurons,
        )

    with ThreadPoolExecutor(min(_processors(), len(groups))) as pool:
        list(pool.map(work, groups))
    total: npt.NDArray[np.int64] = counts.sum(axis=0)
    total[Count.PRESENTATIONS] = number
    return total, spikes


def infer(
    parts: Parts,
    stimuli: kernels.Stimuli,
    *,
    first: int,
    stop_after: int,
    margin: int,
    threads: int | None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Show images; as :meth:`prunus_model.engine.engine.Engine.infer`."""
    number = max(len(stimuli.levels), len(stimuli.first))
    counts = np.zeros((number, len(COUNTERS)), dtype=np.int64)
    spikes = np.zeros((number, parts.config.all_neurons), dtype=np.uint8)
    size = _CHUNK if parts.config.groups is None else _GROUPS_CHUNK
    starts = list(range(0, number, size))
    workers = min(threads or _processors(), max(1, len(starts)))

    def work(worker: int) -> None:
        workspace = workspace_of(parts.config, parts.params)
        for start in starts[worker::workers]:
            part = slice(start, start + size)
            some = stimuli.part(part)
            shown = np.arange(len(counts[part]))
            scores = np.zeros((len(shown), parts.config.readout.classes), dtype=np.int64)
            for place, view in enumerate(parts.views):
                group = place % parts.config.group_count
                left = kernels.infer_many(
                    some,
                    shown,
                    first + start,
                    stop_after,
                    margin,
                    parts.params,
                    parts.jump,
                    view,
                    parts.nets[group],
                    workspace,
                    counts[part],
                    spikes[part],
                    group * parts.config.neurons,
                    scores,
                )
                shown = shown[:left]

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    counts[:, Count.PRESENTATIONS] = 1
    return counts, spikes


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
