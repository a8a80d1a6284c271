"""A simulator of saccades: images become events in the format of N-MNIST. Synthetic data.

A camera that moves before an image, as those of N-MNIST did (G. Orchard et al., Front. Neurosci.
9:437, 2015): three straight movements of 100 ms each, from corner to corner of a triangle. A pixel
emits an event whenever the logarithm of its brightness has changed by a threshold since its last
one. In integers, without noise; the same image makes the same events everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from prunus_model.data.events.recording import Recording

__all__ = ["FRAME", "SIDE", "simulate"]

#: Width and height of the sensor.
FRAME = (34, 34)
#: Corners of the path, right and down, in pixels; an image of 28 x 28 never leaves the frame.
_PATH = ((0, 0), (3, 6), (6, 0), (0, 0))
_SACCADE_US, _FRAME_US = 100_000, 2_000
#: Pixels of a side of an image: the frame without the path.
SIDE = 28
#: Sixteenths of an octave of brightness that make an event.
_THRESHOLD = 12
#: Grey levels that the dark gives: noise of the sensor below which nothing is seen.
_DARK = 16
#: Images simulated at a time, so that memory stays small.
_BATCH = 64


def simulate(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], *, name: str
) -> Iterator[Recording]:
    """Simulate the events of images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey levels; they are placed in the middle of 28 x 28 pixels.
    labels : ndarray of uint8, shape (n,)
        Classes.
    name : str
        For messages.

    Yields
    ------
    Recording
        Of each image, in order. One without events, as of an image that is black, can't be.

    Raises
    ------
    ValueError
        If images are larger than 28 x 28 pixels.
    DataError
        If an image has no contrast: it makes no event.
    """
    height, width = images.shape[1:]
    if height > SIDE or width > SIDE:
        raise ValueError(f"Images must be at most {SIDE} x {SIDE} pixels, not {width} x {height}")
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    for start in range(0, len(images), _BATCH):
        some = images[start : start + _BATCH]
        # One pixel more on each side, for the fractions.
        scene = np.zeros((len(some), FRAME[1] + 1, FRAME[0] + 1), dtype=np.int32)
        scene[:, top : top + height, left : left + width] = some
        number, t, y, x, p = _events(scene)
        bounds = np.searchsorted(number, np.arange(len(some) + 1))
        for k in range(len(some)):
            part = slice(bounds[k], bounds[k + 1])
            yield Recording(
                name=f"{name}[{start + k}]",
                t=t[part],
                x=x[part],
                y=y[part],
                p=p[part],
                label=int(labels[start + k]),
                frame=FRAME,
            )


def _events(scene: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], ...]:
    """Return number of the image, time, row, column and polarity of all events, in this order."""
    logarithm = _logarithms()
    # What each pixel was at when it last emitted, or at the beginning.
    last = logarithm[_shifted(scene, 0, 0)]
    found = []
    frames = _SACCADE_US // _FRAME_US
    for k in range(1, (len(_PATH) - 1) * frames + 1):
        saccade, at = divmod(k, frames)
        if at == 0:
            saccade, at = saccade - 1, frames
        (x0, y0), (x1, y1) = _PATH[saccade], _PATH[saccade + 1]
        right, down = (256 * a + 256 * (b - a) * at // frames for a, b in ((x0, x1), (y0, y1)))
        now = logarithm[_shifted(scene, down, right)]
        change = now - last
        count = np.abs(change) // _THRESHOLD
        last += np.sign(change) * count * _THRESHOLD
        where = np.nonzero(count)
        times = np.repeat(count[where], count[where])
        number, y, x = (np.repeat(values, count[where]) for values in where)
        # Those of one pixel are spread over the time since the last look.
        ends = np.cumsum(count[where])
        order = np.arange(len(times)) - np.repeat(ends - count[where], count[where])
        t = (k - 1) * _FRAME_US + (order + 1) * _FRAME_US // (times + 1)
        found.append((number, t, y, x, np.repeat(change[where] > 0, count[where])))
    number, t, y, x, p = (
        np.concatenate(values).astype(np.int64) for values in zip(*found, strict=True)
    )
    by_time = np.lexsort((x, y, t, number))
    return number[by_time], t[by_time], y[by_time], x[by_time], p[by_time]


def _shifted(scene: npt.NDArray[np.int32], down: int, right: int) -> npt.NDArray[np.int32]:
    """Return scenes that are moved by so many 256ths of a pixel, between four pixels each."""
    rows, columns = down >> 8, right >> 8
    moved = np.zeros_like(scene)
    moved[:, rows:, columns:] = scene[:, : scene.shape[1] - rows, : scene.shape[2] - columns]
    above, before = np.zeros_like(moved), down & 255
    above[:, 1:] = moved[:, :-1]
    vertical = (256 - before) * moved + before * above
    beside, before = np.zeros_like(vertical), right & 255
    beside[:, :, 1:] = vertical[:, :, :-1]
    both = (256 - before) * vertical + before * beside
    inside: npt.NDArray[np.int32] = both[:, : FRAME[1], : FRAME[0]] >> 16
    return inside


def _logarithms() -> npt.NDArray[np.int32]:
    """Return 16 times the binary logarithm of each grey level above the dark, rounded down."""
    return np.array([((_DARK + grey) ** 16).bit_length() for grey in range(256)], dtype=np.int32)
