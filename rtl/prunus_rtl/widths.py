"""Widths of all numbers of a core, and its fixed times, as integers: no gateware."""

from __future__ import annotations

from dataclasses import dataclass

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import LIFT_FACTOR_BITS, LIFT_UNIT_BITS, THETA_BITS
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout

__all__ = ["LIFT_FACTOR_STEPS", "SHARE_BITS", "Widths", "theta_decays"]

#: Width of the share, and of the level, of pruning by lift.
SHARE_BITS = 8
#: Cycles from an output spike to its factor of pruning by lift: the operands, 8 bits of the time
#: that is left, 8 of the level, 15 of the quotient.
LIFT_FACTOR_STEPS = 1 + LIFT_UNIT_BITS + SHARE_BITS + LIFT_FACTOR_BITS + 1


def theta_decays(params: HomeostasisParams) -> bool:
    """Return whether ``theta`` ever decays: not if it is shifted by all of its bits."""
    return params.theta_decay_shift < THETA_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Widths in bits of what depends on a network and a core; see also the formats of the network.

    The index of one value has 0 bits.

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
    >>> w = Widths(network=NetworkConfig.named("paper"), hardware=HardwareConfig(lanes=16))
    >>> w.slots, w.pre_bits, w.post_bits, w.score_bits
    (50, 10, 10, 12)
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
        want = (self.hardware.lanes, n.rows, self.slots, n.weight_bits)
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
    def lift(self) -> bool:
        """Whether the core prunes by lift, and keeps the rates of the inputs."""
        return self.hardware.learn and isinstance(self.network.pruning, LiftPruning)

    @property
    def factor_cycles(self) -> int:
        """Cycles from an output spike that is learned from to the sweep, if not at once."""
        return LIFT_FACTOR_STEPS if self.lift else 0

    @property
    def feedforward(self) -> bool:
        """Whether the network is a feed-forward layer: signed, with biases, and no winner."""
        return self.network.feedforward is not None

    @property
    def low_discrepancy(self) -> bool:
        """Whether the core spreads spikes evenly over the steps."""
        spikes = self.network.encoder.spikes
        return self.hardware.source == "levels" and spikes == "low-discrepancy"

    @property
    def refractory(self) -> bool:
        """Whether inputs are refractory."""
        return self.network.encoder.refractory_steps > 0

    @property
    def gathers(self) -> bool:
        """Whether inputs have levels of the image that a map tells."""
        return self.network.groups is not None

    @property
    def views(self) -> bool:
        """Whether a presentation has more than one view of the image."""
        return self.network.view_count > 1

    @property
    def encoder_words(self) -> int:
        """Words of the encoder in a step: ``encoder_inputs`` inputs each, the last may be less."""
        return -(-self.network.inputs // self.hardware.encoder_inputs)

    @property
    def pre_bits(self) -> int:
        """Index of an input of a group."""
        return (self.network.inputs - 1).bit_length()

    @property
    def row_bits(self) -> int:
        """Index of a row of synapses: group and input, ``group * inputs + pre``."""
        return (self.network.rows - 1).bit_length()

    @property
    def sweep_words(self) -> int:
        """Words that the learning sweep visits: ``sweep_inputs`` inputs of a group in each."""
        return -(-self.network.inputs // self.hardware.sweep_inputs)

    @property
    def row_stride(self) -> int:
        """Places of rows from one group to the next: each begins with a word of the sweep."""
        return self.sweep_words * self.hardware.sweep_inputs

    @property
    def place_bits(self) -> int:
        """Place of a row in a synapse store: ``group * row_stride + pre``."""
        first = (self.network.group_count - 1) * self.row_stride
        return (first + self.network.inputs - 1).bit_length()

    @property
    def store_words(self) -> int:
        """Words of alive rows in a lane of the learning store, ``sweep_inputs`` rows in each."""
        return self.network.group_count * self.sweep_words

    @property
    def group_bits(self) -> int:
        """Index of a group."""
        return (self.network.group_count - 1).bit_length()

    @property
    def lane_bits(self) -> int:
        """Index of a lane."""
        return (self.hardware.lanes - 1).bit_length()

    @property
    def slot_bits(self) -> int:
        """Index of a neuron in its lane."""
        return (self.slots - 1).bit_length()

    @property
    def post_bits(self) -> int:
        """Index of a neuron of a group: its lane in the low bits, its slot above."""
        return self.lane_bits + self.slot_bits

    @property
    def neuron_bits(self) -> int:
        """Number of a neuron through all groups: ``group * neurons + post``."""
        return (self.network.all_neurons - 1).bit_length()

    @property
    def threshold_words(self) -> int:
        """Words of a lane for the firing thresholds, at ``group << slot_bits | slot``."""
        return (self.network.group_count - 1 << self.slot_bits) + self.slots

    @property
    def score_bits(self) -> int:
        """Score of a class."""
        return self.network.score_bits

    @property
    def prediction_bits(self) -> int:
        """Index of a class."""
        return (self.network.readout.classes - 1).bit_length()
