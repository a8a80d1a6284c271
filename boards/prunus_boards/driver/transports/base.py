"""Ways to a device: what every one of them can do."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

from prunus_boards.driver.deadline import Deadline
from prunus_model.common.errors import PrunusError

__all__ = ["ATTEMPTS", "PRESENTATION_PATIENCE", "Closing", "Transport", "TransportError"]

#: How often a request is sent before the device is given up.
ATTEMPTS = 5
#: Seconds after which a presentation is given up, unless the user asks for more: that of 400
#: neurons takes the slowest board less than one.
PRESENTATION_PATIENCE = 8.0


class TransportError(PrunusError):
    """There is no way to the device, or not any more."""


class Closing(ABC):
    """Something that is closed where ``with`` ends."""

    @abstractmethod
    def close(self) -> None:
        """Give the device free. Can be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Transport(Closing):
    """Bytes to a device and back.

    Attributes
    ----------
    name : str
        Where the device is, for messages.
    patience : float
        Seconds after which an answer is given up, and a line that sends without being asked.
    presentation_patience : float
        Seconds after which a presentation is given up.
    attempts : int
        How often a request is sent before the device is given up.
    clock : function
        Seconds that never go back, by which deadlines are kept.
    """

    name: str
    patience: float
    presentation_patience: float
    attempts: int = ATTEMPTS
    clock: Callable[[], float] = time.monotonic

    def deadline(self, seconds: float) -> Deadline:
        """Return a deadline so many seconds from now."""
        return Deadline(seconds, clock=self.clock)

    @abstractmethod
    def write(self, octets: bytes) -> None:
        """Send bytes. What is not taken within ``patience`` is lost, as on the way.

        Raises
        ------
        TransportError
            If the device is gone.
        """

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """Return what has come, at least one byte; nothing after ``timeout`` seconds.

        With a ``timeout`` of 0, return what is there already.

        Raises
        ------
        TransportError
            If the device is gone.
        """
