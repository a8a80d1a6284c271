"""Random feed-forward layers for property tests."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import State
from prunus_model.spec.units import MembraneParams


@st.composite
def feedforward_configs(draw: st.DrawFn) -> NetworkConfig:
    """Small layers of every kind: odd sizes, all widths, both resets."""
    return NetworkConfig(
        inputs=draw(st.one_of(st.integers(1, 9), st.integers(10, 40), st.just(300))),
        neurons=draw(st.one_of(st.just(1), st.integers(2, 9), st.just(70))),
        weight_bits=draw(st.integers(2, 8)),
        seed=draw(st.integers(0, 2**32 - 1)),
        encoder=EncoderParams(
            steps=draw(st.sampled_from([1, 2, 7, 20, 66])),
            spikes=draw(st.sampled_from(["random", "low-discrepancy"])),
            refractory_steps=draw(st.sampled_from([0, 0, 1, 5])),
        ),
        membrane=MembraneParams(leak_shift=draw(st.sampled_from([0, 1, 2, 3, 8, 23]))),
        pruning=NoPruning(),
        readout=ReadoutParams(
            classes=draw(st.sampled_from([1, 3, 10])), vote_bits=draw(st.integers(1, 8))
        ),
        feedforward=FeedforwardParams(reset=draw(st.sampled_from(["zero", "subtract"]))),
    )


def feedforward_state(config: NetworkConfig, seed: int) -> State:
    """Any valid state: some neurons fire always, often, or never; some potentials saturate."""
    rng = np.random.default_rng(seed)
    shape, neurons, f = (config.inputs, config.neurons), config.neurons, config.formats
    state = State.initial(config)
    state.alive[:] = rng.random(shape) < rng.choice([0.2, 0.8, 1.0])
    state.weights[:] = rng.integers(f.w_min, f.w_max + 1, shape) * state.alive
    state.weights[state.alive & (rng.random(shape) < 0.05)] = f.w_min
    state.bias[:] = np.where(
        rng.random(neurons) < 0.7,
        rng.integers(-40, 41, neurons),
        rng.choice([-(2**15), 0, 2**15 - 1], neurons),
    )
    reached = max(2, config.inputs * f.w_max // 8)
    state.v_fire[:] = np.where(
        rng.random(neurons) < 0.8,
        rng.integers(1, reached, neurons),
        rng.choice([1, 2**22, 2**23 - 1], neurons),
    )
    state.v[:] = rng.integers(f.v_min, f.v_max + 1, neurons)
    state.last_step[:] = rng.integers(-1, config.encoder.steps, config.inputs)
    state.presentation = int(rng.choice([0, 1, 2**32 - 1]))
    state.check(config)
    return state


def random_votes(config: NetworkConfig, seed: int) -> npt.NDArray[np.uint8]:
    """Votes of every neuron for every class: uint8, shape (neurons, classes)."""
    shape = (config.neurons, config.readout.classes)
    return (
        np.random.default_rng(seed)
        .integers(0, 1 << config.readout.vote_bits, shape)
        .astype(np.uint8)
    )
