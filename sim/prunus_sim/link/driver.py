"""A device behind a link in the simulator, as Python sees it."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import Timer

from prunus_sim.link.testbench import RX_OCTETS

__all__ = ["LinkSimulation"]

#: Most cycles of an order: how long a host waits for attention while an image is shown.
_CHUNK = 20_000
#: Cycles without a byte after which a device has nothing to do: no request takes longer.
_QUIET = 8192


class LinkSimulation:
    """A device in the simulator.

    Parameters
    ----------
    tb : cocotb handle
        The module that :func:`prunus_sim.link.testbench.testbench` writes.
    byte_cycles : int
        Most cycles in which the device takes a byte.

    Attributes
    ----------
    shows : bool
        Whether an image is shown.
    rests : bool
        Whether the device has nothing to do.
    """

    def __init__(self, tb: Any, *, byte_cycles: int = 16) -> None:
        self._tb = tb
        self._byte_cycles = byte_cycles
        self._orders = 0
        self.shows = False
        self.rests = True

    @property
    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return int(self._tb.cycles.value)

    async def run(self, octets: bytes = b"", *, limit: int = _CHUNK, quiet: int = _QUIET) -> bytes:
        """Send bytes and run until there is an answer, or nothing to do, or the time is over.

        Parameters
        ----------
        octets : bytes
            Up to :data:`prunus_sim.link.testbench.RX_OCTETS`.
        limit, quiet : int
            Most cycles, and cycles without a byte after which nothing is to be expected.

        Returns
        -------
        bytes
            What the device has said.
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
        self._orders += 1
        tb.order.value = self._orders
        await tb.done.value_change
        self.shows = bool(tb.shows.value)
        self.rests = bool(tb.rests.value)
        count = int(tb.tx_count.value)
        return int(tb.tx_octets.value).to_bytes(len(tb.tx_octets) // 8, "little")[:count]
