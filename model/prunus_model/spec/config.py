"""Parameters of a network: frozen, checked, in and out of TOML, with named configurations.

The same objects configure the reference, the engine and the hardware generator.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import tomli_w
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import ConfigError
from prunus_model.common.validation import validation_messages
from prunus_model.spec.formats import (
    COACTIVITY_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RANDOM_BITS,
    SEED_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    WEIGHT_BITS_MAX,
    Formats,
    max_of,
)

__all__ = [
    "NAMED",
    "POLICIES",
    "AdaptivePruning",
    "ConstantPruning",
    "EncoderParams",
    "HomeostasisParams",
    "MembraneParams",
    "NetworkConfig",
    "NoPruning",
    "PostPruning",
    "PruningParams",
    "ReadoutParams",
    "RedundancyParams",
    "SoftPruning",
    "StdpParams",
    "pruning_label",
]

_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class EncoderParams:
    """Rate encoder: pixels become levels, levels become spikes (semantics, section 4).

    Parameters
    ----------
    steps : int
        Time steps of a presentation, 1..255.
    gain : int
        Level of a pixel: ``min(255, (pixel * gain) >> 8)``. 1..65535.
    """

    steps: Annotated[int, Field(ge=1, le=max_of(STEP_BITS))] = 64
    gain: Annotated[int, Field(ge=1, le=65535)] = 100


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class MembraneParams:
    """Leaky integration and winner-take-all (semantics, 4.3 to 4.6).

    Parameters
    ----------
    leak_shift : int
        Leak: ``v -= v >> leak_shift`` in every step; 0 means no leak. 0..23.
    inhibition_steps : int
        Steps after an output spike in which nothing integrates. 0..255.
    """

    leak_shift: Annotated[int, Field(ge=0, le=V_FIRE_BITS)] = 6
    inhibition_steps: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class HomeostasisParams:
    """Firing threshold, scaled by connection strength (semantics, 4.1 and 5).

    Parameters
    ----------
    v_th : int
        Base of the firing threshold, 1..2**23 - 1.
    theta_plus : int
        What an output spike adds to the adaptive part ``theta``, 0..2**24 - 1.
    theta_decay_shift : int
        Decay before each learning presentation: ``theta -= theta >> theta_decay_shift``. 0..24.
    fire_shift : int
        ``v_fire = ((v_th + theta) * strength) >> fire_shift``. 0..42.
    """

    v_th: Annotated[int, Field(ge=1, le=max_of(V_FIRE_BITS))] = 20000
    theta_plus: Annotated[int, Field(ge=0, le=max_of(THETA_BITS))] = 250
    theta_decay_shift: Annotated[int, Field(ge=0, le=THETA_BITS)] = 16
    fire_shift: Annotated[int, Field(ge=0, le=42)] = 17


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class StdpParams:
    """Learning at output spikes (semantics, section 5).

    Parameters
    ----------
    trace_window : int
        An input is recent if ``step - last_step <= trace_window``. 0..255.
    potentiation_shift, depression_shift : int
        Learning rates as powers of 2, with stochastic rounding by one random byte. 0..8.
    """

    trace_window: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 255
    potentiation_shift: Annotated[int, Field(ge=0, le=RANDOM_BITS)] = 7
    depression_shift: Annotated[int, Field(ge=0, le=RANDOM_BITS)] = 7


_Weight = Annotated[int, Field(ge=0, le=max_of(WEIGHT_BITS_MAX))]
_Presentation = Annotated[int, Field(ge=0, le=max_of(PRESENTATION_BITS))]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class NoPruning:
    """Nothing is pruned."""

    policy: Literal["none"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ConstantPruning:
    """One pruning threshold for all neurons and all times (after Rathi et al. 2018).

    Parameters
    ----------
    w_prune : int
        A synapse whose new weight is ``< w_prune`` is pruned. 0..w_max.
    start : int
        First presentation in which anything is pruned.
    """

    policy: Literal["constant"] = "constant"
    w_prune: _Weight = 20
    start: _Presentation = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class AdaptivePruning:
    """Pruning threshold that adapts over time and neurons (our reconstruction of Guo et al. 2020).

    ``w_prune = min((post_count * ramp_gain) >> ramp_shift, (strength * strength_gain) >> 16,
    w_max)``.

    Parameters
    ----------
    ramp_gain, ramp_shift : int
        How fast the threshold rises with the neuron's own output spikes. 0..65535 and 0..32.
    strength_gain : int
        Cap by the neuron's own connection strength, in 1/65536. 0..65535.
    start : int
        First presentation in which the threshold prunes anything.
    """

    policy: Literal["adaptive"] = "adaptive"
    ramp_gain: Annotated[int, Field(ge=0, le=65535)] = 1
    ramp_shift: Annotated[int, Field(ge=0, le=32)] = 3
    strength_gain: Annotated[int, Field(ge=0, le=65535)] = 330
    start: _Presentation = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class SoftPruning:
    """Online soft pruning (Shi et al. 2019): the lowest weights are set to 0 and frozen.

    Parameters
    ----------
    after_presentations : int
        Learning presentations with enough spikes after which a neuron is pruned, once. 1..65535.
    min_spikes : int
        Output spikes that make a presentation count, 1..255.
    percent : int
        Share of the live synapses of the neuron that is frozen, rounded down. 0..100.
    """

    policy: Literal["soft"] = "soft"
    after_presentations: Annotated[int, Field(ge=1, le=max_of(POST_COUNT_BITS))] = 40
    min_spikes: Annotated[int, Field(ge=1, le=max_of(STEP_BITS))] = 2
    percent: Annotated[int, Field(ge=0, le=100)] = 70


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PostPruning:
    """Synapses below one threshold are removed once, after training: the classic baseline.

    Parameters
    ----------
    w_prune : int
        A synapse whose weight is ``< w_prune`` is pruned. 0..w_max.
    """

    policy: Literal["post"] = "post"
    w_prune: _Weight = 20


PruningParams: TypeAlias = NoPruning | ConstantPruning | AdaptivePruning | SoftPruning | PostPruning

#: Pruning policies by name, with their default parameters.
POLICIES: Mapping[str, PruningParams] = {
    "none": NoPruning(),
    "constant": ConstantPruning(),
    "adaptive": AdaptivePruning(),
    "soft": SoftPruning(),
    "post": PostPruning(),
}


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class RedundancyParams:
    """Pruning of redundant inputs, beside any policy (semantics, section 6).

    The *co-activity* of an input is the share of the learning sweeps in which the input was
    recently active, of those in which the input before it was. An input whose co-activity is at
    least one half and that is on an odd site of the checkerboard is redundant, and loses all its
    synapses (:func:`prunus_model.reference.redundancy.redundant_inputs`).

    Parameters
    ----------
    shift : int
        How slowly co-activity is averaged: a sweep moves it by a ``2**-shift`` of the way. 1..15.
    image_width : int
        Inputs in a row of an image; of neighbours in a row or column, one at least stays.
        1..65536.
    start : int
        First presentation in which redundant inputs are pruned.
    """

    shift: Annotated[int, Field(ge=1, le=COACTIVITY_BITS - 1)] = 12
    image_width: Annotated[int, Field(ge=1, le=65536)] = 28
    start: _Presentation = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReadoutParams:
    """How output spikes become a class (semantics, section 7).

    Parameters
    ----------
    classes : int
        Classes, 1..256. Labels are 0..classes - 1.
    vote_bits : int
        Width of a vote, 1..8.
    stop_after : int
        In inference a presentation ends at this output spike (*early exit*); 0 means never.
        0..255.
    """

    classes: Annotated[int, Field(ge=1, le=256)] = 10
    vote_bits: Annotated[int, Field(ge=1, le=8)] = 4
    stop_after: Annotated[int, Field(ge=0, le=max_of(STEP_BITS))] = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class NetworkConfig:
    """Everything that determines a network: with the images, it determines every bit.

    Parameters
    ----------
    inputs : int
        Inputs (pixels), 1..65536.
    neurons : int
        Excitatory neurons, 1..65536.
    weight_bits : int
        Width of a weight, 1..8.
    seed : int
        Seed of the initial weights and of the random streams, 32 bits.
    encoder, membrane, homeostasis, stdp, pruning, readout
        Parameters of the units.
    redundancy : RedundancyParams, optional
        Redundant inputs are pruned too, whatever the policy. Default: they are not, and no
        co-activity is kept.

    Raises
    ------
    pydantic.ValidationError
        (A :class:`ValueError`.) If a value is of the wrong type or out of range, or if
        ``pruning.w_prune`` exceeds the largest weight.

    Examples
    --------
    >>> config = NetworkConfig.named("paper")
    >>> config.neurons, config.pruning.policy, config.formats.strength_bits
    (800, 'adaptive', 18)
    >>> NetworkConfig.from_toml(config.to_toml()) == config
    True
    """

    inputs: Annotated[int, Field(ge=1, le=65536)] = 784
    neurons: Annotated[int, Field(ge=1, le=65536)] = 100
    weight_bits: Annotated[int, Field(ge=1, le=WEIGHT_BITS_MAX)] = 8
    seed: Annotated[int, Field(ge=0, le=max_of(SEED_BITS))] = 1
    encoder: EncoderParams = EncoderParams()
    membrane: MembraneParams = MembraneParams()
    homeostasis: HomeostasisParams = HomeostasisParams()
    stdp: StdpParams = StdpParams()
    pruning: Annotated[PruningParams, Field(discriminator="policy")] = AdaptivePruning()
    redundancy: RedundancyParams | None = None
    readout: ReadoutParams = ReadoutParams()

    def __post_init__(self) -> None:
        if (
            isinstance(self.pruning, ConstantPruning | PostPruning)
            and self.pruning.w_prune > self.formats.w_max
        ):
            raise ValueError(
                f"pruning.w_prune must be in 0..{self.formats.w_max} for "
                f"weight_bits={self.weight_bits}, not {self.pruning.w_prune}"
            )

    @property
    def formats(self) -> Formats:
        """Widths of all numbers."""
        return Formats(inputs=self.inputs, weight_bits=self.weight_bits)

    @classmethod
    def named(cls, name: str) -> NetworkConfig:
        """Return a named configuration, one of :data:`NAMED`.

        Raises
        ------
        ConfigError
            If there is none of that name.
        """
        if name not in NAMED:
            raise ConfigError(f"Configuration must be one of {', '.join(NAMED)}, not {name!r}")
        return NAMED[name]

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
            As :meth:`from_mapping`; also if the text is not TOML, with line and column.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as e:
            raise ConfigError(f"{source}: Configuration must be TOML: {e}") from e
        return cls.from_mapping(values, source=source)

    @classmethod
    def read(cls, path: Path) -> NetworkConfig:
        """Read a configuration from a TOML file.

        Raises
        ------
        ConfigError
            As :meth:`from_toml`; also if the file cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
            raise ConfigError(f"Configuration file {path} must be readable: {reason}") from e
        return cls.from_toml(text, source=str(path))

    def to_mapping(self) -> dict[str, Any]:
        """Return the configuration as nested dictionaries of plain values, complete.

        ``redundancy`` is None if redundant inputs are not pruned.
        """
        mapping: dict[str, Any] = _ADAPTER.dump_python(self)
        return mapping

    def to_toml(self) -> str:
        """Return the configuration as TOML, complete; without ``redundancy`` there is no table."""
        mapping = self.to_mapping()
        return tomli_w.dumps({key: mapping[key] for key in mapping if mapping[key] is not None})


_ADAPTER = TypeAdapter(NetworkConfig)


def pruning_label(of: NetworkConfig | Mapping[str, Any]) -> str:
    """Return how tables and figures name a rule of pruning.

    Parameters
    ----------
    of : NetworkConfig or mapping
        A configuration, or a row of results with ``policy`` and ``redundancy``.

    Examples
    --------
    >>> pruning_label(NetworkConfig.named("sparse")), pruning_label(NetworkConfig.named("demo"))
    ('adaptive + redundancy', 'adaptive')
    >>> pruning_label({"policy": "none", "redundancy": True})
    'redundancy'
    """
    policy, redundancy = (
        (of.pruning.policy, of.redundancy)
        if isinstance(of, NetworkConfig)
        else (of["policy"], of["redundancy"])
    )
    if not redundancy:
        return str(policy)
    return "redundancy" if policy == "none" else f"{policy} + redundancy"


_BASE = NetworkConfig()


def _sized(
    *, neurons: int, theta_plus: int, ramp_shift: int, strength_gain: int, ramp_gain: int = 1
) -> NetworkConfig:
    return replace(
        _BASE,
        neurons=neurons,
        homeostasis=replace(_BASE.homeostasis, theta_plus=theta_plus),
        pruning=AdaptivePruning(
            ramp_gain=ramp_gain, ramp_shift=ramp_shift, strength_gain=strength_gain
        ),
    )


#: Named configurations. What depends on how often a neuron fires goes with the size: `theta_plus`
#: (semantics, section 8) and the pruning ramp, so that pruning takes about as long at every size.
#: `up5k` is `400` with a slightly steeper ramp: what is left fits the SPRAMs of an iCE40UP5K.
#: `tiny` is for exhaustive tests and simulation: 7 x 7 images, few neurons, few steps.
NAMED: Mapping[str, NetworkConfig] = {
    "tiny": NetworkConfig(
        inputs=49,
        neurons=10,
        encoder=EncoderParams(steps=16, gain=160),
        homeostasis=HomeostasisParams(v_th=20000, theta_plus=500),
        stdp=StdpParams(potentiation_shift=4, depression_shift=4),
    ),
    "demo": _sized(neurons=100, theta_plus=250, ramp_shift=6, strength_gain=250),
    "400": _sized(neurons=400, theta_plus=500, ramp_shift=4, strength_gain=330),
    "up5k": _sized(neurons=400, theta_plus=500, ramp_shift=8, strength_gain=330, ramp_gain=17),
    "paper": _sized(neurons=800, theta_plus=1000, ramp_shift=3, strength_gain=330),
    # Redundant inputs are pruned, too; found on MNIST with two epochs (model/README.md).
    "sparse": replace(
        _sized(neurons=800, theta_plus=1000, ramp_shift=3, strength_gain=330),
        redundancy=RedundancyParams(shift=12, start=40_000),
    ),
    "1600": _sized(neurons=1600, theta_plus=2000, ramp_shift=2, strength_gain=330),
}
