"""Parameters of pruning, by policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import ConfigError
from prunus_model.common.validation import STRICT
from prunus_model.spec.formats import (
    GAIN_BITS,
    LIFT_UNIT_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RAMP_SHIFT_MAX,
    STEP_BITS,
    WEIGHT_BITS_MAX,
    max_of,
)

__all__ = [
    "POLICIES",
    "AdaptivePruning",
    "ConstantPruning",
    "LiftPruning",
    "NoPruning",
    "PostPruning",
    "PruningParams",
    "SoftPruning",
    "scheduled",
]

_Weight = Annotated[int, Field(ge=0, le=max_of(WEIGHT_BITS_MAX))]
_Presentation = Annotated[int, Field(ge=0, le=max_of(PRESENTATION_BITS))]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class NoPruning:
    """Nothing is pruned."""

    policy: Literal["none"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
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


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
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
    ramp_gain: Annotated[int, Field(ge=0, le=max_of(GAIN_BITS))] = 1
    ramp_shift: Annotated[int, Field(ge=0, le=RAMP_SHIFT_MAX)] = 3
    strength_gain: Annotated[int, Field(ge=0, le=max_of(GAIN_BITS))] = 330
    start: _Presentation = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LiftPruning:
    """Pruning threshold of each synapse by what chance would give it: no constant of the data.

    A weight estimates how often its input is active when the neuron fires; by chance it would be
    how often the input is active when any neuron fires. The quotient of both is the *lift*. A
    synapse goes if its lift is below a share of the mean lift of its neuron, which its connection
    strength gives. The share rises with the neuron's own firing, and is 0 until the neuron has
    little left to learn in this training, by how often it has fired so far
    (:func:`prunus_model.reference.lift.lift_thresholds`).

    Parameters
    ----------
    share : int
        Of the mean lift, in the end, in 1/256. 0..255.
    length : int, optional
        Presentations of the whole training. 1..2**32 - 1. Default: as many as it has
        (:func:`scheduled`).
    """

    policy: Literal["lift"] = "lift"
    share: Annotated[int, Field(ge=0, le=255)] = 176
    length: Annotated[int, Field(ge=1, le=max_of(PRESENTATION_BITS))] | None = None

    @property
    def unit_shift(self) -> int:
        """Time is counted in units of ``2**unit_shift`` presentations; 0..24.

        Raises
        ------
        ConfigError
            If the length of the training is not known yet.
        """
        if self.length is None:
            raise ConfigError(
                "pruning.length must be set, as a training sets it to its presentations, to prune "
                "by lift"
            )
        return max(0, self.length.bit_length() - LIFT_UNIT_BITS)

    @property
    def units(self) -> int:
        """Units of the training: 128..255, or fewer if it has fewer presentations.

        Raises
        ------
        ConfigError
            If the length of the training is not known yet.
        """
        return (self.length or 0) >> self.unit_shift


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SoftPruning:
    """Online soft pruning (Shi et al. 2019): the lowest weights are set to 0 and frozen.

    Parameters
    ----------
    after_presentations : int
        Learning presentations with enough spikes after which a neuron is pruned, once. 1..65535.
    min_spikes : int
        Output spikes that make a presentation count, 1..255.
    percent : int
        Share of the plastic synapses of the neuron that is frozen, rounded down. 0..100.
    """

    policy: Literal["soft"] = "soft"
    after_presentations: Annotated[int, Field(ge=1, le=max_of(POST_COUNT_BITS))] = 40
    min_spikes: Annotated[int, Field(ge=1, le=max_of(STEP_BITS))] = 2
    percent: Annotated[int, Field(ge=0, le=100)] = 70


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PostPruning:
    """Synapses below one threshold are removed once, after training: the classic baseline.

    Parameters
    ----------
    w_prune : int
        A synapse whose weight is ``< w_prune`` is pruned. 0..w_max.
    """

    policy: Literal["post"] = "post"
    w_prune: _Weight = 20


PruningParams: TypeAlias = (
    NoPruning | ConstantPruning | AdaptivePruning | LiftPruning | SoftPruning | PostPruning
)

#: Pruning policies by name, with their default parameters.
POLICIES: Mapping[str, PruningParams] = {
    "none": NoPruning(),
    "constant": ConstantPruning(),
    "adaptive": AdaptivePruning(),
    "lift": LiftPruning(),
    "soft": SoftPruning(),
    "post": PostPruning(),
}


def scheduled(policy: PruningParams, presentations: int) -> PruningParams:
    """Return a policy with what follows from the length of a training.

    ``lift`` without a ``length`` takes the number of presentations.

    Parameters
    ----------
    policy : PruningParams
        As configured.
    presentations : int
        Of the whole training, 1 or more.

    Examples
    --------
    >>> policy = scheduled(LiftPruning(), 120_000)
    >>> policy.length, policy.units << policy.unit_shift
    (120000, 119808)
    """
    if isinstance(policy, LiftPruning) and policy.length is None:
        return replace(policy, length=presentations)
    return policy
