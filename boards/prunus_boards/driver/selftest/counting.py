"""A way to a device that counts what goes over it."""

from __future__ import annotations

from prunus_boards.driver.transports.base import Transport

__all__ = ["CountingTransport"]


class CountingTransport(Transport):
    """Another way, with the bytes counted.

    Parameters
    ----------
    inner : Transport
        The way.

    Attributes
    ----------
    sent, received : int
        Bytes so far.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.name = inner.name
        self.patience = inner.patience
        self.presentation_patience = inner.presentation_patience
        self.attempts = inner.attempts
        self.clock = inner.clock
        self.sent = 0
        self.received = 0

    def write(self, octets: bytes) -> None:
        """Send bytes."""
        self.sent += len(octets)
        self._inner.write(octets)

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        octets = self._inner.read(timeout)
        self.received += len(octets)
        return octets

    def close(self) -> None:
        """Give the device free."""
        self._inner.close()
