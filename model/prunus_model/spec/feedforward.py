"""Parameters of a feed-forward layer: a network that was trained elsewhere, with signed weights."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic.dataclasses import dataclass

from prunus_model.common.validation import STRICT

__all__ = ["WEIGHT_BITS_MIN", "FeedforwardParams", "Reset"]

#: What is left of the potential of a neuron that fires: nothing, or what is above its threshold.
Reset: TypeAlias = Literal["zero", "subtract"]

#: Narrowest signed weight: -2..1.
WEIGHT_BITS_MIN = 2


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class FeedforwardParams:
    """A layer without learning, winner-take-all and homeostasis (semantics, 4.9).

    Weights are signed, firing thresholds are given, each neuron has a bias that is added in every
    step, and all neurons that reach their threshold fire.

    Parameters
    ----------
    reset : "zero" or "subtract"
        What is left of the potential of a neuron that fires: nothing, or what was above its
        threshold.
    """

    reset: Reset = "zero"

    def check(self, *, weight_bits: int, policy: str, inhibition_steps: int, groups: bool) -> None:
        """Check what the rest of a configuration must be.

        Parameters
        ----------
        weight_bits : int
            Width of a weight.
        policy : str
            Rule of pruning.
        inhibition_steps : int
            Steps of inhibition after an output spike.
        groups : bool
            Whether the network is divided.

        Raises
        ------
        ValueError
            If it is not.
        """
        signed = f"{WEIGHT_BITS_MIN} or more, as weights are signed"
        for name, value, allowed, must in (
            ("weight_bits", weight_bits, weight_bits >= WEIGHT_BITS_MIN, signed),
            ("pruning.policy", policy, policy == "none", "none"),
            ("membrane.inhibition_steps", inhibition_steps, inhibition_steps == 0, "0"),
            ("groups", "given", not groups, "left out"),
        ):
            if not allowed:
                raise ValueError(f"{name} must be {must}, with feedforward, not {value}")
