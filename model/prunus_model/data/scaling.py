"""From values of any range to grey levels: the one rule by which own data are scaled.

Values of 8 bits stay as they are: 0 is black, 255 is white. So do other integers if those of the
training are all in 0..255. Bits, and floats if those of the training are all in 0..1, have black at
0 and white at 1. Of all other data the smallest value of the training is black, and the largest is
white. These two numbers are the *scale*. It is found from the training split only; the test split
of the same source has the same, and so have all data that a network is tested with whose training
images had such a range: the network's file keeps it. What lies beyond is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError

__all__ = ["BYTES", "UNIT", "Scale", "grey_levels"]

#: Values that are scaled at a time: in float64 they take eight times the memory.
_SLICE = 1 << 20
_WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Which value is black and which is white.

    Parameters
    ----------
    black, white : float
        Values that become the levels 0 and 255; ``black`` is the smaller one.
    measured : bool
        Whether they were measured: the extremes of a training split. Otherwise they are a usual
        range, which all data of that range have, wherever they come from.

    Raises
    ------
    ValueError
        If they are not finite, or not in this order.
    """

    black: float
    white: float
    measured: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.black) and isfinite(self.white) and self.black < self.white):
            raise ValueError(f"Scale must have black below white, not {self.black}, {self.white}")

    @classmethod
    def of(cls, values: npt.NDArray[Any], what: str) -> Scale:
        """Find the scale of a training split.

        Parameters
        ----------
        values : ndarray
            All of its values: bits, integers or floats, checked by :func:`check_values`.
        what : str
            What they are called in messages.

        Raises
        ------
        DataError
            If all values are equal and of no usual range.
        """
        if values.dtype.kind == "b":
            return UNIT
        if values.dtype == np.uint8 or not values.size:
            return BYTES
        low, high = values.min(), values.max()
        usual = UNIT if values.dtype.kind == "f" else BYTES
        if usual.black <= low and high <= usual.white:
            return usual
        if low == high:
            raise DataError(f"{what} must have more than one value, not {low} only")
        return cls(black=float(low), white=float(high), measured=True)


#: Of integers in 0..255, and of bits and of floats in 0..1.
BYTES, UNIT = Scale(black=0, white=_WHITE), Scale(black=0, white=1)


def grey_levels(values: npt.NDArray[Any], scale: Scale) -> tuple[npt.NDArray[np.uint8], float]:
    """Scale values to grey levels: ``floor((value - black) * 255 / (white - black) + 0.5)``.

    Parameters
    ----------
    values : ndarray, shape (n, inputs)
        Bits, integers or floats, finite.
    scale : Scale
        Of the training. What has 8 bits, or one, has its own.

    Returns
    -------
    levels : ndarray of uint8, shape (n, inputs)
        0..255, C-contiguous.
    cut : float
        Share of the values that were below black or above white, 0..1.

    Examples
    --------
    >>> grey_levels(np.array([[-1.0, 1.0, 3.0, 4.0]]), Scale(black=-1, white=3, measured=True))
    (array([[  0, 128, 255, 255]], dtype=uint8), 0.25)
    """
    if values.dtype.kind == "b":
        return np.where(values, np.uint8(_WHITE), np.uint8(0)), 0.0
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values), 0.0
    levels, cut = np.empty(values.shape, np.uint8), 0
    rows = max(1, _SLICE // max(values.shape[1], 1))
    for first in range(0, len(values), rows):
        part = values[first : first + rows].astype(np.float64)
        cut += int(np.count_nonzero((part < scale.black) | (part > scale.white)))
        part = np.floor((part - scale.black) * _WHITE / (scale.white - scale.black) + 0.5)
        levels[first : first + rows] = np.clip(part, 0, _WHITE)
    return levels, cut / max(values.size, 1)
