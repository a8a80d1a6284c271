"""System: a core and its end of the host link."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.counts.memories import MemoryUse
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.endpoint.events import QUEUED_ITEMS
from prunus_rtl.link.endpoint.log import SPIKES_AT
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.protocol import BUFFER_BYTES, SPIKE
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.widths import Widths

__all__ = ["System", "link_memories"]


def link_memories(widths: Widths) -> list[MemoryUse]:
    """Return the memories of the link.

    The message buffer, the log of identity and output spikes, and with events a queue of them.
    """
    octets = SPIKES_AT + SPIKE.size * widths.network.presentation_spikes()
    found = [
        MemoryUse(name="link_buffer", depths=(2 * BUFFER_BYTES,), width=8),
        MemoryUse(name="link_log", depths=(octets,), width=8),
    ]
    if widths.hardware.source == "events":
        found.append(
            MemoryUse(name="link_events", depths=(QUEUED_ITEMS,), width=widths.pre_bits + 1)
        )
    return found


class System(wiring.Component):
    """A core behind a stream of octets.

    What goes over it is :mod:`prunus_rtl.link.protocol.protocol`. Boards add pins, the simulator a
    file.

    Timing
    ------
    As :class:`prunus_rtl.link.endpoint.endpoint.Endpoint` and :class:`prunus_rtl.core.core.Core`.
    Clock domain ``sync``.

    Parameters
    ----------
    plan : Plan
        The core, and the initial contents of its memories.
    clock_hz : int
        Clock, for the identity block. 0: none.
    network : bytes, optional
        Content hash of the network that is there at power-on, for the identity block. Default:
        that of the plan; all 0 if the packed store is in SPRAM, which starts without contents.

    Members
    -------
    rx, tx : In(stream.Signature(8)), Out(stream.Signature(8))
        From and to the host.
    running : Out(1)
        A presentation runs.

    Raises
    ------
    ValueError
        If the hash is not one.
    """

    def __init__(self, *, plan: Plan, clock_hz: int = 0, network: bytes | None = None) -> None:
        self._plan = plan
        self._description = CoreDescription.of(plan, clock_hz=clock_hz)
        hash_bytes = Identity.FORMAT.size - Identity.NETWORK_AT
        if network is None:
            loaded = bytes.fromhex(plan.artifact.content_hash)
            network = bytes(hash_bytes) if plan.hardware.spram else loaded
        if len(network) != hash_bytes:
            raise ValueError(f"Hash of the network must be {hash_bytes} bytes, not {len(network)}")
        self._network = network
        octets = stream.Signature(8)
        super().__init__({"rx": In(octets), "tx": Out(octets), "running": Out(1)})

    @property
    def plan(self) -> Plan:
        """The core, and the initial contents of its memories."""
        return self._plan

    @property
    def description(self) -> CoreDescription:
        """What a host must know."""
        return self._description

    def elaborate(self, platform: Any) -> Module:
        """Build the system."""
        m = Module()
        core = self._plan.core()
        m.submodules.endpoint = endpoint = Endpoint(
            shapes=core.shapes, identity=self._description.identity(self._network)
        )
        m.submodules.core = ResetInserter(endpoint.reset_core)(core)
        for name in (core.hardware.source, "control", "spikes", "result", "requests", "answers"):
            wiring.connect(m, getattr(endpoint, name), getattr(core, name))
        wiring.connect(m, wiring.flipped(self.rx), endpoint.rx)
        wiring.connect(m, wiring.flipped(self.tx), endpoint.tx)
        m.d.comb += self.running.eq(endpoint.running)
        return m
