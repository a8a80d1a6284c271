"""Rate encoder: levels to spikes (semantics, 4.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["spikes"]


def spikes(random: npt.NDArray[np.int64], levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Decide which inputs spike in one step: ``random < level``, strictly.

    Parameters
    ----------
    random : ndarray of int64, shape (inputs,)
        One pass of the encoder stream (:meth:`prunus_model.reference.xorshift.Stream.sweep`).
    levels : ndarray of uint8, shape (inputs,)
        Levels. An input of level 0 never spikes.

    Returns
    -------
    ndarray of bool, shape (inputs,)
    """
    return random < levels
