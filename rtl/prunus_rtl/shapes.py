"""Amaranth shapes of all numbers in a core, from the formats of the model."""

from __future__ import annotations

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data

from prunus_model.spec.formats import (
    BIAS_BITS,
    LEVEL_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
)
from prunus_rtl.streams import (
    control_layout,
    event_layout,
    spike_layout,
    synapse_event_layout,
)
from prunus_rtl.widths import Widths

__all__ = ["Shapes"]


class Shapes(Widths):
    """Shapes of everything in a core, beside its widths.

    A range of one value has a shape of no bits.

    Examples
    --------
    >>> from prunus_model.spec.config import NetworkConfig
    >>> from prunus_rtl.hardware import HardwareConfig
    >>> s = Shapes(network=NetworkConfig.named("paper"), hardware=HardwareConfig(lanes=16))
    >>> s.slots, s.post.width, s.v.width, s.strength.width
    (50, 10, 24, 18)
    """

    __slots__ = ()

    @property
    def input_rate(self) -> Shape:
        """How often an input is active."""
        return unsigned(RATE_BITS)

    @property
    def pre(self) -> Shape:
        """Index of an input of a group."""
        return unsigned(self.pre_bits)

    @property
    def row(self) -> Shape:
        """Index of a row of synapses: group and input."""
        return unsigned(self.row_bits)

    @property
    def place(self) -> Shape:
        """Place of a row in a synapse store: the row, unless groups are padded for the sweep."""
        return unsigned(self.place_bits)

    @property
    def post(self) -> Shape:
        """Index of a neuron of a group: its lane in the low bits, its slot above."""
        return unsigned(self.post_bits)

    @property
    def neuron(self) -> Shape:
        """Number of a neuron through all groups."""
        return unsigned(self.neuron_bits)

    @property
    def lane(self) -> Shape:
        """Index of a lane."""
        return unsigned(self.lane_bits)

    @property
    def slot(self) -> Shape:
        """Index of a neuron in its lane."""
        return unsigned(self.slot_bits)

    @property
    def weight(self) -> Shape:
        """Weight of a synapse."""
        return unsigned(self.network.weight_bits)

    @property
    def level(self) -> Shape:
        """Level of an input."""
        return unsigned(LEVEL_BITS)

    @property
    def step(self) -> Shape:
        """Time step."""
        return unsigned(STEP_BITS)

    @property
    def presentation(self) -> Shape:
        """Number of a presentation."""
        return unsigned(PRESENTATION_BITS)

    @property
    def v(self) -> Shape:
        """Membrane potential; the bits of a signed one in a feed-forward layer."""
        return unsigned(self.network.formats.v_bits)

    @property
    def bias(self) -> Shape:
        """The bits of the bias of a neuron, which is signed; in a feed-forward layer."""
        return unsigned(BIAS_BITS)

    @property
    def v_fire(self) -> Shape:
        """Firing threshold in force."""
        return unsigned(V_FIRE_BITS)

    @property
    def theta(self) -> Shape:
        """Adaptive part of the firing threshold."""
        return unsigned(THETA_BITS)

    @property
    def strength(self) -> Shape:
        """Sum of all weights of a neuron."""
        return unsigned(self.network.formats.strength_bits)

    @property
    def post_count(self) -> Shape:
        """Output spikes of a neuron while learning."""
        return unsigned(POST_COUNT_BITS)

    @property
    def vote(self) -> Shape:
        """Vote of a neuron for a class."""
        return unsigned(self.network.readout.vote_bits)

    @property
    def score(self) -> Shape:
        """Sum of the votes of all output spikes."""
        return unsigned(self.score_bits)

    @property
    def prediction(self) -> Shape:
        """Index of a class."""
        return unsigned(self.prediction_bits)

    @property
    def control(self) -> data.StructLayout:
        """Request for a presentation."""
        return control_layout(learn=self.hardware.learn, score_bits=self.score_bits)

    @property
    def event(self) -> data.StructLayout:
        """Address event: an input that spikes (``end`` = 0), or the end of a step (``end`` = 1)."""
        return event_layout(inputs=self.network.inputs)

    @property
    def spike(self) -> data.StructLayout:
        """Output spike: step and neuron, numbered through all groups."""
        return spike_layout(post_bits=self.neuron.width)

    @property
    def synapse(self) -> data.StructLayout:
        """Unpruned synapse of one lane: slot and weight."""
        return synapse_event_layout(slots=self.slots, weight_bits=self.network.weight_bits)
