"""A feed-forward layer (semantics, 4.9): all neurons that reach their threshold fire."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.encode import drop_refractory, even_spikes
from prunus_model.engine.integrate import integrate
from prunus_model.engine.layout import (
    UNDRAWN,
    V_SIGNED_MAX,
    Count,
    Net,
    Params,
    Workspace,
)
from prunus_model.engine.score import lead, vote

__all__ = ["layer_steps"]


@compiled
def fire_all(n: int, step: int, fired: int, p: Params, bias: Any, workspace: Workspace) -> int:
    """Finish the sums of `n` input spikes; compare, reset, leak, saturate.

    What fires is written behind the first `fired` output spikes; return how many these are then.
    """
    # Stored weights are that much too large, each.
    excess = np.int32(n * p.weight_offset)
    shift = np.int32(p.leak_shift)
    top = np.int32(V_SIGNED_MAX)
    for j in range(p.neurons):
        u = np.int32(workspace.v[j] + np.int32(workspace.sums[j]) - excess + bias[j])
        workspace.sums[j] = 0
        if u >= workspace.v_fire[j]:
            workspace.spike_steps[fired] = step
            workspace.spike_posts[fired] = j
            fired += 1
            u = np.int32(u - workspace.v_fire[j]) if p.subtract else np.int32(0)
        if shift > 0:
            u -= u >> shift
        workspace.v[j] = min(max(u, np.int32(-top - 1)), top)
    return fired


@compiled
def layer_steps(
    stop_after: int,
    margin: int,
    p: Params,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> int:
    """Execute the steps of an image from its beginning; return the output spikes."""
    fired = 0
    for step in range(p.steps):
        n = workspace.event_counts[step]
        if n == UNDRAWN:
            n = even_spikes(step, p, workspace)
        counters[Count.STEPS] += 1
        counters[Count.INPUT_SPIKES] += n
        counters[Count.FORWARD_DENSE] += n * p.neurons
        if p.refractory_steps > 0:
            n = drop_refractory(
                workspace.events[step, :n], step, p.refractory_steps, workspace.last_step
            )
        pres = workspace.events[step, :n]
        sops = 0
        for i in range(n):
            workspace.last_step[pres[i]] = step
            sops += net.row_alive[pres[i]]
        counters[Count.INTEGRATED_SPIKES] += n
        counters[Count.FORWARD_SOPS] += sops
        integrate(net.weights, pres, workspace.v, workspace.sums)
        before = fired
        fired = fire_all(n, step, fired, p, net.bias, workspace)
        for k in range(before, fired):
            post = workspace.spike_posts[k]
            workspace.spike_counts[post] += 1
            vote(net.votes[post], workspace.scores, p.score_max)
        if fired > before and (
            0 < stop_after <= fired or (margin > 0 and lead(workspace.scores) >= margin)
        ):
            break
    counters[Count.OUTPUT_SPIKES] += fired
    counters[Count.PRESENTATIONS] += 1
    return fired
