"""Last step in which each input spiked."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
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
    ``busy`` is high for ``ceil(inputs / each)`` cycles after ``clear``. One spike per cycle.
    ``recent`` is registered, two cycles after ``read``. Clock domain ``sync``.

    Memories: ``each`` banks of ``ceil(inputs / each)`` words; input ``pre`` is in bank ``pre %
    each``, as spikes write one input, and the sweep reads ``each`` of them.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    each : int
        Inputs that are asked for, and forgotten, at once; a power of 2.
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
    read, read_pre : In(1), In(range(ceil(inputs / each)))
        Ask for a word: ``each`` inputs that follow each other.
    recent : Out(each)
        Whether ``step - last_step <= window``, as :func:`prunus_model.reference.stdp.recent`; the
        first input in the low bit. 0 beyond the last input.
    access : In(Access(range(inputs), last_step_layout()))
        Memory port.
    """

    def __init__(
        self, *, inputs: int, window: int, each: int = 1, init: list[int] | None = None
    ) -> None:
        self._inputs = inputs
        self._each = each
        self._words = -(-inputs // each)
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
                "read_pre": In(range(self._words)),
                "recent": Out(each),
                "access": In(Access(range(inputs), last_step_layout().size)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        words, each = self._words, self._each
        layout = last_step_layout()
        memories = [
            StateMemory(shape=layout.size, depth=words, init=(self._init or [])[k::each])
            for k in range(each)
        ]
        if each == 1:
            m.submodules.memory = memories[0]
            wiring.connect(m, wiring.flipped(self.access), memories[0].access)
        else:
            self._connect_banks(m, memories)

        cleared = Signal(range(words + 1))
        with m.If(self.clear):
            m.d.sync += [self.busy.eq(1), cleared.eq(0)]
        with m.Elif(self.busy):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == words - 1):
                m.d.sync += self.busy.eq(0)

        written = Signal(layout)
        bank = self.pre[: (each - 1).bit_length()]
        m.d.comb += [
            written.step.eq(Mux(self.busy, 0, self.spike_step)),
            written.valid.eq(~self.busy),
        ]
        for k, memory in enumerate(memories):
            last = layout(memory.read_data)
            # The step of a spike is never later than the present one: the difference has no sign.
            age = Signal(STEP_BITS, name=f"age{k}")
            spikes = self.spike & (bank == k) if each > 1 else self.spike
            m.d.comb += [
                memory.write.eq(spikes | self.busy),
                memory.write_address.eq(Mux(self.busy, cleared, self.pre[len(bank) :])),
                memory.write_data.eq(written),
                memory.read.eq(self.read),
                memory.read_address.eq(self.read_pre),
                age.eq(self.step - last.step),
            ]
            m.d.sync += self.recent[k].eq(last.valid & (age <= self._window))
        return m

    def _connect_banks(self, m: Module, memories: list[StateMemory]) -> None:
        """Let the memory port reach the bank of its input."""
        port = self.access
        bank = port.address[: (self._each - 1).bit_length()]
        for k, memory in enumerate(memories):
            m.submodules[f"bank{k}"] = memory
            m.d.comb += [
                memory.access.strobe.eq(port.strobe & (bank == k)),
                memory.access.write.eq(port.write),
                memory.access.address.eq(port.address[len(bank) :]),
                memory.access.data.eq(port.data),
            ]
        m.d.comb += [
            port.done.eq(Cat(memory.access.done for memory in memories).any()),
            port.value.eq(Array(memory.access.value for memory in memories)[bank]),
        ]
