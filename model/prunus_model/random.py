"""Random numbers: two xorshift32 streams, seeded anew for every presentation.

A presentation can therefore be replayed alone, in any order and in parallel, and leaving one early
changes no other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.formats import RANDOM_BITS, max_of

__all__ = [
    "DISCARD",
    "ENCODER",
    "FALLBACK",
    "LEARNING",
    "PRE_PER_DRAW",
    "STRIDE",
    "Stream",
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

_MASK32 = max_of(32)


def words(inputs: int) -> int:
    """Return the draws of one pass over all inputs: ``ceil(inputs / 4)``."""
    return -(-inputs // PRE_PER_DRAW)


class Stream:
    """A xorshift32 stream (Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8(14), 2003; 13, 17, 5).

    ``s ^= s << 13; s ^= s >> 17; s ^= s << 5`` on 32 bits; the new ``s`` is the draw.

    Parameters
    ----------
    seed : int
        Seed of the network, 32 bits.
    presentation : int
        Number of the presentation, 32 bits.
    constant : int
        :data:`ENCODER` or :data:`LEARNING`.

    Examples
    --------
    >>> stream = Stream(seed=1, presentation=0, constant=ENCODER)
    >>> hex(stream.state), hex(stream.draw())
    ('0xe24f40f', '0x840ed7fd')
    """

    def __init__(self, *, seed: int, presentation: int, constant: int) -> None:
        state = seed ^ (presentation * STRIDE & _MASK32) ^ constant
        self.state = state or FALLBACK
        for _ in range(DISCARD):
            self.draw()

    def draw(self) -> int:
        """Advance the stream and return the new state."""
        s = self.state
        s ^= s << 13 & _MASK32
        s ^= s >> 17
        s ^= s << 5 & _MASK32
        self.state = s
        return s

    def sweep(self, inputs: int) -> npt.NDArray[np.int64]:
        """Make one pass over all inputs.

        Parameters
        ----------
        inputs : int
            Number of inputs.

        Returns
        -------
        ndarray of int64, shape (inputs,)
            A random byte for each: input ``4 k + b`` gets bits ``8 b .. 8 b + 7`` of draw ``k``.
        """
        draws = np.array([self.draw() for _ in range(words(inputs))], dtype=np.int64)
        shifts = RANDOM_BITS * np.arange(PRE_PER_DRAW)
        return (draws[:, np.newaxis] >> shifts & max_of(RANDOM_BITS)).ravel()[:inputs]
