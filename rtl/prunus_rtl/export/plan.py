"""What is built of a trained network: hardware, store format, and which neuron sits where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, ValidationError

from prunus_model.common.errors import ArtifactError, ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import DARK
from prunus_model.spec.state import STATE_DTYPES, State
from prunus_model.training.artifact import Artifact
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.devices import DEVICES
from prunus_rtl.memory_image.footprint import StoreTable, choose, table
from prunus_rtl.memory_image.image import StoreImage, pack
from prunus_rtl.memory_image.lanes import balance, post_of_position
from prunus_rtl.memory_image.spram import spram_room
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.widths import Widths

if TYPE_CHECKING:
    from prunus_rtl.core.core import Core

__all__ = ["LANES", "PASSED_ON", "STORES", "ExportOptions", "Plan", "make_plan"]

#: What holds the weights: chosen by size, a packed format, or the store that can be written.
STORES = ("auto", *FORMATS, "learning")
#: Options that are parameters of the hardware as they are.
PASSED_ON = (
    "multiplier",
    "source",
    "encoder_inputs",
    "sweep_inputs",
    "neuron_memory",
    "host_access",
)
#: Lanes if the user asks for no number, and there are as many neurons.
LANES = 16
#: An iCE40 has no RAM made of LUTs: a deeper queue for each lane would be flip-flops.
_UP5K: Any = {"spram": True, "queue_depth": 2, "event_depth": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What the user may choose.

    Parameters
    ----------
    mode : "inference" or "learning"
        Whether the core can learn.
    lanes : int, optional
        Lanes; default: :data:`LANES` (4 for a packed store in a UP5K), or fewer if there are fewer
        neurons.
    store : str
        One of :data:`STORES`.
    source : "levels" or "events"
        What comes in.
    multiplier : "sequential" or "dsp"
        As in :class:`prunus_rtl.hardware.HardwareConfig`.
    encoder_inputs : 4, 8 or 16
        Inputs that the encoder handles per cycle.
    sweep_inputs : 1, 2, 4, 8 or 16
        Inputs that the learning sweep visits per cycle. Not 1 only for ``learning``.
    neuron_memory : "auto", "block" or "distributed"
        What potentials and thresholds are kept in, as in
        :class:`prunus_rtl.hardware.HardwareConfig`.
    host_access : "all", "load" or "none"
        What of the memories the memory port reaches, as in
        :class:`prunus_rtl.hardware.HardwareConfig`.
    balanced : bool
        Whether neurons are distributed over lanes so that all lanes are equally busy.
    device : str, optional
        One of :data:`prunus_rtl.memory_image.devices.DEVICES`; what does not fit is refused. For
        ``UP5K`` a packed store is in SPRAM, which is filled up with room for other networks, and
        queues are short.
    """

    mode: Literal["inference", "learning"] = "inference"
    lanes: int | None = None
    store: str = "auto"
    source: Literal["levels", "events"] = "levels"
    multiplier: Literal["sequential", "dsp"] = "sequential"
    encoder_inputs: Literal[4, 8, 16] = 4
    sweep_inputs: Literal[1, 2, 4, 8, 16] = 1
    neuron_memory: Literal["auto", "block", "distributed"] = "auto"
    host_access: Literal["all", "load", "none"] = "all"
    balanced: bool = True
    device: str | None = None

    #: How these are checked where they are read from a file.
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)

    def __post_init__(self) -> None:
        if self.store not in STORES:
            raise ConfigError(f"Store must be one of {', '.join(STORES)}, not {self.store!r}")
        if self.device is not None and self.device not in DEVICES:
            raise ConfigError(f"Device must be one of {', '.join(DEVICES)}, not {self.device!r}")
        if self.mode == "learning" and self.store in FORMATS:
            raise ConfigError(
                f"Store must be auto or learning for a core that learns, not {self.store!r}"
            )
        if self.device is not None:
            why = DEVICES[self.device].style_refusal(self.neuron_memory)
            if why:
                raise ConfigError(f"neuron_memory must be auto or block for {self.device}{why}")
        if self.mode != "learning" and self.sweep_inputs != 1:
            raise ConfigError(
                f"sweep_inputs must be 1 for a core that cannot learn, not {self.sweep_inputs}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is built.

    Attributes
    ----------
    artifact : Artifact
        The trained network, as it was loaded.
    options : ExportOptions
        What the user chose.
    hardware : HardwareConfig
        Parameters of the core.
    state : State
        Initial contents of the memories: those of the network, in the order of positions.
    votes : ndarray of uint8, shape (all_neurons, classes)
        Votes, in the order of positions.
    neurons : ndarray of int64, shape (all_neurons,)
        Neuron of the network at each position; what the core calls ``post`` is a position. Those of
        a group keep the positions of the group.
    image : StoreImage or None
        The packed store; None for a learning store.
    sizes : StoreTable or None
        Sizes of the packed store in all formats.
    """

    artifact: Artifact
    options: ExportOptions
    hardware: HardwareConfig
    state: State
    votes: npt.NDArray[np.uint8]
    neurons: npt.NDArray[np.int64]
    image: StoreImage | None
    sizes: StoreTable | None

    @property
    def network(self) -> NetworkConfig:
        """Parameters of the network."""
        return self.artifact.config

    @property
    def learn(self) -> bool:
        """Whether the core can learn."""
        return self.hardware.learn

    @property
    def stop_after(self) -> int:
        """Early exit that the bench asks for: as configured, never while learning."""
        return 0 if self.learn else self.network.readout.stop_after

    @property
    def margin(self) -> int:
        """Margin of the sequential test that the bench asks for, likewise."""
        return 0 if self.learn else self.network.readout.margin

    @property
    def store(self) -> str:
        """Format of the packed store, or ``learning``."""
        return "learning" if self.image is None else self.image.format

    @property
    def permuted(self) -> bool:
        """Whether a position is not always the neuron of that number."""
        return bool(np.any(self.neurons != np.arange(len(self.neurons))))

    def in_network_order(self, state: State) -> State:
        """Return a copy of a state in the order of positions, its neurons as in the network."""
        return _ordered(state, np.argsort(self.neurons), self.network)

    @property
    def widths(self) -> Widths:
        """Widths of the core."""
        layout = None if self.image is None else StoreLayout.of(self.image.lanes)
        return Widths(network=self.network, hardware=self.hardware, store=layout)

    def core(self) -> Core:
        """Return a new core with these contents; needs the extra ``rtl``."""
        # Only here: whoever plans, or talks to a board, need not have Amaranth.
        from prunus_rtl.core.core import Core

        return Core(
            network=self.network,
            hardware=self.hardware,
            state=self.state,
            votes=self.votes,
            images=None if self.image is None else self.image.lanes,
        )


def make_plan(
    artifact: Artifact, options: ExportOptions, *, typical: npt.NDArray[np.uint8] | None = None
) -> Plan:
    """Decide what is built.

    An inference core starts at presentation 0, so that after reset the image of presentation ``i``
    is encoded as ``prunus evaluate`` encodes image ``i``. A learning core goes on where the
    training has ended.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    options : ExportOptions
        What the user chose.
    typical : ndarray of uint8, shape (images, image_levels), optional
        Levels of typical images, for the balance of the lanes.

    Returns
    -------
    Plan

    Raises
    ------
    ArtifactError
        If training is not complete.
    ConfigError
        If the core cannot carry the network.
    """
    config = artifact.config
    if not artifact.complete:
        raise ArtifactError(
            f"Network must be trained completely, but is at presentation "
            f"{artifact.state.presentation} of {artifact.schedule.presentations}"
        )
    packed = options.mode == "inference" and options.store != "learning"
    hardware = _hardware(config, options, packed)
    hardware.check(config)
    neurons = np.arange(config.all_neurons, dtype=np.int64)
    if options.balanced:
        neurons = post_of_position(
            balance(
                artifact.state.alive,
                lanes=hardware.lanes,
                levels=None if typical is None else _seen(config, typical),
                groups=config.group_count,
            )
        )
    state = _ordered(artifact.state, neurons, config)
    image, sizes = None, None
    if packed:
        lanes, bits = hardware.lanes, config.weight_bits
        sizes = table(state.weights, state.alive, lanes=lanes, weight_bits=bits)
        packed_as = partial(
            pack,
            state.weights,
            state.alive,
            format=choose(sizes, options.device) if options.store == "auto" else options.store,
            lanes=lanes,
            weight_bits=bits,
        )
        image = packed_as()
        if hardware.spram:
            image = packed_as(capacity=max(map(spram_room, image.lanes)), flagged=True)
    if not hardware.learn:
        state.presentation = 0
    return Plan(
        artifact=artifact,
        options=options,
        hardware=hardware,
        state=state,
        votes=artifact.readout.votes[neurons],
        neurons=neurons,
        image=image,
        sizes=sizes,
    )


def _hardware(config: NetworkConfig, options: ExportOptions, packed: bool) -> HardwareConfig:
    lanes = options.lanes
    if lanes is None:
        # The UP5K has four SPRAMs, and a lane needs one of its own.
        most = 4 if packed and options.device == "UP5K" else LANES
        lanes = min(most, 1 << config.neurons.bit_length() - 1)
    try:
        return HardwareConfig(
            lanes=lanes,
            learn=options.mode == "learning",
            store="packed" if packed else "learning",
            **{name: getattr(options, name) for name in PASSED_ON},
            **(_UP5K if packed and options.device == "UP5K" else {}),
        )
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        if error["type"] == "value_error":
            raise ConfigError(str(error["ctx"]["error"])) from e
        name = str(error["loc"][0])
        if name == "lanes":
            raise ConfigError(f"lanes must be 1, 2, 4, 8, 16, 32 or 64, not {lanes}") from e
        raise ConfigError(f"{name}: {error['msg']}, not {error['input']!r}") from e


def _seen(config: NetworkConfig, levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the levels of each row of synapses, as the groups see images; (images, rows)."""
    indices = config.view_indices[: config.group_count].ravel()
    return np.where(indices == DARK, 0, levels[:, indices]).astype(np.uint8)


def _ordered(state: State, neurons: npt.NDArray[np.int64], config: NetworkConfig) -> State:
    """Return a copy of a state with the neurons of each group in another order."""
    posts = neurons.reshape(config.group_count, config.neurons) % config.neurons
    arrays = {}
    for name in STATE_DTYPES:
        array = getattr(state, name)
        if name in ("last_step", "input_rate") or not array.size:
            array = array.copy()
        elif name == "v":
            # Of the group shown last.
            array = array[posts[-1]]
        elif array.ndim == 2:
            array = np.take_along_axis(array, np.repeat(posts, config.inputs, axis=0), axis=1)
        else:
            array = array[neurons]
        arrays[name] = np.ascontiguousarray(array)
    return State(**arrays, presentation=state.presentation)
