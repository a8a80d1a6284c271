"""Drives the testbench of a device behind a link."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import Timer

from prunus_sim.link.testbench import RX_OCTETS

__all__ = ["LinkDriver"]

#: Most cycles of a command: how long a host waits while a presentation runs.
_CHUNK = 20_000
#: Most cycles between two commands. Bytes of a device with serial pins would be lost in many more.
_GAP = 8
#: Cycles without a byte after which a device is idle: no request takes longer.
_QUIET = 8192


class LinkDriver:
    """Drives a device in the simulator.

    Parameters
    ----------
    tb : cocotb handle
        The testbench (:mod:`prunus_sim.link.testbench`).
    byte_cycles : int
        Most cycles in which the device takes a byte.

    Attributes
    ----------
    presenting : bool
        Whether a presentation runs.
    due : int
        Frames that were sent and not answered; 0 when the device is idle.
    idle : bool
        Whether the device has nothing to do.
    taken : int
        Bytes of the last command that were sent. The others must be sent again: a device that shows
        an image may take none for longer than a command lasts.
    """

    def __init__(self, tb: Any, *, byte_cycles: int = 16) -> None:
        self._tb = tb
        self._byte_cycles = byte_cycles
        self._commands = 0
        self._ended: int | None = None
        self.presenting = False
        self.due = 0
        self._begun = {"to": False, "from": False}
        self.idle = True
        self.taken = 0

    @property
    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return int(self._tb.cycles.value)

    async def run(self, octets: bytes = b"", *, limit: int = _CHUNK, quiet: int = _QUIET) -> bytes:
        """Send bytes, and run until the device answers or is idle, or the limit is reached.

        Parameters
        ----------
        octets : bytes
            Up to :data:`prunus_sim.link.testbench.RX_OCTETS`.
        limit, quiet : int
            Most cycles, and cycles without a byte after which the device is idle.

        Returns
        -------
        bytes
            Bytes from the device.

        Raises
        ------
        ValueError
            If there are too many bytes.
        RuntimeError
            If the simulation did not stand still since the last command.
        """
        if len(octets) > RX_OCTETS:
            raise ValueError(f"Bytes must be at most {RX_OCTETS}, not {len(octets)}")
        tb = self._tb
        tb.rx_count.value = len(octets)
        if octets:
            tb.rx_octets.value = int.from_bytes(octets, "little")
        tb.limit.value = limit + self._byte_cycles * len(octets)
        tb.quiet.value = quiet
        await Timer(1, "ns")
        if self._ended is not None and self.cycles - self._ended > _GAP:
            gap = self.cycles - self._ended
            raise RuntimeError(f"Clock must have at most {_GAP} cycles in 1 ns, not {gap}")
        self._commands += 1
        tb.command.value = self._commands
        await tb.done.value_change
        self._ended = self.cycles
        self.presenting = bool(tb.presenting.value)
        self.idle = bool(tb.at_rest.value)
        count = int(tb.tx_count.value)
        answer = int(tb.tx_octets.value).to_bytes(len(tb.tx_octets) // 8, "little")[:count]
        self.taken = int(tb.rx_at.value)
        self.due += self._frames("to", octets[: self.taken]) - self._frames("from", answer)
        if self.idle:
            self.due = 0
        return answer

    def _frames(self, way: str, octets: bytes) -> int:
        """Count the frames that end in these bytes."""
        found = 0
        for octet in octets:
            found += octet == 0 and self._begun[way]
            self._begun[way] = octet != 0
        return found
