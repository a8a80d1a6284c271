"""Random configurations and images for property tests."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    RedundancyParams,
    SoftPruning,
)
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams


def _policies(w_max: int) -> st.SearchStrategy[PruningParams]:
    start = st.sampled_from([0, 0, 2])
    return st.one_of(
        st.just(NoPruning()),
        st.builds(ConstantPruning, w_prune=st.integers(0, w_max), start=start),
        st.builds(
            AdaptivePruning,
            ramp_gain=st.integers(0, 9),
            ramp_shift=st.integers(0, 4),
            strength_gain=st.one_of(st.integers(0, 65535), st.integers(0, 6000)),
            start=start,
        ),
        st.builds(
            SoftPruning,
            after_presentations=st.integers(1, 3),
            min_spikes=st.integers(1, 3),
            percent=st.integers(0, 100),
        ),
        st.builds(PostPruning, w_prune=st.integers(0, w_max)),
    )


def _redundancy() -> st.SearchStrategy[RedundancyParams | None]:
    return st.one_of(
        st.none(),
        st.builds(
            RedundancyParams,
            shift=st.sampled_from([1, 8, 15]),
            image_width=st.integers(1, 9),
            start=st.sampled_from([0, 0, 2]),
        ),
    )


@st.composite
def configs(draw: st.DrawFn) -> NetworkConfig:
    """Small networks of every kind that fire often: odd sizes, all policies, all corners."""
    weight_bits = draw(st.integers(1, 8))
    return NetworkConfig(
        inputs=draw(st.one_of(st.integers(1, 9), st.integers(10, 60), st.just(300))),
        neurons=draw(st.one_of(st.just(1), st.integers(2, 40))),
        weight_bits=weight_bits,
        seed=draw(st.integers(0, 2**32 - 1)),
        encoder=EncoderParams(
            steps=draw(st.one_of(st.integers(1, 20), st.integers(60, 255))),
            spikes=draw(st.sampled_from(["random", "low-discrepancy"])),
            refractory_steps=draw(st.sampled_from([0, 0, 1, 5, 255])),
        ),
        membrane=MembraneParams(
            leak_shift=draw(st.integers(0, 8)), inhibition_steps=draw(st.integers(0, 4))
        ),
        homeostasis=HomeostasisParams(
            v_th=draw(st.integers(1, 60000)),
            theta_plus=draw(st.one_of(st.integers(0, 3000), st.integers(0, 2**24 - 1))),
            theta_decay_shift=draw(st.integers(0, 24)),
            fire_shift=draw(st.integers(12, 20)),
        ),
        stdp=StdpParams(
            trace_window=draw(st.one_of(st.integers(0, 5), st.just(255))),
            potentiation_shift=draw(st.integers(0, 8)),
            depression_shift=draw(st.integers(0, 8)),
        ),
        pruning=draw(_policies(2**weight_bits - 1)),
        redundancy=draw(_redundancy()),
    )


def images(config: NetworkConfig, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Levels with many dark inputs, and both extremes: uint8, shape (count, inputs)."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (count, config.inputs))
    levels[rng.random(levels.shape) < 0.5] = 0
    levels[rng.random(levels.shape) < 0.1] = 255
    return levels.astype(np.uint8)
