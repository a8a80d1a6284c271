"""Ways to a device: what every one of them can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from prunus_model.errors import PrunusError

__all__ = ["Transport", "TransportError"]


class TransportError(PrunusError):
    """There is no way to the device, or not any more."""


class Transport(ABC):
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
        """Send bytes.

        Raises
        ------
        TransportError
            If the device is gone.
        """

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """Return what has come, at least one byte; nothing after ``timeout`` seconds.

        Raises
        ------
        TransportError
            If the device is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the device free. Can be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
