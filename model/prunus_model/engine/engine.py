"""The engine: the reference, compiled and fast; equal to it bit for bit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels
from prunus_model.engine.prepare import net_of, params_of, workspace_of
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
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

#: Images that one thread takes at a time; small enough to balance, large enough to be cheap.
_CHUNK = 64


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
        self._params = params_of(config)
        self._jump = kernels.jump_tables(self._params.words)
        self._net = net_of(state, np.array(check_votes(votes, config), order="C"))
        self._workspace = workspace_of(self._config, self._params)
        self._workspace.v[: config.neurons] = state.v
        self._workspace.v_fire[: config.neurons] = state.v_fire
        self._workspace.last_step[:] = state.last_step
        self._presentation = state.presentation

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
        net, workspace, neurons = self._net, self._workspace, self._config.neurons
        return State(
            weights=net.weights[:, :neurons].copy(),
            alive=np.ascontiguousarray(net.status.T != kernels.PRUNED),
            frozen=np.ascontiguousarray(net.status.T == kernels.FROZEN),
            theta=net.theta.copy(),
            strength=net.strength.copy(),
            post_count=net.post_count.copy(),
            active_count=net.active_count.copy(),
            v=workspace.v[:neurons].copy(),
            v_fire=workspace.v_fire[:neurons].copy(),
            last_step=workspace.last_step.copy(),
            coactivity=net.coactivity.copy(),
            presentation=self._presentation,
        )

    @property
    def scores(self) -> npt.NDArray[np.int64]:
        """A copy of the sums of votes by class, at the end of the last presentation."""
        return self._workspace.scores.copy()

    @scores.setter
    def scores(self, scores: npt.NDArray[np.int64]) -> None:
        self._workspace.scores[:] = scores

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
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        fired = kernels.present(
            _compact(levels),
            learn,
            stop_after,
            margin,
            keep,
            self._presentation,
            self._params,
            self._jump,
            self._net,
            self._workspace,
            counts,
        )
        return self._outcome(fired, counts)

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
        self._workspace.event_counts[: len(arrays)] = [len(pres) for pres in arrays]
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        fired = kernels.present_events(
            np.concatenate(arrays),
            learn,
            stop_after,
            margin,
            keep,
            self._presentation,
            self._params,
            self._net,
            self._workspace,
            counts,
        )
        return self._outcome(fired, counts)

    def train(self, levels: npt.NDArray[np.uint8]) -> tuple[Counters, npt.NDArray[np.uint8]]:
        """Learn from images, one presentation each, in order.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.train`.
        """
        check_levels(levels, self._config, many=True)
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        spikes = np.empty((len(levels), self._config.neurons), dtype=np.uint8)
        kernels.train_many(
            _compact(levels),
            self._presentation,
            self._params,
            self._jump,
            self._net,
            self._workspace,
            counts,
            spikes,
        )
        self._advance(len(levels))
        return Counters.from_array(counts), spikes

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
        spikes = np.empty((len(levels), self._config.neurons), dtype=np.uint8)
        starts = list(range(0, len(levels), _CHUNK))
        workers = min(threads or _processors(), max(1, len(starts)))

        def work(worker: int) -> None:
            workspace = workspace_of(self._config, self._params)
            for start in starts[worker::workers]:
                part = slice(start, start + _CHUNK)
                kernels.infer_many(
                    _compact(levels[part]),
                    stop_after,
                    margin,
                    first + start,
                    self._params,
                    self._jump,
                    self._net,
                    workspace,
                    counts[part],
                    spikes[part],
                )

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
        return counts, spikes

    def finish(self) -> int:
        """End the training; as :meth:`prunus_model.spec.golden_model.GoldenModel.finish`."""
        policy, net = self._config.pruning, self._net
        pruned = np.zeros(net.status.T.shape, dtype=np.bool_)
        if isinstance(policy, PostPruning):
            weights = net.weights[:, : self._config.neurons]
            pruned = (net.status.T != kernels.PRUNED) & (weights < policy.w_prune)
            weights[pruned] = 0
            net.columns[pruned.T] = 0
            net.status[pruned.T] = kernels.PRUNED
            net.row_alive[:] -= pruned.sum(axis=1)
            net.strength[:] = weights.sum(axis=0, dtype=np.int32)
        kernels.begin(False, self._presentation, self._params, net, self._workspace)
        return int(np.count_nonzero(pruned))

    def _advance(self, presentations: int) -> None:
        self._presentation = self._presentation + presentations & max_of(PRESENTATION_BITS)

    def _outcome(self, fired: int, counts: npt.NDArray[np.int64]) -> Presentation:
        self._advance(1)
        return Presentation(
            spike_steps=self._workspace.spike_steps[:fired].copy(),
            spike_posts=self._workspace.spike_posts[:fired].copy(),
            counters=Counters.from_array(counts),
            **self._elected(),
        )

    def _elected(self) -> dict[str, int]:
        """Return class and lead of the scores as they are."""
        scores = self._workspace.scores.tolist()
        second, first = sorted([0, *scores])[-2:]
        return {"prediction": scores.index(first) if first else UNDECIDED, "lead": first - second}


def _compact(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Contiguous and writable, because the kernels are compiled anew for every other kind."""
    return np.require(levels, requirements=["C", "W"])


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
