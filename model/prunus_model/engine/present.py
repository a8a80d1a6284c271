"""Whole presentations: one, or many."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.encode import drop_refractory, encode, encode_evenly
from prunus_model.engine.integrate import fire, integrate
from prunus_model.engine.layout import PRESENTATION_MAX, SOFT, Count, Net, Params, Workspace
from prunus_model.engine.learn import fire_threshold, freeze, learn_spike
from prunus_model.engine.streams import seeded
from prunus_model.spec import random_streams
from prunus_model.spec.state import NO_STEP

__all__ = ["begin", "infer_many", "present", "present_events", "train_many"]


@compiled
def begin(learn: bool, presentation: int, p: Params, net: Net, workspace: Workspace) -> None:
    """Prepare a presentation (semantics, 4.1)."""
    if learn and presentation > 0:
        for j in range(p.neurons):
            net.theta[j] -= net.theta[j] >> p.theta_decay_shift
    for j in range(p.neurons):
        workspace.v_fire[j] = fire_threshold(np.int64(net.theta[j]), np.int64(net.strength[j]), p)
        workspace.v[j] = 0
        workspace.sums[j] = 0
        workspace.spike_counts[j] = 0
    workspace.last_step[:] = NO_STEP


@compiled
def vote(votes: Any, scores: Any, score_max: int) -> int:
    """Add votes to the scores, which saturate; return the lead (semantics, 7)."""
    first = 0
    second = 0
    for c in range(scores.shape[0]):
        score = min(scores[c] + np.int64(votes[c]), score_max)
        scores[c] = score
        if score > first:
            second = first
            first = score
        elif score > second:
            second = score
    return first - second


@compiled
def steps(
    learn: bool,
    stop_after: int,
    margin: int,
    keep: bool,
    presentation: int,
    p: Params,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> int:
    """Execute the steps of a presentation whose spikes are drawn; return the output spikes."""
    s = seeded(p.seed, presentation, random_streams.LEARNING)
    begin(learn, presentation, p, net, workspace)
    if not keep:
        workspace.scores[:] = 0
    inhibition = 0
    fired = 0
    for step in range(p.steps):
        n = workspace.event_counts[step]
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
            lead = vote(net.votes[post], workspace.scores, p.score_max)
            if learn:
                s = learn_spike(post, step, presentation, s, p, net, workspace, counters)
            workspace.v[:] = 0
            inhibition = p.inhibition_steps
            if fired == stop_after or 0 < margin <= lead:
                break
    if learn and p.policy == SOFT:
        freeze(p, net, workspace, counters)
    counters[Count.OUTPUT_SPIKES] += fired
    counters[Count.PRESENTATIONS] += 1
    return fired


@compiled
def present(
    levels: Any,
    learn: bool,
    stop_after: int,
    margin: int,
    keep: bool,
    presentation: int,
    p: Params,
    jump: Any,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> Any:
    """Show one image; return the output spikes."""
    if p.low_discrepancy:
        encode_evenly(levels, presentation, p, workspace)
    else:
        encode(levels, presentation, p, jump, workspace)
    before = counters[Count.STEPS]
    fired = steps(learn, stop_after, margin, keep, presentation, p, net, workspace, counters)
    counters[Count.ENCODER_DRAWS] += (counters[Count.STEPS] - before) * p.words
    return fired


@compiled
def present_events(
    pres: Any,
    learn: bool,
    stop_after: int,
    margin: int,
    keep: bool,
    presentation: int,
    p: Params,
    net: Net,
    workspace: Workspace,
    counters: Any,
) -> Any:
    """Show the address events `pres`, one after the other by step; return the output spikes.

    `workspace.event_counts` holds how many belong to each step.
    """
    first = 0
    for step in range(p.steps):
        n = workspace.event_counts[step]
        workspace.events[step, :n] = pres[first : first + n]
        first += n
    return steps(learn, stop_after, margin, keep, presentation, p, net, workspace, counters)


@compiled
def train_many(
    levels: Any,
    first: int,
    p: Params,
    jump: Any,
    net: Net,
    workspace: Workspace,
    counters: Any,
    spikes: Any,
) -> None:
    """Learn from many images; `spikes[image, neuron]` receives the output spikes."""
    for n in range(levels.shape[0]):
        number = (first + n) & PRESENTATION_MAX
        present(levels[n], True, 0, 0, False, number, p, jump, net, workspace, counters)
        spikes[n] = workspace.spike_counts


@compiled
def infer_many(
    levels: Any,
    stop_after: int,
    margin: int,
    numbers: Any,
    p: Params,
    jump: Any,
    net: Net,
    workspace: Workspace,
    counters: Any,
    spikes: Any,
    scores: Any,
    leads: Any,
) -> None:
    """Show many images without learning; `counters[image]`, `spikes[image, neuron]`.

    `numbers[image]` is that of its presentation; `scores[image, class]` are kept, and change;
    `leads[image]` is the largest of them less the second largest.
    """
    for n in range(levels.shape[0]):
        number = numbers[n] & PRESENTATION_MAX
        workspace.scores[:] = scores[n]
        present(
            levels[n],
            False,
            stop_after,
            margin,
            True,
            number,
            p,
            jump,
            net,
            workspace,
            counters[n],
        )
        spikes[n] = workspace.spike_counts
        first = 0
        second = 0
        for c in range(scores.shape[1]):
            score = workspace.scores[c]
            scores[n, c] = score
            if score > first:
                second = first
                first = score
            elif score > second:
                second = score
        leads[n] = first - second
