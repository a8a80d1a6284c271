"""A core, its link, and a queue: what all kinds of lines have behind them."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from prunus_rtl.counts.memories import MemoryUse
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_rtl.link.system import System, link_memories
from prunus_rtl.widths import Widths

__all__ = ["QueuedSystem", "queued_memories"]


def queued_memories(widths: Widths) -> list[MemoryUse]:
    """Return the memories of the link behind a line: with the queue of bytes."""
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
