"""Views: which part of the image is shown, by which group, and where the memories of that begin."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import SEED_BITS
from prunus_rtl.shapes import Shapes

__all__ = ["Views"]


class Views(wiring.Component):
    """The view that is shown: its group, its seed, and the output spikes in it.

    View ``k`` is of group ``k % groups``, and its random streams are seeded with ``seed + k``. All
    products of the number of the group are sums, kept up to date by one addition per view.

    Timing
    ------
    All outputs are functions of registers; ``last`` of ``learn``, too. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware; there is more than one view.

    Members
    -------
    next_view, rewind : In(1)
        Go on to the next view; back to view 0.
    learn : In(1)
        The presentation learns: it shows each group once, and no further looks.
    last : Out(1)
        No view follows.
    seed : Out(32)
        Seed of the random streams, not mixed.
    group : Out(range(groups))
        The group.
    first_neuron, first_row, first_word : Out(...)
        Places of its first neuron, of the row of its first input, and of the first word of weights
        of that in a lane of the learning store.
    output_spike, output_spikes : In(1), Out(range(steps + 1))
        There is an output spike; how many there were in this view.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = shapes
        n = shapes.network
        super().__init__(
            {
                "next_view": In(1),
                "rewind": In(1),
                "learn": In(1),
                "last": Out(1),
                "seed": Out(SEED_BITS, init=n.seed),
                "group": Out(range(n.group_count)),
                "first_neuron": Out(shapes.neuron),
                "first_row": Out(shapes.place),
                "first_word": Out(range(shapes.store_words * shapes.slots)),
                "output_spike": In(1),
                "output_spikes": Out(range(n.encoder.steps + 1)),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        n = self._shapes.network
        view = Signal(range(n.view_count))
        strides = (
            (self.group, 1),
            (self.first_neuron, n.neurons),
            (self.first_row, self._shapes.row_stride),
            (self.first_word, self._shapes.sweep_words * self._shapes.slots),
        )
        last_group = self.group == n.group_count - 1
        m.d.comb += self.last.eq(
            Mux(self.learn, view == n.group_count - 1, view == n.view_count - 1)
        )
        with m.If(self.output_spike):
            m.d.sync += self.output_spikes.eq(self.output_spikes + 1)
        with m.If(self.next_view):
            m.d.sync += [view.eq(view + 1), self.seed.eq(self.seed + 1), self.output_spikes.eq(0)]
            for place, stride in strides:
                m.d.sync += place.eq(Mux(last_group, 0, place + stride))
        with m.If(self.rewind):
            m.d.sync += [view.eq(0), self.seed.eq(n.seed), self.output_spikes.eq(0)]
            m.d.sync += [place.eq(0) for place, _ in strides]
        return m
