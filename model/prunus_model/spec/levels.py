"""Levels: what an encoder is given for each input, computed by the host (semantics, 4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import LEVEL_BITS, max_of

__all__ = ["levels"]


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
