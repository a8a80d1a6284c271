"""A core behind SPI: what a board puts between its clock and its pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.spi import SpiPeripheral
from prunus_rtl.link.queued_system import QueuedSystem

__all__ = ["SpiSystem"]


class SpiSystem(QueuedSystem):
    """A core, its link, and an SPI peripheral.

    Frames are those of the serial line. The host sends bytes 0 to fetch an answer; none of them
    takes a place in the queue.

    Timing
    ------
    As :class:`prunus_rtl.link.phy.spi.SpiPeripheral`: a bit takes at least
    :data:`prunus_rtl.link.phy.spi.MIN_CYCLES` cycles. An answer is there without a filler in a
    frame, as the link gives a byte every second cycle. No combinational path from pin to pin.
    Clock domain ``sync``.

    Parameters
    ----------
    plan : Plan
        The core, and initial contents of its memories.
    clock_hz : int
        Clock that the core tells; 0 if it is not known.
    network : bytes, optional
        Hash that the core tells at power-on; as of :class:`prunus_rtl.link.system.System`.

    Members
    -------
    sck, cs, mosi : In(1)
        From the host; asynchronous. Chip select ``cs`` is active low.
    miso : Out(1)
        To the host.
    selected : Out(1)
        ``miso`` is to be driven.
    running : Out(1)
        A presentation runs.
    """

    def __init__(self, *, plan: Plan, clock_hz: int = 0, network: bytes | None = None) -> None:
        pins = {"sck": In(1), "cs": In(1, init=1), "mosi": In(1)}
        pins |= {"miso": Out(1), "selected": Out(1)}
        super().__init__(pins, plan=plan, clock_hz=clock_hz, network=network)

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        spi = SpiPeripheral()
        system = self._join(m, received=spi.octets_in, sent=spi.octets_out, spi=spi)
        m.d.comb += [
            spi.sck.eq(self.sck),
            spi.cs.eq(self.cs),
            spi.mosi.eq(self.mosi),
            self.miso.eq(spi.miso),
            self.selected.eq(spi.selected),
            self.running.eq(system.running),
        ]
        return m
