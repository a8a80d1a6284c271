"""Ways to a device: what every one of them can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from prunus_model.common.errors import PrunusError

__all__ = ["Closing", "Transport", "TransportError"]


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
        Seconds after which an answer is given up.
    presentation_patience : float
        Seconds after which a presentation is given up.
    """

    name: str
    patience: float
    presentation_patience: float

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
