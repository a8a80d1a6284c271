"""Levels: what an encoder is given for each input, computed by the host (semantics, 4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.encoder import ContrastParams, EncoderParams
from prunus_model.spec.formats import LEVEL_BITS, max_of

__all__ = ["contrasts", "levels"]

#: Pixels whose sums are kept at a time, so that memory stays small.
_SLICE = 1 << 20


def levels(pixels: npt.NDArray[np.uint8], params: EncoderParams) -> npt.NDArray[np.uint8]:
    """Scale pixels, or their contrasts, to levels: ``min(255, (pixel * gain) >> 8)``.

    Done by the host.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (..., pixels)
        Pixels of images, 0..255, row by row.
    params : EncoderParams
        Gives ``gain`` and ``contrast``.

    Returns
    -------
    ndarray of uint8, shape (..., inputs)
        Levels: a level of ``x`` makes a spike with probability ``x / 256`` in each step. Inputs are
        as many as pixels; with ``contrast`` twice as many (:func:`contrasts`).

    Raises
    ------
    ValueError
        If the pixels of an image do not fill rows of ``contrast.image_width``.

    Examples
    --------
    >>> levels(np.array([0, 2, 3, 255], dtype=np.uint8), EncoderParams(gain=100)).tolist()
    [0, 0, 1, 99]
    """
    scaled = np.minimum(max_of(LEVEL_BITS), np.arange(256, dtype=np.int64) * params.gain >> 8)
    table: npt.NDArray[np.uint8] = scaled.astype(np.uint8)
    return table[contrasts(pixels, params.contrast) if params.contrast else pixels]


def contrasts(pixels: npt.NDArray[np.uint8], params: ContrastParams) -> npt.NDArray[np.uint8]:
    """Return by how much each pixel is brighter, and darker, than the mean of those around it.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (..., pixels)
        Pixels of images, row by row.
    params : ContrastParams
        Width of an image, and of the square around a pixel. The mean, rounded down, is that of the
        pixels of the square that lie in the image.

    Returns
    -------
    ndarray of uint8, shape (..., 2 * pixels)
        All pixels by how much they are brighter, 0 if they are not; then all by how much they are
        darker.

    Raises
    ------
    ValueError
        If the pixels of an image do not fill rows of ``image_width``.

    Examples
    --------
    >>> params = ContrastParams(image_width=3, window=3)
    >>> contrasts(np.array([0, 90, 31], dtype=np.uint8), params).tolist()
    [0, 50, 0, 45, 0, 29]
    """
    size, width = pixels.shape[-1], params.image_width
    if size % width:
        raise ValueError(f"Images must have rows of {width} pixels, not {size} pixels")
    flat = pixels.reshape(-1, size // width, width)
    channels = np.empty((len(flat), 2, *flat.shape[1:]), dtype=np.uint8)
    images = max(1, _SLICE // size)
    for first in range(0, len(flat), images):
        part = flat[first : first + images].astype(np.int32)
        difference = part - _means(part, params.window)
        channels[first : first + images, 0] = np.maximum(difference, 0)
        channels[first : first + images, 1] = np.maximum(-difference, 0)
    return channels.reshape(*pixels.shape[:-1], 2 * size)


def _means(images: npt.NDArray[np.int32], window: int) -> npt.NDArray[np.int32]:
    """Return the mean around each pixel, of images of int32, shape (n, rows, columns)."""
    # Sums of all rectangles that begin in the corner: at most 65,536 pixels, 24 bits.
    sums = np.pad(
        images.cumsum(1, dtype=np.int32).cumsum(2, dtype=np.int32), ((0, 0), (1, 0), (1, 0))
    )
    top, bottom = _edges(images.shape[1], window)
    left, right = _edges(images.shape[2], window)
    rows = sums[:, bottom] - sums[:, top]
    count = np.outer(bottom - top, right - left).astype(np.int32)
    means: npt.NDArray[np.int32] = (rows[:, :, right] - rows[:, :, left]) // count
    return means


def _edges(length: int, window: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the window around each place of a line begins and ends, within the line."""
    places = np.arange(length)
    return np.maximum(places - window // 2, 0), np.minimum(places + window // 2 + 1, length)
