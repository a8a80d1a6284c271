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


def _windows(neurons: int, *, groups: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """Return windows of 12 x 12 pixels: 8 steps, no leak, one output spike of each view."""
    return {
        "inputs": 144,
        "neurons": neurons,
        "encoder": {"steps": 8, "gain": 200, "spikes": "low-discrepancy"},
        "membrane": {"leak_shift": 0},
        "homeostasis": {"theta_plus": neurons * 5 // 4, "fire_shift": 18},
        "stdp": {"potentiation_shift": 6, "depression_shift": 6},
        "groups": {"window_width": 12, "window_height": 12, **groups},
        **values,
    }


def _logarithms(margin: int) -> dict[str, Any]:
    return {"votes": "logarithms", "vote_bits": 6, "stop_after": 1, "margin": margin}


#: Upper left pixels of windows, in the order in which they say most for their SOPs: found by the
#: rule of `prunus order` with networks that were trained on the first 50,000 images of MNIST.
_PLACES = (
    (8, 4), (0, 16), (16, 0), (0, 0), (0, 4), (16, 16), (4, 16), (12, 0), (0, 12), (12, 16), (4, 0),
    (16, 12), (4, 4), (8, 16), (16, 8), (4, 12), (12, 12), (0, 8), (12, 4), (8, 12), (8, 0), (4, 8),
    (16, 4), (8, 8), (12, 8),
)  # fmt: skip
_SIXTEEN = (
    (0, 5), (16, 0), (0, 16), (5, 0), (16, 16), (10, 16), (10, 0), (0, 10), (10, 5), (5, 10),
    (16, 10), (0, 0), (10, 10), (5, 5), (5, 16), (16, 5),
)  # fmt: skip

#: Of windows of 14 x 14 pixels on Fashion-MNIST; by the same rule.
_NINE = ((7, 0), (0, 0), (0, 7), (14, 14), (0, 14), (14, 0), (7, 14), (7, 7), (14, 7))

#: The image again, shifted by one pixel to each side.
_LOOKS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))

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
    "paper": _sized(neurons=800, theta_plus=1000, ramp_shift=3),
    "1600": _sized(neurons=1600, theta_plus=2000, ramp_shift=2),
    # With 4 bits the weights of all groups are on the chip of an ULX3S, in 4 lanes.
    "windows": _windows(
        200,
        weight_bits=4,
        groups={"positions": _PLACES, "looks": _LOOKS[:3]},
        pruning={"policy": "adaptive", "ramp_shift": 9, "strength_gain": 250},
        readout=_logarithms(145),
    ),
    "windows-large": _windows(
        400,
        groups={"positions": _PLACES, "looks": _LOOKS[:3]},
        pruning={"policy": "adaptive", "ramp_shift": 4, "strength_gain": 250},
        readout=_logarithms(80),
    ),
    # The most accurate on MNIST; for two passes over the images.
    "windows-xl": _windows(
        800,
        groups={"positions": _PLACES, "looks": _LOOKS},
        pruning={"policy": "adaptive", "ramp_shift": 4, "strength_gain": 250},
        readout=_logarithms(170),
    ),
    # As many weights as `windows`: more neurons in fewer windows say more for their SOPs.
    "windows-16": _windows(
        300,
        groups={"positions": _SIXTEEN, "looks": _LOOKS},
        pruning={"policy": "adaptive", "ramp_shift": 5, "strength_gain": 250},
        readout=_logarithms(95),
    ),
    # Small: 165,888 weights of 4 bits before pruning.
    "lean": _windows(
        128,
        weight_bits=4,
        groups={"count": 3, "order": "centre", "looks": _LOOKS},
        pruning={"policy": "adaptive", "ramp_shift": 10, "strength_gain": 250},
        readout=_logarithms(120),
    ),
    # Edges in place of grey levels, which say little on Fashion-MNIST; for three passes.
    "windows-fashion": _windows(
        1600,
        inputs=2 * 14 * 14,
        encoder={
            "steps": 16,
            "gain": 100,
            "spikes": "low-discrepancy",
            "contrast": {"image_width": 28, "window": 11},
        },
        homeostasis={"theta_plus": 4000, "fire_shift": 19},
        groups={"window_width": 14, "window_height": 14, "positions": _NINE},
        pruning={"policy": "adaptive", "ramp_shift": 3, "strength_gain": 250},
        readout=_logarithms(80),
    ),
}
