"""A feed-forward layer as a complete network, without any training."""

from dataclasses import replace
from typing import Any

import numpy as np

from prunus_feedforward import feedforward_state
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.units import MembraneParams
from prunus_model.training.artifact import Artifact, Schedule
from prunus_package import small


def layer(seed: int = 1, **changes: Any) -> Artifact:
    """A layer on the digits of 7 x 7 pixels, its neurons often fire, and several in a step."""
    base = small("none")
    given: dict[str, Any] = {
        "membrane": MembraneParams(),
        "feedforward": FeedforwardParams(reset="subtract"),
    }
    config = replace(base.config, **given | changes)
    rng, f = np.random.default_rng(seed), config.formats
    state = feedforward_state(config, seed)
    # Some neurons have more synapses than others, so that lanes are balanced.
    state.alive[:] = rng.random(state.alive.shape) < np.linspace(0.9, 0.4, config.neurons)
    state.weights[:] = rng.integers(f.w_min, f.w_max + 1, state.alive.shape) * state.alive
    state.v_fire[:] = rng.integers(1, 6 * f.w_max, config.neurons)
    state.v_fire[0], state.bias[0] = 1 << 22, -(1 << 15)
    state.bias[1:] = rng.integers(-30, 31, config.neurons - 1)
    state.v[:] = 0
    state.last_step[:] = -1
    state.presentation = base.state.presentation
    schedule = Schedule.imported("test", "0" * 64)
    return replace(base, config=config, schedule=schedule, state=state)
