"""Checks stimuli and sequences before anything is built: levels, events, options."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import PrunusError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import LEVEL_BITS, STEP_BITS, max_of
from prunus_model.spec.presentation import Request
from prunus_rtl.hardware import HardwareConfig

__all__ = ["Stimulus", "StimulusError", "check_sequence", "check_stimulus"]

#: Levels of an image, or for each step the inputs that spike.
Stimulus = npt.NDArray[np.uint8] | list[list[int]]


class StimulusError(PrunusError):
    """A stimulus or a sequence does not fit the core. The core itself does not check its inputs."""


def check_sequence(
    *,
    request: Request,
    score_bits: int,
    pause: float,
    reset_after: int,
    hardware: HardwareConfig,
    name: str,
) -> None:
    """Check how a sequence presents its stimuli.

    Parameters
    ----------
    request, pause, reset_after
        As of :class:`prunus_sim.cosim.scenario.Sequence`.
    score_bits : int
        Width of a score, and of a margin.
    hardware : HardwareConfig
        The core.
    name : str
        Name of the sequence, for the message.

    Raises
    ------
    StimulusError
        With what is wrong and what is allowed.
    """
    if request["learn"] and not hardware.learn:
        raise StimulusError(f"{name} must not learn: the core is built without learning")
    for option, value, bits in (
        ("stop_after", request["stop_after"], STEP_BITS),
        ("margin", request["margin"], score_bits),
    ):
        if not 0 <= value <= max_of(bits):
            raise StimulusError(f"{option} of {name} must be 0..{max_of(bits)}, not {value}")
    if not 0 <= pause < 1:
        raise StimulusError(f"pause of {name} must be at least 0 and below 1, not {pause}")
    if reset_after < 0:
        raise StimulusError(f"reset_after of {name} must be 0 or more, not {reset_after}")


def check_stimulus(
    stimulus: Any, network: NetworkConfig, hardware: HardwareConfig, *, name: str
) -> None:
    """Check the levels, or the events, of one presentation.

    Parameters
    ----------
    stimulus : Stimulus
        Levels of an image, or for each step the inputs that spike.
    network : NetworkConfig
        Gives the number of levels of an image, or of inputs, and of steps.
    hardware : HardwareConfig
        Gives the source.
    name : str
        Name of the presentation, for the message.

    Raises
    ------
    StimulusError
        With the presentation, the step, the index, and what is allowed.
    """
    is_image = isinstance(stimulus, np.ndarray)
    if is_image != (hardware.source == "levels"):
        given = "levels" if is_image else "events"
        raise StimulusError(f"{name} must be {hardware.source} for this core, not {given}")
    if is_image:
        _check_levels(stimulus, network, name)
    else:
        _check_events(stimulus, network, name)


def _check_levels(levels: Any, network: NetworkConfig, name: str) -> None:
    if levels.shape != (network.image_levels,):
        raise StimulusError(f"{name} must have shape ({network.image_levels},), not {levels.shape}")
    if levels.dtype.kind in "iu":
        most = max_of(LEVEL_BITS)
        for pre in np.flatnonzero((levels < 0) | (levels > most))[:1].tolist():
            raise StimulusError(f"{name}, level {pre} must be 0..{most}, not {levels[pre]}")
    if levels.dtype != np.uint8:
        raise StimulusError(f"{name} must be an array of uint8, not {levels.dtype}")


def _check_events(events: Any, network: NetworkConfig, name: str) -> None:
    steps, last = network.encoder.steps, network.inputs - 1
    if len(events) > steps:
        raise StimulusError(f"{name} must have at most {steps} steps, not {len(events)}")
    for step, pres in enumerate(events):
        seen: set[int] = set()
        for k, pre in enumerate(pres):
            place = f"{name}, step {step}, event {k}"
            if not isinstance(pre, int | np.integer) or not 0 <= pre <= last:
                raise StimulusError(f"{place} must be an input 0..{last}, not {pre!r}")
            if pre in seen:
                raise StimulusError(f"{place} must be the only one of input {pre} in its step")
            seen.add(int(pre))
