"""Constants of the random streams: two xorshift32 streams, seeded anew for every presentation.

A presentation can therefore be replayed alone, in any order and in parallel, and leaving one early
changes no other.
"""

from __future__ import annotations

__all__ = [
    "DISCARD",
    "ENCODER",
    "FALLBACK",
    "LEARNING",
    "LOW_DISCREPANCY_STRIDE",
    "PRE_PER_DRAW",
    "STRIDE",
    "words",
]

#: Constant of the encoder stream.
ENCODER = 0x243F6A88
#: Constant of the learning stream.
LEARNING = 0x85A308D3
#: What one presentation adds to the seed.
STRIDE = 0x9E3779B9
#: Replaces a state of 0, from which xorshift never leaves.
FALLBACK = 0x6D2B79F5
#: Draws thrown away after seeding.
DISCARD = 8
#: Consecutive inputs that share one 32-bit draw, a byte each.
PRE_PER_DRAW = 4
#: What one step adds to the bytes of low-discrepancy spikes: odd, and near 256 / golden ratio.
LOW_DISCREPANCY_STRIDE = 157


def words(inputs: int) -> int:
    """Return the draws of one pass over all inputs: ``ceil(inputs / 4)``."""
    return -(-inputs // PRE_PER_DRAW)
