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
    strength gives. The share rises with the training and with the neuron's own firing, from 0 on
    (:func:`prunus_model.reference.lift.lift_thresholds`).

    Parameters
    ----------
    share : int
        Of the mean lift, in the end, in 1/256. 0..255.
    ramp_shift : int, optional
        After ``2**ramp_shift`` presentations the share is reached. 0..31. Default: what a training
        finds by its length (:func:`scheduled`).
    """

    policy: Literal["lift"] = "lift"
    share: Annotated[int, Field(ge=0, le=255)] = 192
    ramp_shift: Annotated[int, Field(ge=0, le=PRESENTATION_BITS - 1)] | None = None

    @property
    def ramp(self) -> int:
        """``ramp_shift``.

        Raises
        ------
        ConfigError
            If no training has found it yet.
        """
        if self.ramp_shift is None:
            raise ConfigError(
                "pruning.ramp_shift must be set, as a training sets it by its length, to prune by "
                "lift"
            )
        return self.ramp_shift


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

    ``lift`` without a ``ramp_shift`` reaches its share after the largest power of two that is not
    above the number of presentations: in the second half of the training, or at its end.

    Parameters
    ----------
    policy : PruningParams
        As configured.
    presentations : int
        Of the whole training, 1 or more.

    Examples
    --------
    >>> scheduled(LiftPruning(), 120_000).ramp_shift
    16
    """
    if isinstance(policy, LiftPruning) and policy.ramp_shift is None:
        return replace(policy, ramp_shift=presentations.bit_length() - 1)
    return policy
