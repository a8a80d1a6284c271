"""The golden encoder's spikes of many images at once, as arrays that any simulator takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ExchangeError
from prunus_model.engine.streams import draw_pass, seeded
from prunus_model.reference import refractory
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import PRESENTATION_BITS, RANDOM_BITS, max_of
from prunus_model.spec.packed_events import PackedEvents, check_stimuli
from prunus_model.spec.random_streams import (
    ENCODER,
    LOW_DISCREPANCY_STRIDE,
    PRE_PER_DRAW,
    words,
)
from prunus_model.spec.state import NO_STEP

__all__ = ["check_undivided", "input_spikes"]


def check_undivided(config: NetworkConfig) -> None:
    """Check that a network is one layer with one encoder, as a graph of NIR can have it.

    Raises
    ------
    ExchangeError
        If it has groups.
    """
    if config.groups is not None:
        raise ExchangeError(
            f"Network must be one without groups for NIR: each of the {config.view_count} views "
            f"that it has of an image has an encoder of its own, and a graph has one input"
        )


def input_spikes(
    config: NetworkConfig, stimuli: npt.NDArray[np.uint8] | PackedEvents, *, first: int = 0
) -> npt.NDArray[np.bool_]:
    """Return what a network that is not divided hears: the spikes that are not dropped (4.2).

    Parameters
    ----------
    config : NetworkConfig
        Without groups.
    stimuli : ndarray of uint8, shape (n, inputs), or PackedEvents
        Levels of images, or events.
    first : int
        Presentation number of the first.

    Returns
    -------
    ndarray of bool, shape (n, steps, inputs)

    Raises
    ------
    ExchangeError
        If the network has groups.
    TypeError, ValueError
        If the stimuli are of the wrong type or shape.
    """
    check_undivided(config)
    check_stimuli(stimuli, config)
    if isinstance(stimuli, PackedEvents):
        spikes = _of_events(stimuli)
    else:
        spikes = _of_levels(config, stimuli, first)
    if config.encoder.refractory_steps:
        for one in spikes:
            _drop(one, config)
    return spikes


def _of_events(events: PackedEvents) -> npt.NDArray[np.bool_]:
    spikes = np.zeros((len(events), events.steps, events.inputs), dtype=np.bool_)
    for number in range(len(events)):
        for step, pres in enumerate(events.lists(number)):
            spikes[number, step, pres] = True
    return spikes


def _of_levels(
    config: NetworkConfig, levels: npt.NDArray[np.uint8], first: int
) -> npt.NDArray[np.bool_]:
    steps, inputs = config.encoder.steps, config.inputs
    even = config.encoder.spikes == "low-discrepancy"
    spikes = np.empty((len(levels), steps, inputs), dtype=np.bool_)
    drawn = np.empty(PRE_PER_DRAW * words(inputs), dtype=np.uint8)
    for number, image in enumerate(levels):
        state = seeded(config.seed, first + number & max_of(PRESENTATION_BITS), ENCODER)
        for step in range(steps):
            if not even or step == 0:
                state = draw_pass(state, words(inputs), drawn)
            offset = LOW_DISCREPANCY_STRIDE * step & max_of(RANDOM_BITS) if even else 0
            spikes[number, step] = drawn[:inputs] + np.uint8(offset) < image
    return spikes


def _drop(spikes: npt.NDArray[np.bool_], config: NetworkConfig) -> None:
    """Drop the spikes of refractory inputs, in place; shape (steps, inputs)."""
    last_step = np.full(config.inputs, NO_STEP, dtype=np.int16)
    for step, row in enumerate(spikes):
        row[:] = refractory.kept(row, last_step, step, config.encoder)
        last_step[row] = step
