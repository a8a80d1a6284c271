"""Amaranth shapes of all numbers in a core, from the formats of the model."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import (
    ECHO_BITS,
    LEVEL_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
)
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.streams import event_layout, spike_layout, synapse_event_layout

__all__ = ["Shapes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Shapes of everything in a core.

    A range of one value has a shape of no bits.

    Parameters
    ----------
    network : NetworkConfig
        The network.
    hardware : HardwareConfig
        The core.
    store : StoreLayout, optional
        Layout of the packed store, if it is known. Without, the memory port does not reach it.

    Raises
    ------
    ConfigError
        If the core cannot carry the network.
    ValueError
        If the layout of the store does not suit them.

    Examples
    --------
    >>> s = Shapes(network=NetworkConfig.named("paper"), hardware=HardwareConfig(lanes=16))
    >>> s.slots, s.post.width, s.v.width, s.strength.width
    (50, 10, 24, 18)
    """

    network: NetworkConfig
    hardware: HardwareConfig
    store: StoreLayout | None = None

    def __post_init__(self) -> None:
        self.hardware.check(self.network)
        if self.store is None:
            return
        if self.hardware.store != "packed":
            raise ValueError(
                f"Layout must be that of a packed store, but store is {self.hardware.store!r}"
            )
        layout, n = self.store, self.network
        got = (layout.lanes, layout.inputs, layout.slots, layout.weight_bits)
        want = (self.hardware.lanes, n.inputs, self.slots, n.weight_bits)
        if got != want:
            names = "lanes, inputs, slots, weight_bits"
            raise ValueError(f"Images must have {names} {want}, not {got}")

    @property
    def slots(self) -> int:
        """Neurons of a lane."""
        return self.hardware.slots(self.network)

    @property
    def tree_levels(self) -> int:
        """Levels of a tree over all lanes: log2(lanes)."""
        return (self.hardware.lanes - 1).bit_length()

    @property
    def multiply_cycles(self) -> int:
        """Cycles of the multiplication that gives a firing threshold."""
        if self.hardware.multiplier == "dsp":
            return 2
        return self.network.formats.strength_bits + 1

    @property
    def prepare_cycles(self) -> int:
        """Cycles before the first step."""
        clear = self.slots + self.tree_levels + 4
        if not self.hardware.learn:
            return clear
        derive = self.network.neurons * (self.multiply_cycles + 2) + 1
        return max(clear, self.network.inputs + 1, derive)

    @property
    def compare_cycles(self) -> int:
        """Cycles of the comparison of a step that is not inhibited."""
        return self.slots + self.tree_levels + 4

    @property
    def learn_cycles(self) -> int:
        """Cycles of a learned output spike."""
        return self.network.inputs + 5

    @property
    def by_redundancy(self) -> bool:
        """Whether inputs have echoes, and lose their synapses if they are redundant."""
        return self.hardware.learn and self.network.echo_shift > 0

    @property
    def echo(self) -> Shape:
        """Echo of an input."""
        return unsigned(ECHO_BITS)

    @property
    def pre(self) -> Shape:
        """Index of an input."""
        return Shape.cast(range(self.network.inputs))

    @property
    def post(self) -> Shape:
        """Index of a neuron: its lane in the low bits, its slot above."""
        return unsigned(self.lane.width + self.slot.width)

    @property
    def lane(self) -> Shape:
        """Index of a lane."""
        return Shape.cast(range(self.hardware.lanes))

    @property
    def slot(self) -> Shape:
        """Index of a neuron in its lane."""
        return Shape.cast(range(self.slots))

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
        """Membrane potential."""
        return unsigned(self.network.formats.v_bits)

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
        """Sum of votes: at most one spike in every step."""
        return unsigned(self.network.readout.vote_bits + STEP_BITS)

    @property
    def prediction(self) -> Shape:
        """Index of a class."""
        return Shape.cast(range(self.network.readout.classes))

    @property
    def event(self) -> data.StructLayout:
        """Address event: an input that spikes (``end`` = 0), or the end of a step (``end`` = 1)."""
        return event_layout(inputs=self.network.inputs)

    @property
    def spike(self) -> data.StructLayout:
        """Output spike: step and neuron."""
        return spike_layout(post_bits=self.post.width)

    @property
    def synapse(self) -> data.StructLayout:
        """Live synapse of one lane: slot and weight."""
        return synapse_event_layout(slots=self.slots, weight_bits=self.network.weight_bits)
