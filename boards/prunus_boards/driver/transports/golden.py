"""The golden model as a device."""

from __future__ import annotations

from prunus_boards.driver.transports.base import Transport
from prunus_boards.driver.transports.emulator import Emulator
from prunus_rtl.export.plan import Plan

__all__ = ["GoldenTransport"]


class GoldenTransport(Transport):
    """An emulated device in this process.

    Parameters
    ----------
    plan : Plan
        Core, and initial contents of its memories.
    clock_hz : int
        Clock that it tells. 0: none.
    """

    def __init__(self, plan: Plan, *, clock_hz: int = 0) -> None:
        self.name = "golden"
        self.patience = 0.01
        self.presentation_patience = 0.01
        self._emulator = Emulator(plan, clock_hz=clock_hz)
        self._answers = bytearray()

    @property
    def emulator(self) -> Emulator:
        """The device."""
        return self._emulator

    def write(self, octets: bytes) -> None:
        """Send bytes; they are answered at once."""
        self._answers += self._emulator.feed(octets)

    def read(self, timeout: float) -> bytes:
        """Return what has come; what has not will not come later either."""
        octets = bytes(self._answers)
        self._answers.clear()
        return octets

    def close(self) -> None:
        """Do nothing."""
