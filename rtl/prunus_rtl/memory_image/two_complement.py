"""Signed numbers as words of a memory: two's complement. No gateware."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import max_of

__all__ = ["signed_values", "words_of_signed"]


def words_of_signed(values: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int64]:
    """Return the words of ``bits`` bits that hold numbers; those that are not negative as they are.

    Examples
    --------
    >>> words_of_signed(np.array([3, -1, -4]), 3).tolist()
    [3, 7, 4]
    """
    words: npt.NDArray[np.int64] = values.astype(np.int64) & max_of(bits)
    return words


def signed_values(words: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int64]:
    """Return the signed numbers that words hold: the inverse of :func:`words_of_signed`.

    Examples
    --------
    >>> signed_values(np.array([3, 7, 4]), 3).tolist()
    [3, -1, -4]
    """
    values = words.astype(np.int64)
    found: npt.NDArray[np.int64] = values - (values >> bits - 1 << bits)
    return found
