"""Last step in which each input spiked."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import STEP_BITS
from prunus_rtl.lib.state_memory import StateMemory
from prunus_rtl.streams import Access

__all__ = ["LastStep", "last_step_layout"]


def last_step_layout() -> data.StructLayout:
    """Return the layout of a word: the step, and whether there was a spike at all."""
    return data.StructLayout({"step": unsigned(STEP_BITS), "valid": 1})


class LastStep(wiring.Component):
    """Last step in which each input spiked, in this presentation.

    Timing
    ------
    ``busy`` is high for ``inputs`` cycles after ``clear``. One spike per cycle. ``recent`` is
    registered, two cycles after ``read``. Clock domain ``sync``.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    window : int
        Largest age, in steps, at which a spike is recent.
    init : list of int, optional
        Initial words, as :func:`last_step_layout` packs them.

    Members
    -------
    clear : In(1)
        Forget all spikes.
    busy : Out(1)
        Still forgetting.
    spike, pre : In(1), In(range(inputs))
        An input spikes. Not while ``busy``.
    spike_step : In(STEP_BITS)
        What is kept of it: the present step, or an earlier one.
    step : In(STEP_BITS)
        Present step.
    read, read_pre : In(1), In(range(inputs))
        Ask for an input.
    recent : Out(1)
        Whether ``step - last_step <= window``, as :func:`prunus_model.reference.stdp.recent`.
    access : In(Access(range(inputs), last_step_layout()))
        Memory port.
    """

    def __init__(self, *, inputs: int, window: int, init: list[int] | None = None) -> None:
        self._inputs = inputs
        self._window = window
        self._init = init
        super().__init__(
            {
                "clear": In(1),
                "busy": Out(1),
                "spike": In(1),
                "pre": In(range(inputs)),
                "spike_step": In(STEP_BITS),
                "step": In(STEP_BITS),
                "read": In(1),
                "read_pre": In(range(inputs)),
                "recent": Out(1),
                "access": In(Access(range(inputs), last_step_layout().size)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        inputs = self._inputs
        layout = last_step_layout()
        m.submodules.memory = memory = StateMemory(shape=layout.size, depth=inputs, init=self._init)
        wiring.connect(m, wiring.flipped(self.access), memory.access)

        cleared = Signal(range(inputs + 1))
        with m.If(self.clear):
            m.d.sync += [self.busy.eq(1), cleared.eq(0)]
        with m.Elif(self.busy):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == inputs - 1):
                m.d.sync += self.busy.eq(0)

        written = Signal(layout)
        m.d.comb += [
            written.step.eq(Mux(self.busy, 0, self.spike_step)),
            written.valid.eq(~self.busy),
            memory.write.eq(self.spike | self.busy),
            memory.write_address.eq(Mux(self.busy, cleared, self.pre)),
            memory.write_data.eq(written),
            memory.read.eq(self.read),
            memory.read_address.eq(self.read_pre),
        ]
        last = layout(memory.read_data)
        # The step of a spike is never later than the present one, so the difference has no sign.
        age = Signal(STEP_BITS)
        m.d.comb += age.eq(self.step - last.step)
        m.d.sync += self.recent.eq(last.valid & (age <= self._window))
        return m
