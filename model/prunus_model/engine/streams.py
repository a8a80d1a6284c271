"""Random streams: xorshift32, drawn one by one or from any draw on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from prunus_model.engine.compiling import compiled
from prunus_model.engine.layout import MASK32, U32
from prunus_model.spec import random_streams

__all__ = ["draw_pass", "jump_tables", "lowest_bit", "seeded", "xorshift"]


def jump_tables(words: int) -> npt.NDArray[np.uint32]:
    """Return tables that advance xorshift32 by a number of draws at once.

    Parameters
    ----------
    words : int
        Draws.

    Returns
    -------
    ndarray of uint32, shape (4, 256)
        The new state is the exclusive or of one entry for each byte of the old state, from the
        least significant up.
    """
    basis = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(words):
        basis ^= basis << np.uint32(13)
        basis ^= basis >> np.uint32(17)
        basis ^= basis << np.uint32(5)
    byte = np.arange(256, dtype=np.uint32)
    tables = np.zeros((4, 256), dtype=np.uint32)
    for bit in range(32):
        tables[bit // 8] ^= np.where(byte >> np.uint32(bit % 8) & np.uint32(1), basis[bit], 0)
    return tables


@intrinsic
def _cttz(_typing: Any, _word: Any) -> Any:
    """Position of the lowest bit set in a word that is not 0."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


# For a type checker the decorator hides that the first argument is numba's own.
lowest_bit: Any = _cttz


@compiled
def xorshift(s: Any) -> Any:
    """Return the next draw, which is the new state."""
    s = U32(s ^ U32(s << U32(13)))
    s = U32(s ^ U32(s >> U32(17)))
    return U32(s ^ U32(s << U32(5)))


@compiled
def seeded(seed: int, presentation: int, constant: int) -> Any:
    """Return the state of a stream at the start of a presentation."""
    s = U32(seed ^ (presentation * random_streams.STRIDE & MASK32) ^ constant)
    if s == 0:
        s = U32(random_streams.FALLBACK)
    for _ in range(random_streams.DISCARD):
        s = xorshift(s)
    return s


@compiled
def draw_pass(s: Any, words: int, out: Any) -> Any:
    """Make one pass, a byte for each input into `out`; return the new state."""
    for k in range(words):
        s = xorshift(s)
        out[4 * k] = np.uint8(s)
        out[4 * k + 1] = np.uint8(s >> U32(8))
        out[4 * k + 2] = np.uint8(s >> U32(16))
        out[4 * k + 3] = np.uint8(s >> U32(24))
    return s
