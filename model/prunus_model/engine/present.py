"""Whole presentations: one, or many."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.encode import drop_refractory, encode, even_spikes, prepare_even
from prunus_model.engine.integrate import fire, integrate
from prunus_model.engine.layer import layer_steps
from prunus_model.engine.layout import (
    PRESENTATION_MAX,
    SOFT,
    U32,
    UNDRAWN,
    Count,
    Net,
    Params,
    Stimuli,
    View,
    Workspace,
)
from prunus_model.engine.learn import fire_threshold, freeze, learn_spike
from prunus_model.engine.score import lead, vote
from prunus_model.engine.streams import seeded
from prunus_model.spec import random_streams
from prunus_model.spec.state import NO_STEP

__all__ = ["begin", "infer_many", "present", "train_many"]


@compiled
def begin(learn: bool, presentation: int, p: Params, net: Net, workspace: Workspace) -> None:
    """Prepare a presentation (semantics, 4.1)."""
    if learn and presentation > 0:
        for j in range(p.neurons):
            net.theta[j] -= net.theta[j] >> p.theta_decay_shift
    find_thresholds(p, net, workspace)
    rest(workspace)


@compiled
def find_thresholds(p: Params, net: Net, workspace: Workspace) -> None:
    if p.feedforward:
        workspace.v_fire[: p.neurons] = net.v_fire
        return
    for j in range(p.neurons):
        workspace.v_fire[j] = fire_threshold(np.int64(net.theta[j]), np.int64(net.strength[j]), p)


@compiled
def rest(workspace: Workspace) -> None:
    workspace.v[:] = 0
    workspace.sums[:] = 0
    workspace.spike_counts[:] = 0
    workspace.last_step[:] = NO_STEP


@compiled
def see(levels: Any, presentation: int, p: Params, jump: Any, view: View, workspace: Any) -> None:
    """Take the levels of an image that a view sees, and draw its spikes."""
    for i in range(p.inputs):
        index = view.indices[i]
        # Without a branch.
        workspace.levels[i] = levels[max(index, 0)] * np.uint8(index >= 0)
    if p.low_discrepancy:
        prepare_even(view.seed, presentation, p, workspace)
    else:
        encode(view.seed, presentation, p, jump, workspace)


@compiled
def take(first: Any, pres: Any, p: Params, view: View, workspace: Workspace) -> None:
    """Take the events of a presentation that a view sees; `first[step]` is where a step begins."""
    for step in range(p.steps):
        n = 0
        for k in range(first[step], first[step + 1]):
            pre = view.pre_of[pres[k]]
            if pre >= 0:
                workspace.events[step, n] = pre
                n += 1
        workspace.event_counts[step] = n


@compiled
def steps(
    learn: bool,
    stop_after: int,
    margin: int,
    presentation: int,
    p: Params,
    seed: int,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> int:
    """Execute the steps of a view from its beginning; return the output spikes."""
    s = seeded(seed, presentation, random_streams.LEARNING) if learn else U32(0)
    inhibition = 0
    fired = 0
    for step in range(p.steps):
        n = workspace.event_counts[step]
        if n == UNDRAWN:
            n = even_spikes(step, p, workspace)
        counters[Count.STEPS] += 1
        counters[Count.INPUT_SPIKES] += n
        dense = n * p.neurons
        if p.refractory_steps > 0:
            n = drop_refractory(
                workspace.events[step, :n], step, p.refractory_steps, workspace.last_step
            )
        pres = workspace.events[step, :n]
        for i in range(n):
            workspace.last_step[pres[i]] = step
        if inhibition > 0:
            inhibition -= 1
            counters[Count.INHIBITED_STEPS] += 1
            continue
        counters[Count.INTEGRATED_SPIKES] += n
        counters[Count.FORWARD_DENSE] += dense
        sops = 0
        frozen = 0
        for i in range(n):
            sops += net.row_alive[pres[i]]
            frozen += net.row_frozen[pres[i]]
        counters[Count.FORWARD_SOPS] += sops
        counters[Count.FROZEN_SOPS] += frozen
        integrate(net.weights, pres, workspace.v, workspace.sums)
        post = fire(workspace.v, workspace.sums, workspace.v_fire, p.leak_shift)
        if post >= 0:
            workspace.spike_steps[fired] = step
            workspace.spike_posts[fired] = post
            workspace.spike_counts[post] += 1
            fired += 1
            ahead = vote(net.votes[post], workspace.scores, p.score_max)
            if learn:
                s = learn_spike(post, step, presentation, s, p, net, workspace, counters)
            workspace.v[:] = 0
            inhibition = p.inhibition_steps
            if fired == stop_after or 0 < margin <= ahead:
                break
    if learn and p.policy == SOFT:
        freeze(p, net, workspace, counters)
    counters[Count.OUTPUT_SPIKES] += fired
    counters[Count.PRESENTATIONS] += 1
    return fired


@compiled
def present(
    stimuli: Stimuli,
    n: int,
    learn: bool,
    stop_after: int,
    margin: int,
    presentation: int,
    p: Params,
    jump: Any,
    view: View,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> Any:
    """Show a view of one of many that has begun, scores kept; return the output spikes."""
    if stimuli.first.shape[0] > 0:
        take(stimuli.first[n], stimuli.pres, p, view, workspace)
        draws = 0
    else:
        see(stimuli.levels[n], presentation, p, jump, view, workspace)
        draws = p.words
    before = counters[Count.STEPS]
    if p.feedforward:
        fired = layer_steps(stop_after, margin, p, net, workspace, counters)
    else:
        fired = steps(
            learn, stop_after, margin, presentation, p, view.seed, net, workspace, counters
        )
    counters[Count.ENCODER_DRAWS] += (counters[Count.STEPS] - before) * draws
    return fired


@compiled
def train_many(
    stimuli: Stimuli,
    first: int,
    p: Params,
    jump: Any,
    view: View,
    net: Net,
    workspace: Workspace,
    counters: Any,
    spikes: Any,
    first_post: int,
) -> None:
    """Let a group learn from many images, or events.

    `spikes[image, first_post + neuron]` receives the output spikes.
    """
    for n in range(spikes.shape[0]):
        number = (first + n) & PRESENTATION_MAX
        workspace.scores[:] = 0
        begin(True, number, p, net, workspace)
        present(stimuli, n, True, 0, 0, number, p, jump, view, net, workspace, counters)
        spikes[n, first_post : first_post + p.neurons] = workspace.spike_counts


@compiled
def infer_many(
    stimuli: Stimuli,
    shown: Any,
    first: int,
    stop_after: int,
    margin: int,
    p: Params,
    jump: Any,
    view: View,
    net: Net,
    workspace: Workspace,
    counters: Any,
    spikes: Any,
    first_post: int,
    scores: Any,
) -> int:
    """Show a view of many images without learning; return how many need another one.

    `shown[...]` are their numbers in `stimuli`; at its front those are left that have no lead of
    `margin`. To `counters[image]`, `spikes[image, first_post + neuron]` and `scores[image, class]`
    is added.
    """
    find_thresholds(p, net, workspace)
    left = 0
    for n in shown:
        number = (first + n) & PRESENTATION_MAX
        rest(workspace)
        workspace.scores[:] = scores[n]
        fired = present(
            stimuli,
            n,
            False,
            stop_after,
            margin,
            number,
            p,
            jump,
            view,
            net,
            workspace,
            counters[n],
        )
        # Few neurons fire, and the memory of the others would have to be fetched.
        for k in range(fired):
            spikes[n, first_post + workspace.spike_posts[k]] += 1
        scores[n] = workspace.scores
        shown[left] = n
        left += margin == 0 or lead(workspace.scores) < margin
    return left
