"""Learning and pruning at an output spike, and soft pruning at the end of a presentation."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.layout import (
    ADAPTIVE,
    CONSTANT,
    FROZEN,
    LIFT,
    PLASTIC,
    POST_COUNT_MAX,
    PRUNED,
    THETA_MAX,
    V_FIRE_MAX,
    Count,
    Net,
    Params,
    Workspace,
)
from prunus_model.engine.streams import draw_pass
from prunus_model.spec.formats import (
    LIFT_FACTOR_BITS,
    RATE_BITS,
    RATE_SHIFT,
    STRENGTH_GAIN_SHIFT,
    max_of,
)

__all__ = ["fire_threshold", "freeze", "learn_spike"]

RATE_MAX, LIFT_FACTOR_MAX = max_of(RATE_BITS), max_of(LIFT_FACTOR_BITS)


@compiled
def fire_threshold(theta: Any, strength: Any, p: Params) -> Any:
    """Return the firing threshold in force."""
    if strength == 0:
        return V_FIRE_MAX
    return min(V_FIRE_MAX, ((p.v_th + theta) * strength) >> p.fire_shift)


@compiled
def pruning_threshold(post_count: Any, strength: Any, presentation: int, p: Params) -> Any:
    if presentation < p.start:
        return 0
    if p.policy == CONSTANT:
        return p.w_prune
    if p.policy == ADAPTIVE:
        ramp = (post_count * p.ramp_gain) >> p.ramp_shift
        cap = (strength * p.strength_gain) >> STRENGTH_GAIN_SHIFT
        return min(ramp, cap, p.w_max)
    return 0


@compiled
def find_lift_thresholds(
    post: int, step: int, presentation: int, p: Params, net: Net, workspace: Workspace
) -> None:
    """Find the thresholds of all synapses by the rates of the inputs; then update the rates."""
    learned = p.depression_shift + 1
    spikes = min(np.int64(net.post_count[post]), np.int64(1) << learned)
    level = (spikes * p.share) >> learned
    units = np.int64(p.units)
    elapsed = min(np.int64(presentation) >> p.unit_shift, units)
    if np.int64(net.post_count[post]) * (units - elapsed) > (elapsed << (learned + 1)):
        level = np.int64(0)
    total = np.int64(0)
    for i in range(p.inputs):
        total += net.input_rate[i]
    factor = np.int64(0)
    if total > 0:
        scaled = (np.int64(net.strength[post]) * level) << (20 - p.weight_bits)
        factor = min(scaled // total, np.int64(LIFT_FACTOR_MAX))
    oldest = np.int16(max(0, step - p.trace_window))
    top, below, w_max = np.int32(RATE_MAX), 28 - p.weight_bits, np.int64(p.w_max)
    for i in range(p.inputs):
        rate = net.input_rate[i]
        workspace.thresholds[i] = min((factor * rate) >> below, w_max)
        recent = workspace.last_step[i] >= oldest
        net.input_rate[i] = rate + ((top - rate) >> RATE_SHIFT if recent else -(rate >> RATE_SHIFT))


@compiled
def sweep(
    column: Any,
    status: Any,
    last_step: Any,
    random: Any,
    new: Any,
    thresholds: Any,
    step: int,
    p: Params,
) -> tuple[Any, Any]:
    """STDP and pruning of one neuron into `new`; return its strength and how many were plastic.

    Where a threshold is at least 1, a plastic synapse is pruned iff it became 0.
    """
    up, down = np.uint16(p.potentiation_shift), np.uint16(p.depression_shift)
    up_mask, down_mask = np.uint16((1 << up) - 1), np.uint16((1 << down) - 1)
    w_max = np.uint16(p.w_max)
    oldest = np.int16(max(0, step - p.trace_window))
    strength = np.uint32(0)
    plastic_count = np.uint32(0)
    for i in range(column.shape[0]):
        w = np.uint16(column[i])
        r = np.uint16(random[i])
        raised = np.uint16(
            w + np.uint16(np.uint16(np.uint16(w_max - w) + np.uint16(r & up_mask)) >> up)
        )
        lowered = np.uint16(w - np.uint16(np.uint16(w + np.uint16(r & down_mask)) >> down))
        x = raised if last_step[i] >= oldest else lowered
        plastic = status[i] == PLASTIC
        kept = plastic & (x >= thresholds[i])
        x = x if kept else np.uint16(0)
        new[i] = np.uint8(x)
        strength += np.uint32(x)
        plastic_count += np.uint32(plastic)
    return np.int64(strength), np.int64(plastic_count)


@compiled
def learn_spike(
    post: int,
    step: int,
    presentation: int,
    s: Any,
    p: Params,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> Any:
    """Learn from one output spike; return the state of the learning stream."""
    theta: Any = min(THETA_MAX, np.int64(net.theta[post]) + p.theta_plus)
    net.theta[post] = theta
    if net.post_count[post] < POST_COUNT_MAX:
        net.post_count[post] += 1
    w_prune = pruning_threshold(
        np.int64(net.post_count[post]), np.int64(net.strength[post]), presentation, p
    )
    s = draw_pass(s, p.words, workspace.random)
    column, status = net.columns[post], net.status[post]
    if p.policy == LIFT:
        find_lift_thresholds(post, step, presentation, p, net, workspace)
    else:
        workspace.thresholds[:] = w_prune
    strength, plastic_count = sweep(
        column,
        status,
        workspace.last_step,
        workspace.random,
        workspace.column,
        workspace.thresholds,
        step,
        p,
    )
    # First find what changes, without branches; then scatter only that.
    changes = 0
    for i in range(p.inputs):
        workspace.changed[changes] = i
        dies = (workspace.thresholds[i] > 0) & (workspace.column[i] == 0) & (status[i] == PLASTIC)
        changes += dies | (workspace.column[i] != column[i])
    pruned = 0
    for c in range(changes):
        i = workspace.changed[c]
        x = workspace.column[i]
        column[i] = x
        net.weights[i, post] = x
        if (workspace.thresholds[i] > 0) & (x == 0):
            status[i] = PRUNED
            net.row_alive[i] -= 1
            pruned += 1
    net.strength[post] = strength
    workspace.v_fire[post] = fire_threshold(theta, strength, p)
    counters[Count.LEARNING_DRAWS] += p.words
    counters[Count.UPDATE_SOPS] += plastic_count
    counters[Count.UPDATE_DENSE] += p.inputs
    counters[Count.PRUNED] += pruned
    return s


@compiled
def freeze(p: Params, net: Net, workspace: Workspace, counters: Any) -> None:
    """Online soft pruning at the end of a learning presentation."""
    for post in range(p.neurons):
        if workspace.spike_counts[post] < p.min_spikes or net.active_count[post] == POST_COUNT_MAX:
            continue
        net.active_count[post] += 1
        if net.active_count[post] != p.after_presentations:
            continue
        column, status = net.columns[post], net.status[post]
        histogram = np.zeros(p.w_max + 1, dtype=np.int64)
        for i in range(p.inputs):
            if status[i] == PLASTIC:
                histogram[column[i]] += 1
        left = histogram.sum() * p.percent // 100
        counters[Count.PRUNED] += left
        for w in range(p.w_max + 1):
            if histogram[w] == 0 or left == 0:
                continue
            for i in range(p.inputs):
                if left > 0 and status[i] == PLASTIC and column[i] == w:
                    status[i] = FROZEN
                    column[i] = 0
                    net.weights[i, post] = 0
                    net.row_frozen[i] += 1
                    left -= 1
        strength = 0
        for i in range(p.inputs):
            strength += column[i]
        net.strength[post] = strength
