"""A core behind a serial line: what a board puts between its clock and its pins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.counts.memories import MemoryUse
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_rtl.link.system import System, link_memories
from prunus_rtl.widths import Widths

__all__ = ["QueuedSystem", "SerialSystem", "serial_memories"]


def serial_memories(widths: Widths) -> list[MemoryUse]:
    """Return the memories of the link behind a serial line: with the queue of bytes."""
    queue = MemoryUse(name="link_queue", depths=(QUEUE_BYTES,), width=8)
    return [*link_memories(widths), queue]


class QueuedSystem(wiring.Component):
    """A core, its link, and a queue: what all kinds of lines have behind them.

    Timing
    ------
    As :class:`prunus_rtl.link.system.System` and :class:`prunus_rtl.link.phy.queue.ReceiveQueue`.

    Parameters
    ----------
    pins : dict of str to In or Out
        Pins of the line.
    plan : Plan
        The core, and initial contents of its memories.
    clock_hz : int
        Clock that the core tells; 0 if it is not known.
    network : bytes, optional
        Hash that the core tells at power-on; as of :class:`prunus_rtl.link.system.System`.

    Members
    -------
    running : Out(1)
        A presentation runs.
    """

    def __init__(
        self,
        pins: Mapping[str, wiring.Member],
        *,
        plan: Plan,
        clock_hz: int = 0,
        network: bytes | None = None,
    ) -> None:
        self._system = System(plan=plan, clock_hz=clock_hz, network=network)
        super().__init__({**pins, "running": Out(1)})

    @property
    def description(self) -> CoreDescription:
        """Description of the core."""
        description: CoreDescription = self._system.description
        return description

    def _join(
        self,
        m: Module,
        *,
        received: stream.Interface,
        sent: stream.Interface,
        **line: wiring.Component,
    ) -> System:
        """Put core and queue between the octets from a line, whose units are named, and to it."""
        m.submodules.system = system = self._system
        for name, unit in line.items():
            m.submodules[name] = unit
        m.submodules.queue = queue = ReceiveQueue(depth=QUEUE_BYTES)
        wiring.connect(m, received, queue.i)
        wiring.connect(m, queue.o, system.rx)
        wiring.connect(m, system.tx, sent)
        return system


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
