"""Redundant inputs: which inputs tell nothing that their neighbours do not (semantics, section 6).

A rule of ours beside the pruning policies, whichever it is; it is not of Guo et al. (2020).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import COACTIVITY_BITS, max_of
from prunus_model.spec.pruning import RedundancyParams

__all__ = ["redundant_inputs", "update_coactivity"]


def redundant_inputs(
    coactivity: npt.NDArray[np.int64], presentation: int, params: RedundancyParams
) -> npt.NDArray[np.bool_]:
    """Choose the redundant inputs: all their synapses are pruned.

    From presentation ``start`` on, an input is redundant if its co-activity is at least one half
    and it is on an odd site of the checkerboard: row and column in an image of rows of
    ``image_width`` inputs add up to an odd number. So of two neighbours, one at least stays.

    Parameters
    ----------
    coactivity : ndarray of int64, shape (inputs,)
        From before this sweep, in 1/65536: 0..65535.
    presentation : int
        Number of the presentation.
    params : RedundancyParams
        Gives ``image_width`` and ``start``.

    Returns
    -------
    ndarray of bool, shape (inputs,)

    Examples
    --------
    Two rows of three inputs:

    >>> params = RedundancyParams(shift=12, image_width=3)
    >>> coactivity = np.array([65535, 65535, 32768, 32768, 0, 32767])
    >>> redundant_inputs(coactivity, 0, params).tolist()
    [False, True, False, True, False, False]
    """
    row, column = np.divmod(np.arange(len(coactivity)), params.image_width)
    odd = (row + column) % 2 == 1
    chosen: npt.NDArray[np.bool_] = odd & (coactivity >> (COACTIVITY_BITS - 1) == 1)
    return chosen & (presentation >= params.start)


def update_coactivity(
    coactivity: npt.NDArray[np.int64], recent: npt.NDArray[np.bool_], shift: int
) -> npt.NDArray[np.int64]:
    """Return the co-activity of all inputs after a sweep.

    It changes for inputs whose predecessor was recently active: by ``-(coactivity >> shift)``, or,
    if the input was recently active too, by ``(65535 - coactivity) >> shift``. So it follows the
    share of the sweeps in which the input was recent, of those of all neurons together in which
    the input before it was. Input 0 has no predecessor.

    Parameters
    ----------
    coactivity : ndarray of int64, shape (inputs,)
        Before the sweep, in 1/65536: 0..65535.
    recent : ndarray of bool, shape (inputs,)
        Inputs that were active recently (:func:`prunus_model.reference.stdp.recent`).
    shift : int
        How slowly it follows, 1..15.

    Returns
    -------
    ndarray of int64, shape (inputs,)

    Examples
    --------
    >>> update_coactivity(np.array([9, 0, 512, 512]), np.array([True, True, False, True]), 8)
    array([  9, 255, 510, 512])
    """
    up, down = max_of(COACTIVITY_BITS) - coactivity >> shift, coactivity >> shift
    before = np.concatenate(([False], recent[:-1]))
    updated: npt.NDArray[np.int64] = coactivity + before * np.where(recent, up, -down)
    return updated
