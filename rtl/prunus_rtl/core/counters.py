"""Counters of one presentation."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_rtl.core.result import counter_widths
from prunus_rtl.shapes import Shapes

__all__ = ["Counters", "counters_layout"]


def counters_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of all counts; see :func:`prunus_rtl.core.result.counter_widths`."""
    return data.StructLayout(
        {name: unsigned(bits) for name, bits in counter_widths(shapes).items()}
    )


class Counters(wiring.Component):
    """Counters of one presentation.

    Timing
    ------
    A count is up to date one cycle after its event, ``forward_sops`` two. Clock domain ``sync``.

    Parameters
    ----------
    layout : StructLayout
        The counts, as of :func:`counters_layout`.
    lanes : int
        Number of lanes.
    most : int
        Synapses that the learning sweep visits in a cycle.

    Members
    -------
    clear : In(1)
        Begin anew.
    running : In(1)
        Count cycles.
    step, inhibited_step, input_spike, integrated_spike, output_spike : In(1)
        Count one.
    updated, pruned : In(range(most + 1))
        Count so many.
    dropped_spike : In(1)
        Count one, if there is a count of it.
    synapses : In(lanes)
        Count one for each bit that is set.
    counts : Out(layout)
        The counts.
    """

    def __init__(self, *, layout: data.StructLayout, lanes: int, most: int = 1) -> None:
        self._layout = layout
        self._lanes = lanes
        super().__init__(
            {
                "clear": In(1),
                "running": In(1),
                "step": In(1),
                "inhibited_step": In(1),
                "input_spike": In(1),
                "integrated_spike": In(1),
                "dropped_spike": In(1),
                "output_spike": In(1),
                "updated": In(range(most + 1)),
                "pruned": In(range(most + 1)),
                "synapses": In(lanes),
                "counts": Out(layout),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        added = Signal(range(self._lanes + 1))
        m.d.sync += added.eq(sum(Cat(self.synapses[k]) for k in range(self._lanes)))
        what = {
            "steps": self.step,
            "inhibited_steps": self.inhibited_step,
            "input_spikes": self.input_spike,
            "integrated_spikes": self.integrated_spike,
            "dropped_spikes": self.dropped_spike,
            "output_spikes": self.output_spike,
            "forward_sops": added,
            "update_sops": self.updated,
            "pruned": self.pruned,
            "cycles": self.running,
        }
        for name in self._layout.members:
            m.d.sync += self.counts[name].eq(self.counts[name] + what[name])
        with m.If(self.clear):
            m.d.sync += [self.counts.eq(0), added.eq(0)]
        return m
