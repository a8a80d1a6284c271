"""Votes are added to scores, and a lead is found (semantics, 7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled

__all__ = ["lead", "vote"]


@compiled
def lead(scores: Any) -> Any:
    """Return by how much the largest score is ahead of the second (semantics, 7)."""
    first = 0
    second = 0
    for c in range(scores.shape[0]):
        if scores[c] > first:
            second = first
            first = scores[c]
        elif scores[c] > second:
            second = scores[c]
    return first - second


@compiled
def vote(votes: Any, scores: Any, score_max: int) -> Any:
    """Add votes to the scores, which saturate; return the lead."""
    for c in range(scores.shape[0]):
        scores[c] = min(scores[c] + np.int64(votes[c]), score_max)
    return lead(scores)
