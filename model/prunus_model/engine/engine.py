"""The engine: the reference, compiled and fast; equal to it bit for bit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS, Counters
from prunus_model.spec.formats import PRESENTATION_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.presentation import (
    Presentation,
    check_events,
    check_levels,
    check_stop_after,
)
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    PostPruning,
    RedundancyParams,
    SoftPruning,
)
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
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

    Examples
    --------
    >>> engine = Engine(NetworkConfig.named("tiny"))
    >>> image = np.full(49, 90, dtype=np.uint8)
    >>> counters, spikes = engine.train(np.stack([image, image]))
    >>> counters.presentations, spikes.shape
    (2, (2, 10))
    """

    def __init__(self, config: NetworkConfig, state: State | None = None) -> None:
        state = State.initial(config) if state is None else state
        state.check(config)
        self._config = config
        self._params = _params(config)
        self._jump = kernels.jump_tables(self._params.words)
        self._net = _net(state)
        self._workspace = self._new_workspace()
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

    def present(
        self, levels: npt.NDArray[np.uint8], *, learn: bool, stop_after: int = 0
    ) -> Presentation:
        """Show one image; as :meth:`prunus_model.spec.golden_model.GoldenModel.present`."""
        check_levels(levels, self._config, many=False)
        check_stop_after(stop_after)
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        fired = kernels.present(
            _compact(levels),
            learn,
            stop_after,
            self._presentation,
            self._params,
            self._jump,
            self._net,
            self._workspace,
            counts,
        )
        return self._outcome(fired, counts)

    def present_events(
        self, events: Sequence[Sequence[int]], *, learn: bool, stop_after: int = 0
    ) -> Presentation:
        """Show address events.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.present_events`.
        """
        arrays = check_events(events, self._config)
        check_stop_after(stop_after)
        self._workspace.event_counts[: len(arrays)] = [len(pres) for pres in arrays]
        counts = np.zeros(len(COUNTERS), dtype=np.int64)
        fired = kernels.present_events(
            np.concatenate(arrays),
            learn,
            stop_after,
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
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Show images without learning, on many threads; the network stays as it is.

        As :meth:`prunus_model.spec.golden_model.GoldenModel.infer`. Default of ``threads``: all
        processors that this process may use.
        """
        check_levels(levels, self._config, many=True)
        check_stop_after(stop_after)
        if threads is not None and threads < 1:
            raise ValueError(f"Threads must be 1 or more, not {threads}")
        counts = np.zeros((len(levels), len(COUNTERS)), dtype=np.int64)
        spikes = np.empty((len(levels), self._config.neurons), dtype=np.uint8)
        starts = list(range(0, len(levels), _CHUNK))
        workers = min(threads or _processors(), max(1, len(starts)))

        def work(worker: int) -> None:
            workspace = self._new_workspace()
            for start in starts[worker::workers]:
                part = slice(start, start + _CHUNK)
                kernels.infer_many(
                    _compact(levels[part]),
                    stop_after,
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
        )

    def _new_workspace(self) -> kernels.Workspace:
        p = self._params
        padded = _padded(p.steps, kernels.LANES)
        width = _padded(p.neurons, kernels.BLOCK)
        return kernels.Workspace(
            v=np.zeros(width, dtype=np.int32),
            # The padding never reaches its threshold.
            v_fire=np.full(width, max_of(V_FIRE_BITS), dtype=np.int32),
            sums=np.zeros(width, dtype=np.uint16),
            last_step=np.zeros(p.inputs, dtype=np.int16),
            lanes=np.zeros(padded, dtype=np.uint32),
            hits=np.zeros((padded // kernels.LANES, p.inputs), dtype=np.uint64),
            events=np.zeros((p.steps, p.inputs), dtype=np.uint16),
            event_counts=np.zeros(padded, dtype=np.int64),
            random=np.zeros(PRE_PER_DRAW * p.words, dtype=np.uint8),
            column=np.zeros(p.inputs, dtype=np.uint8),
            thresholds=np.zeros(p.inputs, dtype=np.uint16),
            changed=np.zeros(p.inputs + 1, dtype=np.uint16),
            spike_steps=np.zeros(p.steps, dtype=np.int64),
            spike_posts=np.zeros(p.steps, dtype=np.int64),
            spike_counts=np.zeros(p.neurons, dtype=np.uint8),
        )


def _compact(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Contiguous and writable, because the kernels are compiled anew for every other kind."""
    return np.require(levels, requirements=["C", "W"])


def _padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _aligned(rows: int, width: int) -> npt.NDArray[np.uint8]:
    """Zeros that start at a cache line, so that no block of a row lies across two."""
    line = kernels.BLOCK
    memory = np.zeros(rows * width + line, dtype=np.uint8)
    start = -memory.ctypes.data % line
    return memory[start : start + rows * width].reshape(rows, width)


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _params(config: NetworkConfig) -> kernels.Params:
    policy = config.pruning
    adaptive = policy if isinstance(policy, AdaptivePruning) else AdaptivePruning()
    redundancy = config.redundancy or RedundancyParams()
    soft = policy if isinstance(policy, SoftPruning) else SoftPruning()
    code = {ConstantPruning: kernels.CONSTANT, AdaptivePruning: kernels.ADAPTIVE}.get(
        type(policy), kernels.NO_SWEEP_PRUNING
    )
    return kernels.Params(
        inputs=config.inputs,
        neurons=config.neurons,
        words=words(config.inputs),
        steps=config.encoder.steps,
        seed=config.seed,
        w_max=config.formats.w_max,
        leak_shift=config.membrane.leak_shift,
        inhibition_steps=config.membrane.inhibition_steps,
        v_th=config.homeostasis.v_th,
        theta_plus=config.homeostasis.theta_plus,
        theta_decay_shift=config.homeostasis.theta_decay_shift,
        fire_shift=config.homeostasis.fire_shift,
        trace_window=config.stdp.trace_window,
        potentiation_shift=config.stdp.potentiation_shift,
        depression_shift=config.stdp.depression_shift,
        policy=kernels.SOFT if isinstance(policy, SoftPruning) else code,
        w_prune=policy.w_prune if isinstance(policy, ConstantPruning) else 0,
        ramp_gain=adaptive.ramp_gain,
        ramp_shift=adaptive.ramp_shift,
        strength_gain=adaptive.strength_gain,
        start=policy.start if isinstance(policy, ConstantPruning | AdaptivePruning) else 0,
        redundancy=config.redundancy is not None,
        redundancy_shift=redundancy.shift,
        image_width=redundancy.image_width,
        redundancy_start=redundancy.start,
        after_presentations=soft.after_presentations,
        min_spikes=soft.min_spikes,
        percent=soft.percent,
    )


def _net(state: State) -> kernels.Net:
    status = np.full(state.alive.shape[::-1], kernels.PRUNED, dtype=np.uint8)
    status[state.alive.T] = kernels.PLASTIC
    status[state.frozen.T] = kernels.FROZEN
    inputs, neurons = state.weights.shape
    weights = _aligned(inputs, _padded(neurons, kernels.BLOCK))
    weights[:, :neurons] = state.weights
    return kernels.Net(
        weights=weights,
        columns=np.array(state.weights.T, order="C"),
        status=status,
        row_alive=state.alive.sum(axis=1, dtype=np.int64),
        row_frozen=state.frozen.sum(axis=1, dtype=np.int64),
        theta=state.theta.copy(),
        strength=state.strength.copy(),
        post_count=state.post_count.copy(),
        active_count=state.active_count.copy(),
        coactivity=state.coactivity.copy(),
    )
