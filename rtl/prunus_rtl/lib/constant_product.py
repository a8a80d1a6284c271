"""Products with constants as sums of shifts: canonical signed digits, and factors."""

from __future__ import annotations

from functools import cache
from typing import Any

from amaranth.hdl import Const

__all__ = ["times"]


def times(value: Any, constant: int) -> Any:
    """Return a value times a constant that is not negative, as a sum of shifts.

    Synthesis would take a multiplier block for ``*``. The number of adders is the least that
    canonical signed digits and factors ``2**k - 1`` and ``2**k + 1`` give: 330 is 2 * 5 * 33, two
    adders, where its four ones would take three.
    """
    if not constant:
        return Const(0)
    low = (constant & -constant).bit_length() - 1
    constant >>= low
    for shift, digit in _adders(constant):
        value = (value << shift) + value if digit > 0 else (value << shift) - value
        constant //= (1 << shift) + digit
    digits = []
    while constant:
        digit = 2 - (constant & 3) if constant & 1 else 0
        digits.append(digit)
        constant = (constant - digit) >> 1
    # The highest digit is never negative.
    total: Any = None
    for at in reversed(range(len(digits))):
        if digits[at]:
            term = value << (low + at)
            total = term if total is None else total + term if digits[at] > 0 else total - term
    return total


@cache
def _adders(constant: int) -> tuple[tuple[int, int], ...]:
    """Return the factors ``(2**shift + digit)`` that an odd constant is best taken apart into."""

    def adders(factors: tuple[tuple[int, int], ...]) -> int:
        rest = constant
        for shift, digit in factors:
            rest //= (1 << shift) + digit
        # Ones of 3n ^ n are the digits of n that are not 0, in canonical form.
        return len(factors) + (3 * rest ^ rest).bit_count() - 1

    found: list[tuple[tuple[int, int], ...]] = [()]
    for shift in range(2, constant.bit_length() + 1):
        for digit in (-1, 1):
            factor = (1 << shift) + digit
            if constant % factor == 0:
                found.append(((shift, digit), *_adders(constant // factor)))
    return min(found, key=adders)
