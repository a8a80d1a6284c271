"""Random numbers of the reference: a xorshift32 stream, seeded anew for every presentation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import RANDOM_BITS, max_of
from prunus_model.spec.random_streams import DISCARD, FALLBACK, PRE_PER_DRAW, STRIDE, words

__all__ = ["Stream"]

_MASK32 = max_of(32)


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
        :data:`prunus_model.spec.random_streams.ENCODER` or
        :data:`~prunus_model.spec.random_streams.LEARNING`.

    Examples
    --------
    >>> from prunus_model.spec.random_streams import ENCODER
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

    def draw_bytes(self, inputs: int) -> npt.NDArray[np.int64]:
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
