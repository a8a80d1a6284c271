"""Properties of the core: its output spikes obey the rules of streams."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module

from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.core.core import Core
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import small, stream_rules

__all__ = ["CASES", "CoreProperties"]


class CoreProperties(Properties):
    """Output spikes are held until they are taken, whatever the other streams do.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware, with events as the source.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        super().__init__(
            free={
                "valid": 3,
                "event": shapes.event,
                "control": shapes.control,
                "request": request_layout(shapes),
                "ready": 3,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        m.submodules.unit = unit = Core(network=s.network, hardware=s.hardware)
        m.d.comb += [
            unit.events.valid.eq(self.valid[0]),
            unit.events.payload.eq(self.event),
            unit.control.valid.eq(self.valid[1]),
            unit.control.payload.eq(self.control),
            unit.requests.valid.eq(self.valid[2]),
            unit.requests.payload.eq(self.request),
            unit.spikes.ready.eq(self.ready[0]),
            unit.result.ready.eq(self.ready[1]),
            unit.answers.ready.eq(self.ready[2]),
        ]
        stream_rules(m, unit.spikes, name="spikes")
        return m


CASES = (
    Case(
        name="output spikes are held",
        sizes="2 pre, 2 neurons, 1 lane, events",
        build=lambda: CoreProperties(
            shapes=small(inputs=2, neurons=2, lanes=1, hardware={"source": "events"})
        ),
        bmc=3,
        induction=2,
        cover=45,
    ),
)
