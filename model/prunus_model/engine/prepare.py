"""A configuration and a state, as the kernels take them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.engine import kernels
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import V_FIRE_BITS, max_of
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    SoftPruning,
)
from prunus_model.spec.random_streams import PRE_PER_DRAW, words
from prunus_model.spec.state import State

__all__ = ["net_of", "params_of", "workspace_of"]


def params_of(config: NetworkConfig) -> kernels.Params:
    """Return the numbers of a configuration."""
    policy = config.pruning
    adaptive = policy if isinstance(policy, AdaptivePruning) else AdaptivePruning()
    soft = policy if isinstance(policy, SoftPruning) else SoftPruning()
    lift = policy if isinstance(policy, LiftPruning) else LiftPruning(length=1)
    code = {
        ConstantPruning: kernels.CONSTANT,
        AdaptivePruning: kernels.ADAPTIVE,
        LiftPruning: kernels.LIFT,
        SoftPruning: kernels.SOFT,
    }.get(type(policy), kernels.NO_SWEEP_PRUNING)
    return kernels.Params(
        inputs=config.inputs,
        neurons=config.neurons,
        words=words(config.inputs),
        steps=config.encoder.steps,
        low_discrepancy=config.encoder.spikes == "low-discrepancy",
        refractory_steps=config.encoder.refractory_steps,
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
        policy=code,
        w_prune=policy.w_prune if isinstance(policy, ConstantPruning) else 0,
        ramp_gain=adaptive.ramp_gain,
        ramp_shift=adaptive.ramp_shift,
        strength_gain=adaptive.strength_gain,
        start=policy.start if isinstance(policy, ConstantPruning | AdaptivePruning) else 0,
        share=lift.share,
        unit_shift=lift.unit_shift,
        units=lift.units,
        weight_bits=config.weight_bits,
        after_presentations=soft.after_presentations,
        min_spikes=soft.min_spikes,
        percent=soft.percent,
        score_max=max_of(config.score_bits),
        feedforward=config.feedforward is not None,
        subtract=config.feedforward is not None and config.feedforward.reset == "subtract",
        weight_offset=-config.formats.w_min,
    )


def net_of(state: State, votes: npt.NDArray[np.uint8], p: kernels.Params) -> kernels.Net:
    """Return what learning changes, copied from a state, and votes, which are not copied."""
    stored = (state.weights.astype(np.int16) + p.weight_offset).astype(np.uint8)
    status = np.full(state.alive.shape[::-1], kernels.PRUNED, dtype=np.uint8)
    status[state.alive.T] = kernels.PLASTIC
    status[state.frozen.T] = kernels.FROZEN
    inputs, neurons = state.weights.shape
    weights = _aligned(inputs, _padded(neurons, kernels.BLOCK))
    weights[:, :neurons] = stored
    return kernels.Net(
        weights=weights,
        columns=np.array(stored.T, order="C"),
        status=status,
        row_alive=state.alive.sum(axis=1, dtype=np.int64),
        row_frozen=state.frozen.sum(axis=1, dtype=np.int64),
        theta=state.theta.copy(),
        strength=state.strength.copy(),
        post_count=state.post_count.copy(),
        active_count=state.active_count.copy(),
        input_rate=state.input_rate.copy(),
        bias=state.bias.copy(),
        v_fire=state.v_fire[: len(state.bias)].copy(),
        votes=votes,
    )


def workspace_of(config: NetworkConfig, p: kernels.Params) -> kernels.Workspace:
    """Return the workspace of one thread."""
    padded = _padded(p.steps, kernels.LANES)
    width = _padded(p.neurons, kernels.BLOCK)
    spikes = p.steps * config.step_spikes_max
    return kernels.Workspace(
        v=np.zeros(width, dtype=np.int32),
        # The padding never reaches its threshold.
        v_fire=np.full(width, max_of(V_FIRE_BITS), dtype=np.int32),
        sums=np.zeros(width, dtype=np.uint16),
        last_step=np.zeros(p.inputs, dtype=np.int16),
        levels=np.zeros(p.inputs, dtype=np.uint8),
        lanes=np.zeros(padded, dtype=np.uint32),
        hits=np.zeros((padded // kernels.LANES, p.inputs), dtype=np.uint64),
        events=np.zeros((p.steps, p.inputs), dtype=np.uint16),
        event_counts=np.zeros(padded, dtype=np.int64),
        random=np.zeros(PRE_PER_DRAW * p.words, dtype=np.uint8),
        random_encoder=np.zeros(PRE_PER_DRAW * p.words, dtype=np.uint8),
        column=np.zeros(p.inputs, dtype=np.uint8),
        thresholds=np.zeros(p.inputs, dtype=np.uint16),
        changed=np.zeros(p.inputs + 1, dtype=np.uint16),
        spike_steps=np.zeros(spikes, dtype=np.int64),
        spike_posts=np.zeros(spikes, dtype=np.int64),
        spike_counts=np.zeros(p.neurons, dtype=np.uint8),
        scores=np.zeros(config.readout.classes, dtype=np.int64),
    )


def _aligned(rows: int, width: int) -> npt.NDArray[np.uint8]:
    """Zeros that start at a cache line, so that no block of a row lies across two."""
    line = kernels.BLOCK
    memory = np.zeros(rows * width + line, dtype=np.uint8)
    start = -memory.ctypes.data % line
    return memory[start : start + rows * width].reshape(rows, width)


def _padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
