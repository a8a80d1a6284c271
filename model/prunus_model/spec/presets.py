"""Presets: named configurations, as the values in which each differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS"]


def _sized(neurons: int, theta_plus: int, **adaptive: int) -> dict[str, Any]:
    return {
        "neurons": neurons,
        "homeostasis": {"theta_plus": theta_plus},
        "pruning": {"policy": "adaptive", **adaptive},
    }


_PAPER = _sized(neurons=800, theta_plus=1000, ramp_shift=3)

#: Values of :class:`prunus_model.spec.config.NetworkConfig` by name; what is missing keeps its
#: default. What depends on how often a neuron fires goes with the size: `theta_plus` (semantics,
#: section 8) and the pruning ramp, so that pruning takes about as long at every size.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # For exhaustive tests and simulation: 7 x 7 images, few neurons, few steps.
    "tiny": {
        "inputs": 49,
        "neurons": 10,
        "encoder": {"steps": 16, "gain": 160},
        "homeostasis": {"theta_plus": 500},
        "stdp": {"potentiation_shift": 4, "depression_shift": 4},
    },
    "demo": _sized(neurons=100, theta_plus=250, ramp_shift=6, strength_gain=250),
    "400": _sized(neurons=400, theta_plus=500, ramp_shift=4),
    # As `400` with a slightly steeper ramp: what is left fits the SPRAMs of an iCE40UP5K.
    "up5k": _sized(neurons=400, theta_plus=500, ramp_gain=17, ramp_shift=8),
    "paper": _PAPER,
    # Redundant inputs are pruned, too; found on MNIST with two epochs (model/README.md).
    "sparse": {**_PAPER, "redundancy": {"shift": 12, "start": 40_000}},
    "1600": _sized(neurons=1600, theta_plus=2000, ramp_shift=2),
}
