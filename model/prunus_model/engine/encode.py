"""The encoder: all spikes of a presentation.

All steps are drawn side by side: xorshift is linear over GF(2), so the state at the start of every
step follows from the one before by four table look-ups.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.layout import LANES, U32, Params, Workspace
from prunus_model.engine.streams import lowest_bit, seeded, xorshift
from prunus_model.spec import random_streams

__all__ = ["encode"]


@compiled
def encode(levels: Any, presentation: int, p: Params, jump: Any, workspace: Workspace) -> None:
    """Draw all spikes of a presentation: `workspace.events` and `workspace.event_counts`."""
    lanes, hits, events, counts = (
        workspace.lanes,
        workspace.hits,
        workspace.events,
        workspace.event_counts,
    )
    s = seeded(p.seed, presentation, random_streams.ENCODER)
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
