"""The engine: the reference, compiled and fast; equal to it bit for bit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels
from prunus_model.engine.layout import Count
from prunus_model.engine.prepare import net_of, params_of, workspace_of
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.groups import DARK
from prunus_model.spec.presentation import (
    Presentation,
    check_events,
    check_exits,
    check_levels,
    check_votes,
)
from prunus_model.spec.pruning import PostPruning
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import State

__all__ = ["Engine"]

#: Images that one thread takes at a time; small enough to balance, large enough to be cheap. With
#: groups, for each of which there is a call, more.
_CHUNK, _GROUPS_CHUNK = 64, 512


class Engine:
    """A network that learns and infers at full speed.

    A :class:`prunus_model.spec.golden_model.GoldenModel`: same results as
    :class:`prunus_model.reference.network.Network`, in every state variable and counter, after
    every presentation.

    Parameters
    ----------
    config : NetworkConfig
        All parameters.
    state : State, optional
        Where to start; it is copied. Default: before training.
    votes : ndarray of uint8, shape (neurons, classes), optional
        Votes of one output spike of each neuron. Default: 0.

    Raises
    ------
    TypeError, ValueError
        If the state or the votes are of the wrong type, shape or range.

    Examples
    --------
    >>> engine = Engine(NetworkConfig.named("tiny"))
    >>> image = np.full(49, 90, dtype=np.uint8)
    >>> counters, spikes = engine.train(np.stack([image, image]))
    >>> counters.presentations, spikes.shape
    (2, (2, 10))
    """

    def __init__(
        self,
        config: NetworkConfig,
        state: State | None = None,
        votes: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        state = State.initial(config) if state is None else state
        state.check(config)
        self._config = config
        self._views = [params_of(config.view(number)) for number in range(config.view_count)]
        self._indices = config.view_indices
        self._jump = kernels.jump_tables(self._views[0].words)
        self._votes = np.array(check_votes(votes, config), order="C")
        self._scores = np.zeros(config.readout.classes, dtype=np.int64)
        self._shown = config.group_count - 1
        self._presentation = state.presentation
        self._nets, self._workspaces = [], []
        for group in range(config.group_count):
            part = state.group(group, config)
            self._nets.append(net_of(part, self._votes[self._posts(group)]))
            workspace = workspace_of(config, self._views[group])
            workspace.v[: config.neurons] = part.v
            workspace.v_fire[: config.neurons] = part.v_fire
            workspace.last_step[:] = part.last_step
            self._workspaces.append(workspace)

    @property
    def config(self) -> NetworkConfig:
        """All parameters."""
        return self._config

    @property
    def presentation(self) -> int:
        """Number of the next presentation."""
        return self._presentation

    @property
    def state(self) -> State:
        """A copy of all state variables."""
        nets, neurons = self._nets, self._config.neurons
        shown = self._workspaces[self._shown]

        def of_neurons(name: str) -> npt.NDArray[np.int32]:
            return np.concatenate([getattr(net, name) for net in nets])

        status = np.concatenate([net.status.T for net in nets])
        return State(
            weights=np.concatenate([net.weights[:, :neurons] for net in nets]),
            alive=status != kernels.PRUNED,
            frozen=status == kernels.FROZEN,
            theta=of_neurons("theta"),
            strength=of_neurons("strength"),
            post_count=of_neurons("post_count"),
            active_count=of_neurons("active_count"),
            v=shown.v[:neurons].copy(),
            v_fire=np.concatenate([w.v_fire[:neurons] for w in self._workspaces]),
            last_step=shown.last_step.copy(),
            coactivity=nets[0].coactivity.copy(),
            presentation=self._presentation,
        )

    @property
    def scores(self) -> npt.NDArray[np.int64]:
        """A copy of the sums of votes by class, at the end of the last presentation."""
        return self._scores.copy()

    @scores.setter
    def scores(self, scores: npt.NDArray[np.int64]) -> None:
        self._scores[:] = scores

    def present(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show one image; as :meth:`prunus_model.spec.golden_model.GoldenModel.present`."""
        check_levels(levels, self._config, many=False)
        check_exits(stop_after, margin)
        whole = levels[np.newaxis]

        def show(view: int, group: int, counts: npt.NDArray[np.int64], keep: bool) -> int:
            fired: int = kernels.present(
                self._seen(whole, view)[0],
                learn,
                stop_after,
                margin,
                keep,
                self._presentation,
                self._views[view],
                self._jump,
                self._nets[group],
                self._workspaces[group],
                counts,
            )
            return fired

        return self._show(show, learn, margin, keep)

    def present_events(
        self,
        events: Sequence[Sequence[int]],
        *,
        learn: bool,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Presentation:
        """Show address events.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.present_events`.
        """
        arrays = check_events(events, self._config)
        check_exits(stop_after, margin)
        pre_of = np.empty(self._config.image_levels + 1, dtype=np.int64)

        def show(view: int, group: int, counts: npt.NDArray[np.int64], keep: bool) -> int:
            workspace = self._workspaces[group]
            pre_of[:] = DARK
            pre_of[self._indices[view]] = np.arange(self._config.inputs)
            seen = [(pres := pre_of[levels])[pres != DARK] for levels in arrays]
            workspace.event_counts[: len(seen)] = [len(pres) for pres in seen]
            fired: int = kernels.present_events(
                np.concatenate(seen),
                learn,
                stop_after,
                margin,
                keep,
                self._presentation,
                self._views[view],
                self._nets[group],
                workspace,
                counts,
            )
            return fired

        return self._show(show, learn, margin, keep)

    def train(self, levels: npt.NDArray[np.uint8]) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images, one presentation each, in order.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.train`.
        """
        check_levels(levels, self._config, many=True)
        groups = range(self._config.group_count)
        counts = np.zeros((len(groups), len(COUNTERS)), dtype=np.int64)
        spikes = np.empty((len(levels), self._config.all_neurons), dtype=np.uint8)

        def work(group: int) -> None:
            # Groups are independent: each learns from all images on its own.
            own = np.empty((len(levels), self._config.neurons), dtype=np.uint8)
            kernels.train_many(
                self._seen(levels, group),
                self._presentation,
                self._views[group],
                self._jump,
                self._nets[group],
                self._workspaces[group],
                counts[group],
                own,
            )
            spikes[:, self._posts(group)] = own

        with ThreadPoolExecutor(min(_processors(), len(groups))) as pool:
            list(pool.map(work, groups))
        total = counts.sum(axis=0)
        if len(levels):
            self._shown = groups[-1]
            together = sum(workspace.scores for workspace in self._workspaces)
            self._scores[:] = np.minimum(together, self._views[0].score_max)
            total[Count.PRESENTATIONS] = len(levels)
        self._advance(len(levels))
        return Counters.from_array(total), spikes

    def infer(
        self,
        levels: npt.NDArray[np.uint8],
        *,
        first: int = 0,
        stop_after: int = 0,
        margin: int = 0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images without learning, on many threads; the network stays as it is.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.infer`. Default of ``threads``: all
        processors that this process may use.
        """
        check_levels(levels, self._config, many=True)
        check_exits(stop_after, margin)
        if threads is not None and threads < 1:
            raise ValueError(f"Threads must be 1 or more, not {threads}")
        counts = np.zeros((len(levels), len(COUNTERS)), dtype=np.int64)
        spikes = np.zeros((len(levels), self._config.all_neurons), dtype=np.uint8)
        size = _CHUNK if self._config.groups is None else _GROUPS_CHUNK
        starts = list(range(0, len(levels), size))
        workers = min(threads or _processors(), max(1, len(starts)))

        def work(worker: int) -> None:
            workspace = workspace_of(self._config, self._views[0])
            for start in starts[worker::workers]:
                part = slice(start, start + size)
                self._infer_part(
                    levels[part],
                    first + start,
                    stop_after,
                    margin,
                    workspace,
                    counts[part],
                    spikes[part],
                )

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
        return counts, spikes

    def finish(self) -> int:
        """End the training; as :meth:`prunus_model.spec.golden_model.GoldenModel.finish`."""
        policy, neurons, count = self._config.pruning, self._config.neurons, 0
        for group, net in enumerate(self._nets):
            if isinstance(policy, PostPruning):
                weights = net.weights[:, :neurons]
                pruned = (net.status.T != kernels.PRUNED) & (weights < policy.w_prune)
                weights[pruned] = 0
                net.columns[pruned.T] = 0
                net.status[pruned.T] = kernels.PRUNED
                net.row_alive[:] -= pruned.sum(axis=1)
                net.strength[:] = weights.sum(axis=0, dtype=np.int32)
                count += int(np.count_nonzero(pruned))
            kernels.begin(
                False, self._presentation, self._views[group], net, self._workspaces[group]
            )
        self._shown = len(self._nets) - 1
        return count

    def _posts(self, group: int) -> slice:
        """Return the neurons of a group, of all."""
        return slice(group * self._config.neurons, (group + 1) * self._config.neurons)

    def _seen(self, levels: npt.NDArray[np.uint8], view: int) -> npt.NDArray[np.uint8]:
        """Return what a view shows of images, shape (n, inputs), as the kernels take it."""
        if self._config.groups is not None:
            # What is dark has the index of the last column, which is added here.
            levels = np.pad(levels, ((0, 0), (0, 1)))[:, self._indices[view]]
        # Contiguous and writable, because the kernels are compiled anew for every other kind.
        return np.require(levels, requirements=["C", "W"])

    def _show(
        self,
        show: Callable[[int, int, npt.NDArray[np.int64], bool], int],
        learn: bool,
        margin: int,
        keep: bool,
    ) -> Presentation:
        """Show all views of an image (semantics, 4.7), each by ``show``."""
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        steps, posts = [], []
        if not keep:
            self._scores[:] = 0
        for view in range(self._config.group_count if learn else self._config.view_count):
            self._shown = group = view % self._config.group_count
            workspace = self._workspaces[group]
            workspace.scores[:] = self._scores
            fired = show(view, group, counts, True)
            self._scores[:] = workspace.scores
            steps.append(workspace.spike_steps[:fired].copy())
            posts.append(workspace.spike_posts[:fired] + group * self._config.neurons)
            elected = self._elected()
            if 0 < margin <= elected["lead"]:
                break
        counts[Count.PRESENTATIONS] = 1
        self._advance(1)
        return Presentation(
            spike_steps=np.concatenate(steps),
            spike_posts=np.concatenate(posts),
            counters=Counters.from_array(counts),
            **elected,
        )

    def _infer_part(
        self,
        levels: npt.NDArray[np.uint8],
        first: int,
        stop_after: int,
        margin: int,
        workspace: kernels.Workspace,
        counts: npt.NDArray[np.int64],
        spikes: npt.NDArray[np.uint8],
    ) -> None:
        """Show images, view by view those that are still open; add to counts and spikes."""
        open_ = np.arange(len(levels))
        scores = np.zeros((len(levels), self._config.readout.classes), dtype=np.int64)
        for view, params in enumerate(self._views):
            group = view % self._config.group_count
            own_counts = np.zeros((len(open_), len(COUNTERS)), dtype=np.int64)
            own_spikes = np.empty((len(open_), self._config.neurons), dtype=np.uint8)
            own_scores = scores[open_]
            leads = np.zeros(len(open_), dtype=np.int64)
            kernels.infer_many(
                self._seen(levels[open_], view),
                stop_after,
                margin,
                first + open_,
                params,
                self._jump,
                self._nets[group],
                workspace,
                own_counts,
                own_spikes,
                own_scores,
                leads,
            )
            counts[open_] += own_counts
            spikes[open_, self._posts(group)] += own_spikes
            scores[open_] = own_scores
            if margin:
                open_ = open_[leads < margin]
            if not len(open_):
                break
        counts[:, Count.PRESENTATIONS] = 1

    def _advance(self, presentations: int) -> None:
        self._presentation = self._presentation + presentations & max_of(PRESENTATION_BITS)

    def _elected(self) -> dict[str, int]:
        """Return class and lead of the scores as they are."""
        scores = self._scores.tolist()
        second, first = sorted([0, *scores])[-2:]
        return {"prediction": scores.index(first) if first else UNDECIDED, "lead": first - second}


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
