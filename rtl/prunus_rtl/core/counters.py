"""Counters of one presentation."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters as ModelCounters
from prunus_model.spec.random_streams import words
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes

__all__ = ["CYCLE_BITS", "Counters", "counters_layout", "expanded"]

#: Width of the cycle counter.
CYCLE_BITS = 32


def counters_layout(shapes: Shapes) -> data.StructLayout:
    """Return the layout of all counts: those of :mod:`prunus_model.spec.counters`, and cycles.

    Each is as wide as its largest value in a presentation. What follows from them is left out:
    see :func:`expanded`.
    """
    inputs, neurons = shapes.network.inputs, shapes.network.neurons
    steps = shapes.network.encoder.steps

    def up_to(largest: int) -> Any:
        return unsigned(largest.bit_length())

    counts = {
        "steps": up_to(steps),
        "inhibited_steps": up_to(steps),
        "input_spikes": up_to(steps * inputs),
        "integrated_spikes": up_to(steps * inputs),
        "output_spikes": up_to(steps),
        "forward_sops": up_to(steps * inputs * neurons),
    }
    if shapes.hardware.learn:
        counts["update_sops"] = up_to(steps * inputs)
        counts["pruned"] = up_to(steps * inputs)
    return data.StructLayout(counts | {"cycles": unsigned(CYCLE_BITS)})


def expanded(
    counts: dict[str, int], network: NetworkConfig, hardware: HardwareConfig, *, learn: bool
) -> ModelCounters:
    """Return the model's counters of a presentation from what the core counts.

    Parameters
    ----------
    counts : dict of str to int
        Fields of :func:`counters_layout`.
    network, hardware
        As the core was built.
    learn : bool
        Whether the core learned in this presentation.

    Returns
    -------
    prunus_model.spec.counters.Counters
        With dense equivalents and random draws. Synapses frozen by soft pruning cannot be told
        from others: ``frozen_sops`` is 0.
    """
    draws = words(network.inputs)
    spikes = counts["output_spikes"] if learn else 0
    return ModelCounters(
        presentations=1,
        encoder_draws=draws * counts["steps"] if hardware.source == "levels" else 0,
        learning_draws=draws * spikes,
        forward_dense=counts["integrated_spikes"] * network.neurons,
        update_dense=spikes * network.inputs,
        **{name: value for name, value in counts.items() if name != "cycles"},
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

    Members
    -------
    clear : In(1)
        Begin anew.
    running : In(1)
        Count cycles.
    step, inhibited_step, input_spike, integrated_spike, output_spike, updated, pruned : In(1)
        Count one.
    synapses : In(lanes)
        Count one for each bit that is set.
    counts : Out(layout)
        The counts.
    """

    def __init__(self, *, layout: data.StructLayout, lanes: int) -> None:
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
                "output_spike": In(1),
                "updated": In(1),
                "pruned": In(1),
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
