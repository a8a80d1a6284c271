"""A recording: the events of one presentation, as a sensor gave them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError

__all__ = ["Recording", "integers"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Events of one presentation.

    Attributes
    ----------
    name : str
        File, and number in it, for messages.
    t : ndarray of int64, shape (n,)
        Microseconds.
    x, y : ndarray of int64, shape (n,)
        Column and row.
    p : ndarray of int64, shape (n,)
        Polarity: 1 is on, 0 off.
    label : int, optional
        Class.
    frame : tuple of int, optional
        Width and height, if the file tells them.
    polar : bool
        Whether there are polarities at all.

    Raises
    ------
    DataError
        If there is no event, events are not in the order of time or not equally many of each kind,
        a place is negative, or a polarity is neither 0 nor 1.
    """

    name: str
    t: npt.NDArray[np.int64]
    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.int64]
    p: npt.NDArray[np.int64]
    label: int | None = None
    frame: tuple[int, int] | None = None
    polar: bool = True

    def __post_init__(self) -> None:
        if len({self.t.shape, self.x.shape, self.y.shape, self.p.shape}) > 1 or self.t.ndim != 1:
            shapes = ", ".join(str(getattr(self, name).shape) for name in "txyp")
            raise DataError(f"Arrays t, x, y, p of {self.name} must be equally long, not {shapes}")
        if not len(self.t):
            raise DataError(f"Recording {self.name} must have at least one event")
        early = np.flatnonzero(self.t[1:] < self.t[:-1])
        if len(early):
            # Sorting them would hide a counter of time that has overflowed.
            k = int(early[0]) + 1
            raise DataError(
                f"Event {k} of {self.name} must not be earlier than the one before it, but has "
                f"time {self.t[k]} after {self.t[k - 1]}: out of order, or an overflow"
            )
        for axis, places in (("x", self.x), ("y", self.y)):
            if len(wrong := np.flatnonzero(places < 0)):
                raise DataError(
                    f"Event {wrong[0]} of {self.name} must have {axis} of 0 or more, "
                    f"not {places[wrong[0]]}"
                )
        wrong = np.flatnonzero((self.p < 0) | (self.p > 1))
        if len(wrong):
            raise DataError(
                f"Polarity of event {wrong[0]} of {self.name} must be 0 or 1, "
                f"not {self.p[wrong[0]]}"
            )

    def __len__(self) -> int:
        return len(self.t)

    def check_frame(self, width: int, height: int) -> None:
        """Check that all events are in a frame.

        Raises
        ------
        DataError
            If one is not.
        """
        for axis, places, size, key in (
            ("x", self.x, width, "width"),
            ("y", self.y, height, "height"),
        ):
            wrong = np.flatnonzero(places >= size)
            if len(wrong):
                raise DataError(
                    f"Event {wrong[0]} of {self.name} must have {axis} in 0..{size - 1} "
                    f"(encoder.events.{key} {size}), not {places[wrong[0]]}"
                )


def integers(values: npt.NDArray[Any], what: str) -> npt.NDArray[np.int64]:
    """Return integers of any width, or bits, as int64.

    Raises
    ------
    DataError
        If they are something else, or too large.
    """
    if values.dtype.kind not in "iub":
        raise DataError(f"{what} must be integers, not {values.dtype}")
    if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
        raise DataError(f"{what} must be below 2^63, not {values.max()}")
    return values.astype(np.int64)
