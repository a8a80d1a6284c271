"""Events of a presentation as they go over the host link: items of 16 bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["END_OF_STEP", "ITEM_BYTES", "pack_items"]

#: Bytes of an item.
ITEM_BYTES = 2
#: Item that ends a step. No input has this number: a core behind a link has fewer.
END_OF_STEP = 0xFFFF


def pack_items(events: Iterable[Sequence[int] | npt.NDArray[np.integer[Any]]]) -> bytes:
    """Return the items of steps: of each its inputs in ascending order, then its end.

    Parameters
    ----------
    events : iterable of sequences of int
        For each step the inputs that spike, in any order, each at most once.

    Examples
    --------
    >>> pack_items([[4, 0], []]).hex(" ")
    '00 00 04 00 ff ff ff ff'
    """
    steps = [np.append(np.sort(np.asarray(pres, dtype=np.int64)), END_OF_STEP) for pres in events]
    return b"".join(step.astype("<u2").tobytes() for step in steps)
