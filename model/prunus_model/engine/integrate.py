"""Integration, comparison and leak.

Rows are added in 16 bits, eight at a time; 256 rows of bytes cannot overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_model.engine.compiling import compiled
from prunus_model.engine.layout import FLUSH, NO_MARGIN

__all__ = ["fire", "integrate"]


@compiled
def flush(v: Any, sums: Any) -> None:
    for j in range(v.shape[0]):
        v[j] += np.int32(sums[j])
        sums[j] = 0


@compiled
def integrate(weights: Any, pres: Any, v: Any, sums: Any) -> None:
    """Add the rows of all spiking inputs, into `v` and `sums`."""
    neurons = v.shape[0]
    n = pres.shape[0]
    i = 0
    while i < n:
        end = min(n, i + FLUSH)
        while i + 8 <= end:
            r0, r1, r2, r3 = (
                weights[pres[i]],
                weights[pres[i + 1]],
                weights[pres[i + 2]],
                weights[pres[i + 3]],
            )
            r4, r5, r6, r7 = (
                weights[pres[i + 4]],
                weights[pres[i + 5]],
                weights[pres[i + 6]],
                weights[pres[i + 7]],
            )
            for j in range(neurons):
                low = np.uint16(r0[j]) + np.uint16(r1[j]) + np.uint16(r2[j]) + np.uint16(r3[j])
                high = np.uint16(r4[j]) + np.uint16(r5[j]) + np.uint16(r6[j]) + np.uint16(r7[j])
                sums[j] = np.uint16(sums[j] + low + high)
            i += 8
        while i < end:
            r0 = weights[pres[i]]
            for j in range(neurons):
                sums[j] = np.uint16(sums[j] + np.uint16(r0[j]))
            i += 1
        if i < n:
            flush(v, sums)


@compiled
def fire(v: Any, sums: Any, v_fire: Any, leak_shift: int) -> int:
    """Finish the sums, compare, leak; return the winner or -1.

    With a winner there is no leak: all potentials are reset anyway.
    """
    best = np.int32(NO_MARGIN)
    for j in range(v.shape[0]):
        x = np.int32(v[j] + np.int32(sums[j]))
        v[j] = x
        sums[j] = 0
        best = max(best, np.int32(x - v_fire[j]))
    if best >= 0:
        j = 0
        while v[j] - v_fire[j] != best:
            j += 1
        return j
    if leak_shift > 0:
        shift = np.int32(leak_shift)
        for j in range(v.shape[0]):
            v[j] -= v[j] >> shift
    return -1
