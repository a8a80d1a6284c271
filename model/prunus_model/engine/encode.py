"""The encoder: all spikes of a presentation, and those that refractory inputs drop.

Random spikes of all steps are drawn side by side: xorshift is linear over GF(2), so the state at
the start of every step follows from the one before by four table look-ups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.layout import LANES, U32, UNDRAWN, Params, Workspace
from prunus_model.engine.streams import draw_pass, lowest_bit, seeded, xorshift
from prunus_model.spec import random_streams
from prunus_model.spec.state import NO_STEP

__all__ = ["drop_refractory", "encode", "even_spikes", "prepare_even"]


@compiled
def encode(seed: int, presentation: int, p: Params, jump: Any, workspace: Workspace) -> None:
    """Draw all spikes of a presentation: `workspace.events` and `workspace.event_counts`."""
    levels, lanes, hits, events, counts = (
        workspace.levels,
        workspace.lanes,
        workspace.hits,
        workspace.events,
        workspace.event_counts,
    )
    s = seeded(seed, presentation, random_streams.ENCODER)
    for t in range(p.steps):
        counts[t] = 0
        lanes[t] = s
        s = (
            jump[0, s & U32(255)]
            ^ jump[1, (s >> U32(8)) & U32(255)]
            ^ jump[2, (s >> U32(16)) & U32(255)]
            ^ jump[3, s >> U32(24)]
        )
    # First compare all steps of an input side by side, a bit each; then list the bits by step.
    for k in range(p.words):
        for t in range(p.steps):
            lanes[t] = xorshift(lanes[t])
        for b in range(min(4, p.inputs - 4 * k)):
            pre = 4 * k + b
            level = U32(levels[pre])
            shift = U32(8 * b)
            if level == 0:
                continue
            for group in range(hits.shape[0]):
                word = np.uint64(0)
                for t in range(LANES):
                    byte = U32(U32(lanes[LANES * group + t] >> shift) & U32(255))
                    word |= np.uint64(byte < level) << np.uint64(t)
                hits[group, pre] = word
    for group in range(hits.shape[0]):
        first = LANES * group
        valid = ~np.uint64(0)
        if p.steps - first < LANES:
            valid = (np.uint64(1) << np.uint64(p.steps - first)) - np.uint64(1)
        for pre in range(p.inputs):
            if levels[pre] == 0:
                continue
            word = hits[group, pre] & valid
            while word != 0:
                t = first + lowest_bit(word)
                word &= word - np.uint64(1)
                events[t, counts[t]] = pre
                counts[t] += 1


@compiled
def prepare_even(seed: int, presentation: int, p: Params, workspace: Workspace) -> None:
    """Draw the bytes of low-discrepancy spikes, and leave these to :func:`even_spikes`.

    An early exit so spares the steps that are not executed.
    """
    draw_pass(seeded(seed, presentation, random_streams.ENCODER), p.words, workspace.random_encoder)
    workspace.event_counts[: p.steps] = UNDRAWN


@compiled
def even_spikes(step: int, p: Params, workspace: Workspace) -> Any:
    """Find the low-discrepancy spikes of a step; return how many they are."""
    random, levels, events = workspace.random_encoder, workspace.levels, workspace.events
    offset = random_streams.LOW_DISCREPANCY_STRIDE * step
    n = 0
    for pre in range(p.inputs):
        # Written in any case: the next spike takes its place.
        events[step, n] = pre
        n += np.uint8(random[pre] + offset) < levels[pre]
    return n


@compiled
def drop_refractory(pres: Any, step: int, refractory_steps: int, last_step: Any) -> int:
    """Move the spikes that are not dropped to the front of `pres`; return how many they are."""
    n = 0
    for i in range(pres.shape[0]):
        pre = pres[i]
        last = last_step[pre]
        pres[n] = pre
        n += last == NO_STEP or step - last > refractory_steps
    return n
