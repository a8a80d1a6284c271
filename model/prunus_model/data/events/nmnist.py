"""Files of N-MNIST and N-Caltech101: five bytes for each event.

``x``, ``y``, then a bit of polarity and 23 bits of microseconds, the highest first (G. Orchard et
al., Front. Neurosci. 9:437, 2015). An event with ``y`` 240 is none: it says that the counter of
time has overflowed, by 2^13 microseconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.events.recording import Recording

__all__ = ["FRAMES", "pack", "parse"]

#: Frames of the two data sets: width, height.
FRAMES = ((34, 34), (240, 180))
_BYTES = 5
_OVERFLOW_Y, _OVERFLOW_BITS = 240, 13
_TIME_BITS = 23


def parse(content: bytes, name: str, *, label: int | None = None) -> Recording:
    """Read a file.

    Parameters
    ----------
    content : bytes
        What is in it.
    name : str
        For messages.
    label : int, optional
        Class.

    Raises
    ------
    DataError
        If it is cut off, or has events that can't be.
    """
    if len(content) % _BYTES:
        raise DataError(
            f"File {name} must have {_BYTES} bytes for each event, not {len(content)} bytes"
        )
    octets = np.frombuffer(content, np.uint8).reshape(-1, _BYTES).astype(np.int64)
    x, y, high, middle, low = octets.T
    marks = y == _OVERFLOW_Y
    t = (high & 127) << 16 | middle << 8 | low
    t += np.cumsum(marks) << _OVERFLOW_BITS
    x, y, t, p = (values[~marks] for values in (x, y, t, high >> 7))
    inside = [f for f in FRAMES if not len(x) or (x.max() < f[0] and y.max() < f[1])]
    if not inside:
        raise DataError(
            f"Events of {name} must be in {' or '.join(f'{w} x {h}' for w, h in FRAMES)} pixels "
            f"(N-MNIST, N-Caltech101), but x goes to {x.max()} and y to {y.max()}"
        )
    return Recording(name=name, t=t, x=x, y=y, p=p, label=label, frame=inside[0])


def pack(
    t: npt.NDArray[np.int64],
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    p: npt.NDArray[np.int64],
) -> bytes:
    """Return the content of a file: the inverse of :func:`parse`, without overflows.

    Raises
    ------
    ValueError
        If a value has too many bits, or ``y`` is the mark of an overflow.
    """
    for name, values, end in (
        ("t", t, 1 << _TIME_BITS),
        ("x", x, 256),
        ("y", y, _OVERFLOW_Y),
        ("p", p, 2),
    ):
        if values.size and not 0 <= values.min() <= values.max() < end:
            raise ValueError(f"{name} must be in 0..{end - 1}, not {values.min()}..{values.max()}")
    high = p << 7 | t >> 16
    return np.stack([x, y, high, t >> 8 & 255, t & 255], axis=1).astype(np.uint8).tobytes()
