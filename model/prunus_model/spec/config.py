"""Parameters of a network: frozen, checked, in and out of TOML.

The same objects configure the reference, the engine and the hardware generator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import tomli_w
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import ConfigError
from prunus_model.common.toml import text_of, values_of, without_none
from prunus_model.common.validation import STRICT, validation_messages
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.formats import (
    INPUTS_MAX,
    NEURONS_MAX,
    SCORE_BITS_MAX,
    SEED_BITS,
    STEP_BITS,
    WEIGHT_BITS_MAX,
    Formats,
    max_of,
)
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import (
    POLICIES,
    AdaptivePruning,
    ConstantPruning,
    PostPruning,
    PruningParams,
)
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_model.spec.versions import identity, without_former

__all__ = ["NetworkConfig"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class NetworkConfig:
    """Everything that determines a network: with the images, it determines every bit.

    Parameters
    ----------
    inputs : int
        Inputs, 1..65536: one for each pixel, or two if inputs are contrasts. With groups, those of
        one group.
    neurons : int
        Excitatory neurons, 1..65536. With groups, those of one group.
    weight_bits : int
        Width of a weight, 1..8.
    seed : int
        Seed of the initial weights and of the random streams, 32 bits.
    encoder, membrane, homeostasis, stdp, pruning, readout
        Parameters of the units.
    groups : GroupsParams, optional
        The network is many networks, each on a part of the image. Default: it is one.
    feedforward : FeedforwardParams, optional
        The network is a feed-forward layer that was trained elsewhere. Default: it learns.

    Raises
    ------
    pydantic.ValidationError
        (A :class:`ValueError`.) If a value is of the wrong type or out of range, if
        ``pruning.w_prune`` exceeds the largest weight, ``readout.margin`` can never be reached,
        contrasts or groups do not fit the inputs, or a feed-forward layer is told to prune, to
        inhibit or to be divided.

    Examples
    --------
    >>> config = NetworkConfig.named("paper")
    >>> config.neurons, config.pruning.policy, config.formats.strength_bits
    (800, 'adaptive', 18)
    >>> NetworkConfig.from_toml(config.to_toml()) == config
    True
    """

    inputs: Annotated[int, Field(ge=1, le=INPUTS_MAX)] = 784
    neurons: Annotated[int, Field(ge=1, le=NEURONS_MAX)] = 100
    weight_bits: Annotated[int, Field(ge=1, le=WEIGHT_BITS_MAX)] = 8
    seed: Annotated[int, Field(ge=0, le=max_of(SEED_BITS))] = 1
    encoder: EncoderParams = EncoderParams()
    membrane: MembraneParams = MembraneParams()
    homeostasis: HomeostasisParams = HomeostasisParams()
    stdp: StdpParams = StdpParams()
    pruning: Annotated[PruningParams, Field(discriminator="policy")] = AdaptivePruning()
    readout: ReadoutParams = ReadoutParams()
    groups: GroupsParams | None = None
    feedforward: FeedforwardParams | None = None

    def __post_init__(self) -> None:
        if self.feedforward:
            self.feedforward.check(
                weight_bits=self.weight_bits,
                policy=self.pruning.policy,
                inhibition_steps=self.membrane.inhibition_steps,
                groups=self.groups is not None,
            )
        if (
            isinstance(self.pruning, ConstantPruning | PostPruning)
            and self.pruning.w_prune > self.formats.w_max
        ):
            raise ValueError(
                f"pruning.w_prune must be in 0..{self.formats.w_max} for "
                f"weight_bits={self.weight_bits}, not {self.pruning.w_prune}"
            )
        if self.groups:
            self.groups.check(self.encoder, inputs=self.inputs, neurons=self.neurons)
        elif (contrast := self.encoder.contrast) and self.inputs % (2 * contrast.image_width):
            raise ValueError(
                f"inputs must be two channels of rows of {contrast.image_width} pixels "
                f"(encoder.contrast.image_width), not {self.inputs}"
            )
        if self.encoder.events and self.groups:
            self.encoder.events.check(self.image_levels, "groups.image_width and image_height")
        elif self.encoder.events:
            self.encoder.events.check(self.inputs, "inputs")
        if self.readout.margin > self.margin_max:
            raise ValueError(
                f"readout.margin must be at most {self.margin_max}, which {self.spikes_max} output "
                f"spikes reach with {self.readout.vote_bits}-bit votes, not {self.readout.margin}"
            )

    @property
    def channels(self) -> int:
        """Levels of a pixel: 1, or 2 if they are contrasts, or events of two polarities."""
        return self.encoder.channels

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        if self.groups:
            return self.groups.image_width * self.groups.image_height
        return self.inputs // self.channels

    @property
    def image_levels(self) -> int:
        """Levels of an image: all that is sent of it."""
        return self.channels * self.pixels

    @property
    def group_count(self) -> int:
        """Groups; 1 if the network is not divided."""
        return self.groups.group_count if self.groups else 1

    @property
    def view_count(self) -> int:
        """Views of an image in inference: groups times looks."""
        return self.group_count * (len(self.groups.looks) if self.groups else 1)

    @property
    def view_indices(self) -> npt.NDArray[np.int64]:
        """Levels that the inputs of each view see: shape (view_count, inputs), -1 for none."""
        if self.groups:
            return self.groups.view_indices(self.channels)
        return np.arange(self.inputs, dtype=np.int64)[np.newaxis]

    @property
    def score_bits(self) -> int:
        """Width of the score of a class, to which each spike of a step of a view may add a vote.

        Never more than :data:`SCORE_BITS_MAX`: there it saturates.
        """
        most = self.presentation_spikes() * max_of(self.readout.vote_bits)
        return min(SCORE_BITS_MAX, max(self.readout.vote_bits + STEP_BITS, most.bit_length()))

    @property
    def step_spikes_max(self) -> int:
        """Most output spikes of a step: one, or with feedforward one of each neuron."""
        return self.neurons if self.feedforward else 1

    @property
    def spikes_max(self) -> int:
        """Most output spikes of an image in inference, with the early exit of the readout."""
        return self.presentation_spikes(self.readout.stop_after)

    def presentation_spikes(self, stop_after: int = 0) -> int:
        """Return how many output spikes a presentation has at most.

        One in each step of each view, or one of each neuron of a feed-forward layer. There an early
        exit after ``stop_after`` of them, if it is not 0, is looked at when all of a step are out.
        """
        each = self.step_spikes_max
        most = self.encoder.steps * each
        return self.view_count * (min(most, stop_after - 1 + each) if stop_after else most)

    @property
    def margin_max(self) -> int:
        """Largest lead that these output spikes can bring."""
        most = self.spikes_max * max_of(self.readout.vote_bits)
        return min(most, max_of(self.score_bits))

    @property
    def rows(self) -> int:
        """Inputs of all groups: rows of the weights."""
        return self.group_count * self.inputs

    @property
    def all_neurons(self) -> int:
        """Neurons of all groups."""
        return self.group_count * self.neurons

    def view_seed(self, number: int) -> int:
        """Return the seed of the random streams of a view, and of the weights of its group."""
        return self.seed + number & max_of(SEED_BITS)

    def view(self, number: int) -> NetworkConfig:
        """Return the configuration of one view: a network that is not divided, with its own seed.

        Its inputs are levels, whatever these are made of.
        """
        return replace(
            self,
            seed=self.view_seed(number),
            groups=None,
            encoder=replace(self.encoder, contrast=None, events=None),
            readout=replace(self.readout, margin=0),
        )

    @property
    def formats(self) -> Formats:
        """Widths of all numbers."""
        return Formats(
            inputs=self.inputs, weight_bits=self.weight_bits, signed=self.feedforward is not None
        )

    @classmethod
    def named(cls, name: str) -> NetworkConfig:
        """Return a preset (:data:`prunus_model.spec.presets.PRESETS`).

        Raises
        ------
        ConfigError
            If there is none of that name.
        """
        if name not in PRESETS:
            raise ConfigError(f"Configuration must be one of {', '.join(PRESETS)}, not {name!r}")
        return cls.from_mapping(PRESETS[name], source=name)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, source: str = "config") -> NetworkConfig:
        """Build a configuration from nested mappings; what is missing keeps its default.

        Parameters
        ----------
        values : mapping
            As read from TOML or JSON.
        source : str
            What to name in an error, for example the file.

        Raises
        ------
        ConfigError
            If a key is unknown, or a value has the wrong type, is out of range or contradictory.
            All mistakes are named, in one line.
        """
        try:
            values = without_former(values)
        except ValueError as e:
            raise ConfigError(f"{source}: {e}") from e
        try:
            # Strict mode takes tables for parts only from JSON; dates, which TOML has, become text.
            return _ADAPTER.validate_json(json.dumps(values, default=str))
        except ValidationError as e:
            raise ConfigError(
                f"{source}: " + "; ".join(validation_messages(e, branches={"pruning": POLICIES}))
            ) from e

    @classmethod
    def from_toml(cls, text: str, *, source: str = "config") -> NetworkConfig:
        """Parse a configuration.

        Raises
        ------
        ConfigError
            As :meth:`from_mapping`; also if the text is not TOML
            (:func:`prunus_model.common.toml.parse_toml`).
        """
        values = values_of(text, "Configuration", ConfigError, source=source)
        return cls.from_mapping(values, source=source)

    @classmethod
    def read(cls, path: Path) -> NetworkConfig:
        """Read a configuration from a TOML file.

        Raises
        ------
        ConfigError
            As :meth:`from_toml`; also if the file cannot be read.
        """
        text = text_of(path, "Configuration file", ConfigError)
        return cls.from_toml(text, source=str(path))

    def to_mapping(self) -> dict[str, Any]:
        """Return the configuration as nested dictionaries of plain values, complete.

        ``groups`` is None if the network is not divided, ``feedforward`` if it learns,
        ``encoder.contrast`` and ``encoder.events`` if inputs are grey levels.
        """
        mapping: dict[str, Any] = _ADAPTER.dump_python(self)
        return mapping

    def with_readout(self, *, source: str = "Configuration", **changes: Any) -> NetworkConfig:
        """Return the configuration with other parameters of the readout.

        Parameters
        ----------
        source : str
            What to name in an error.
        **changes
            Parameters of :class:`prunus_model.spec.readout.ReadoutParams`; one that is None stays.

        Raises
        ------
        ConfigError
            As :meth:`from_mapping`.
        """
        values = self.to_mapping()
        values["readout"] |= {name: new for name, new in changes.items() if new is not None}
        return self.from_mapping(values, source=source)

    def to_identity(self) -> dict[str, Any]:
        """Return what hashes and digests cover: parameters of later versions only if they are used.

        So a network keeps its content hash when the configuration gets a new parameter.
        """
        return identity(self.to_mapping(), NetworkConfig().to_mapping())

    def to_toml(self) -> str:
        """Return the configuration as TOML, complete; a table that is None is left out."""
        return tomli_w.dumps(without_none(self.to_mapping()))


_ADAPTER = TypeAdapter(NetworkConfig)
