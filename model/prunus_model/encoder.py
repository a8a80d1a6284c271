"""Rate encoder: pixels to levels, levels to spikes (semantics, 4 and 4.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.config import EncoderParams
from prunus_model.formats import LEVEL_BITS, max_of

__all__ = ["levels", "spikes"]


def levels(pixels: npt.NDArray[np.uint8], params: EncoderParams) -> npt.NDArray[np.uint8]:
    """Scale pixels to levels: ``min(255, (pixel * gain) >> 8)``. Done by the host.

    Parameters
    ----------
    pixels : ndarray of uint8, any shape
        Pixels, 0..255.
    params : EncoderParams
        Gives ``gain``.

    Returns
    -------
    ndarray of uint8, same shape
        Levels: a level of ``x`` makes a spike with probability ``x / 256`` in each step.

    Examples
    --------
    >>> levels(np.array([0, 2, 3, 255], dtype=np.uint8), EncoderParams(gain=100)).tolist()
    [0, 0, 1, 99]
    """
    scaled = np.minimum(max_of(LEVEL_BITS), np.arange(256, dtype=np.int64) * params.gain >> 8)
    table: npt.NDArray[np.uint8] = scaled.astype(np.uint8)
    return table[pixels]


def spikes(random: npt.NDArray[np.int64], levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Decide which inputs spike in one step: ``random < level``, strictly.

    Parameters
    ----------
    random : ndarray of int64, shape (inputs,)
        One pass of the encoder stream (:meth:`prunus_model.random.Stream.sweep`).
    levels : ndarray of uint8, shape (inputs,)
        Levels. An input of level 0 never spikes.

    Returns
    -------
    ndarray of bool, shape (inputs,)
    """
    return random < levels
