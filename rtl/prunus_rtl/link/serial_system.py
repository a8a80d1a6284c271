"""A core behind a serial line: what a board puts between its clock and its pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.queued_system import QueuedSystem

__all__ = ["SerialSystem"]


class SerialSystem(QueuedSystem):
    """A core, its link, and a UART: 8 data bits, no parity, 1 stop bit, no flow control.

    The link takes a byte faster than the next one can come, and while it carries out a request
    :data:`prunus_rtl.link.protocol.protocol.QUEUE_BYTES` bytes are queued, so that none is lost of
    a host that keeps to that.

    Timing
    ------
    A byte takes ``10 * divisor`` cycles each way. No combinational path from pin to pin. Clock
    domain ``sync``.

    Parameters
    ----------
    plan : Plan
        The core, and initial contents of its memories.
    divisor : int
        Cycles of a bit.
    clock_hz : int
        Clock that the core tells; 0 if it is not known.
    network : bytes, optional
        Hash that the core tells at power-on; as of :class:`prunus_rtl.link.system.System`.

    Members
    -------
    rx : In(1)
        From the host; asynchronous.
    tx : Out(1)
        To the host.
    running : Out(1)
        A presentation runs.
    """

    def __init__(
        self, *, plan: Plan, divisor: int, clock_hz: int = 0, network: bytes | None = None
    ) -> None:
        self._divisor = divisor
        pins = {"rx": In(1), "tx": Out(1)}
        super().__init__(pins, plan=plan, clock_hz=clock_hz, network=network)

    @property
    def divisor(self) -> int:
        """Cycles of a bit."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        receiver = UartReceiver(divisor=self._divisor)
        transmitter = UartTransmitter(divisor=self._divisor)
        system = self._join(
            m,
            received=receiver.octets,
            sent=transmitter.octets,
            receiver=receiver,
            transmitter=transmitter,
        )
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.running.eq(system.running),
        ]
        return m
