"""Deadlines: every loop that waits for a device, or drains what it sends, has one."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Deadline"]


class Deadline:
    """A time by which something must be over.

    Parameters
    ----------
    seconds : float
        From now on.
    clock : function
        Returns seconds that never go back. Default: those of this machine.

    Examples
    --------
    >>> seconds = iter([10.0, 11.5, 14.0])
    >>> deadline = Deadline(3.0, clock=lambda: next(seconds))
    >>> deadline.left, deadline.over
    (1.5, True)
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._start = clock()

    @property
    def passed(self) -> float:
        """Seconds that have passed."""
        return self._clock() - self._start

    @property
    def left(self) -> float:
        """Seconds that are left; 0 if it is over."""
        return max(0.0, self.seconds - self.passed)

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return self.left == 0.0
