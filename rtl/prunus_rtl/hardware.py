"""Parameters of the hardware: what a core is built of, checked against the network it carries."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import LiftPruning
from prunus_rtl.memory_image.memory import LANES_MAX

__all__ = ["HARDWARE_POLICIES", "HardwareConfig", "Space"]

#: Pruning policies that a learning core can be built with.
HARDWARE_POLICIES = ("none", "constant", "adaptive", "lift")


class Space(IntEnum):
    """Address spaces of the memory port.

    Inputs are addressed by ``pre``; what neurons have by ``group * neurons + post``, without groups
    ``post``. But ``V`` is of one group, at ``post``, and a threshold (``V_FIRE``) at
    ``group << post_bits | post``, with ``post_bits`` the width of the index of a neuron in its
    group. A synapse is at ``row << post_bits | post``, where ``row`` is ``group * inputs + pre``;
    its word is ``alive << weight_bits | weight``. The vote of a neuron for a class is at ``class *
    all_neurons + neuron``. A word of ``LAST_STEP`` is ``valid << 8 | step``. ``INPUT_RATE``, at
    ``row``, is there if the core prunes by lift; ``BIAS``, at ``post``, in a feed-forward layer,
    where words of it and of ``V`` are two's complement. Words of the packed store are addressed by
    :meth:`prunus_rtl.memory_image.address_map.StoreLayout.address`.
    """

    SYNAPSES = 0
    THETA = 1
    STRENGTH = 2
    POST_COUNT = 3
    V = 4
    V_FIRE = 5
    LAST_STEP = 6
    PRESENTATION = 7
    VOTES = 8
    STORE = 9
    INPUT_RATE = 10
    BIAS = 11


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))
class HardwareConfig:
    """Everything that determines a core, besides the network.

    Groups of neurons take turns in it. Neuron ``post`` of a group lives in lane ``post % lanes`` at
    slot ``post // lanes``.

    Parameters
    ----------
    lanes : int
        Synapses that are added in one cycle: 1, 2, 4, 8, 16, 32 or 64, and not more than neurons.
    learn : bool
        Whether the core can learn; without, thresholds are a table and nothing is swept.
    store : "learning" or "packed"
        Where weights are kept. ``packed`` holds unpruned synapses only and cannot learn.
    spram : bool
        Whether the packed store is in the SPRAMs of an iCE40UP5K, row pointers and entries of a
        lane in one (:class:`prunus_rtl.synapses.spram.CsrSpramStore`). It must be loaded after each
        start.
    multiplier : "sequential" or "dsp"
        One bit per cycle, or one multiplier block of the device. Only a learning core has any.
    source : "levels" or "events"
        Whether inputs are levels, encoded by the core, or address events; these not with groups.
    encoder_inputs : 4, 8 or 16
        Inputs that the encoder draws for in one cycle. Not 4 only with source ``levels``.
    sweep_inputs : 1, 2, 4, 8 or 16
        Inputs that the learning sweep visits in one cycle. Not 1 only in a core that learns.
    neuron_memory : "auto", "block" or "distributed"
        What potentials and thresholds are kept in: what synthesis takes for so few words, block
        RAM, or LUT RAM.
    host_access : "all", "load" or "none"
        What of the memories the memory port reaches (:func:`prunus_rtl.bus.spaces.spaces`): all of
        them; only what a network is loaded into, and of that nothing is read but what learning
        changes; or none, so that they keep what they were configured with. The number of the
        presentation is no memory: it is always within reach.
    queue_depth : int
        Spikes that a lane may lag behind the fastest one. 2, 4, 8 ... 1024.
    event_depth : int
        Events that the encoder may be ahead. 2, 4, 8 ... 65536.

    Raises
    ------
    pydantic.ValidationError
        (A :class:`ValueError`.) If a value is of the wrong type or out of range.

    Examples
    --------
    >>> hardware = HardwareConfig(lanes=16)
    >>> hardware.slots(NetworkConfig.named("demo")), hardware.place(37)
    (7, (5, 2))
    """

    lanes: Annotated[int, Field(ge=1, le=LANES_MAX)] = 16
    learn: bool = True
    store: Literal["learning", "packed"] = "learning"
    spram: bool = False
    multiplier: Literal["sequential", "dsp"] = "sequential"
    source: Literal["levels", "events"] = "levels"
    encoder_inputs: Literal[4, 8, 16] = 4
    sweep_inputs: Literal[1, 2, 4, 8, 16] = 1
    neuron_memory: Literal["auto", "block", "distributed"] = "auto"
    host_access: Literal["all", "load", "none"] = "all"
    queue_depth: Annotated[int, Field(ge=2, le=1024)] = 16
    event_depth: Annotated[int, Field(ge=2, le=65536)] = 256

    def __post_init__(self) -> None:
        for name in ("lanes", "queue_depth", "event_depth"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of 2, not {value}")
        if self.learn and self.store == "packed":
            raise ValueError("store must be 'learning' for a core that learns, not 'packed'")
        if self.encoder_inputs != 4 and self.source != "levels":
            raise ValueError(
                f"encoder_inputs must be 4 for a core without encoder, not {self.encoder_inputs}"
            )
        if self.sweep_inputs != 1 and not self.learn:
            raise ValueError(
                f"sweep_inputs must be 1 for a core that cannot learn, not {self.sweep_inputs}"
            )
        if self.spram and self.store != "packed":
            raise ValueError(f"store must be 'packed' to be in SPRAM, not {self.store!r}")
        if self.host_access == "none" and (self.learn or self.spram):
            why = (
                "a core that learns, which nobody could read"
                if self.learn
                else "a store in SPRAM, which starts without contents"
            )
            raise ValueError(f"host_access must be 'all' or 'load' for {why}, not 'none'")

    def slots(self, network: NetworkConfig) -> int:
        """Return the neurons of a group in the fullest lane."""
        return -(-network.neurons // self.lanes)

    def neurons_of(self, lane: int, network: NetworkConfig) -> int:
        """Return the neurons of a group in a lane; high lanes may have one less than slots."""
        return (network.neurons - lane + self.lanes - 1) // self.lanes

    def place(self, post: int) -> tuple[int, int]:
        """Return lane and slot of a neuron of a group."""
        return post % self.lanes, post // self.lanes

    def check(self, network: NetworkConfig) -> None:
        """Check that the core can carry a network.

        Raises
        ------
        ConfigError
            If there are more lanes than neurons of a group, if the core would have to learn with
            a policy that is not in hardware, or by lift with a length that is not known yet, or a
            feed-forward layer, or if events come in and the network has groups.
        """
        if self.lanes > network.neurons:
            raise ConfigError(
                f"lanes must not be more than neurons, but got lanes={self.lanes}, "
                f"neurons={network.neurons}"
            )
        if self.source == "levels" and network.encoder.events is not None:
            raise ConfigError(
                "source must be 'events' for a network whose inputs are events (encoder.events), "
                "not 'levels'"
            )
        if self.source == "events" and network.groups is not None:
            raise ConfigError(
                "source must be 'levels' for a network with groups, which see parts of an image, "
                "not 'events'"
            )
        if self.learn and network.feedforward is not None:
            raise ConfigError(
                "mode must be inference for a feed-forward layer, which can't learn, not learning"
            )
        if self.learn and network.pruning.policy not in HARDWARE_POLICIES:
            raise ConfigError(
                f"pruning.policy must be one of {', '.join(HARDWARE_POLICIES)} for a core that "
                f"learns, not {network.pruning.policy!r}"
            )
        if self.learn and isinstance(network.pruning, LiftPruning):
            # Refuses a length that is not set.
            _ = network.pruning.units
