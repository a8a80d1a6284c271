"""Properties of the memory port: its answers obey the rules of streams."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Module, Signal

from prunus_rtl.bus.memory_port import MemoryPort
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, small, stream_rules

__all__ = ["CASES", "MemoryPortProperties"]


class MemoryPortProperties(Properties):
    """Answers are held until they are taken, whatever the units answer.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        self._units = [space.name.lower() for space in spaces(shapes)]
        free: dict[str, Any] = {"valid": 1, "request": 64, "enable": 1, "ready": 1}
        free |= {f"{name}_done": 1 for name in self._units}
        free |= {f"{name}_value": 32 for name in self._units}
        super().__init__(free=free, probes={"state": ("unit.memory_port_state", 2)})

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        m.submodules.unit = unit = MemoryPort(shapes=self._shapes)
        m.d.comb += [
            unit.enable.eq(self.enable),
            unit.requests.valid.eq(self.valid),
            unit.requests.payload.eq(self.request),
            unit.answers.ready.eq(self.ready),
        ]
        for name in self._units:
            access = getattr(unit, name)
            m.d.comb += [
                access.done.eq(getattr(self, f"{name}_done")),
                access.value.eq(getattr(self, f"{name}_value")),
            ]
        stream_rules(m, unit.answers, name="answers")
        taken = unit.requests.valid & unit.requests.ready
        answered = unit.answers.valid & unit.answers.ready
        owed = Signal(2)
        m.d.sync += owed.eq(owed + taken - answered)
        m.d.comb += [
            Assert(owed <= 1, "one request at a time"),
            Assert(implies(unit.answers.valid, owed == 1), "one answer for each request"),
            Assert(implies(owed != 0, ~unit.idle | unit.requests.valid), "not idle"),
            # Invariants, by the numbers of the states Wait and Answer.
            Assert((self.state == 0) == (owed == 0), "waits if no answer is owed"),
            Assert((self.state == 3) == unit.answers.valid, "answers"),
        ]
        return m


CASES = (
    Case(
        name="answers of the memory port are held",
        sizes="4 pre, 4 neurons, 2 lanes",
        build=lambda: MemoryPortProperties(shapes=small()),
        bmc=10,
        induction=3,
        cover=8,
    ),
)
