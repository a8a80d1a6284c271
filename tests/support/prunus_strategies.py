"""Random configurations and images for property tests."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams, EncoderParams
from prunus_model.spec.groups import DARK, GroupsParams
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.readout import ReadoutParams
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
        st.builds(LiftPruning, share=st.integers(0, 255), length=st.integers(1, 20)),
        st.builds(
            SoftPruning,
            after_presentations=st.integers(1, 3),
            min_spikes=st.integers(1, 3),
            percent=st.integers(0, 100),
        ),
        st.builds(PostPruning, w_prune=st.integers(0, w_max)),
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
    )


@st.composite
def windows(draw: st.DrawFn) -> GroupsParams:
    """Windows of every kind in small images, with looks that go beyond the image."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rows, columns = draw(st.integers(1, height)), draw(st.integers(1, width))
    place = st.tuples(st.integers(0, height - rows), st.integers(0, width - columns))
    look = st.tuples(st.integers(1 - height, height - 1), st.integers(1 - width, width - 1))
    kind = draw(st.sampled_from(["stride", "count", "positions"]))
    return GroupsParams(
        image_width=width,
        image_height=height,
        window_width=columns,
        window_height=rows,
        stride=draw(st.integers(4, 9)) if kind == "stride" else None,
        count=draw(st.integers(1, 2)) if kind == "count" else None,
        positions=(
            tuple(draw(st.lists(place, min_size=1, max_size=5))) if kind == "positions" else None
        ),
        order=draw(st.sampled_from(["given", "centre"])),
        looks=((0, 0), *draw(st.lists(look, max_size=2))),
    )


@st.composite
def index_sets(draw: st.DrawFn) -> GroupsParams:
    """Groups of an image without geometry: any levels, some of them missing."""
    levels = draw(st.integers(1, 12))
    count = draw(st.integers(1, levels))
    dark = draw(st.integers(0, 2))
    sets = [
        draw(st.permutations(range(levels)))[:count] + [DARK] * dark
        for _ in range(draw(st.integers(1, 4)))
    ]
    return GroupsParams(
        image_width=levels,
        image_height=1,
        indices=tuple(tuple(draw(st.permutations(seen))) for seen in sets),
    )


@st.composite
def group_configs(draw: st.DrawFn) -> NetworkConfig:
    """Small networks of groups that fire often: all places, looks, encoders and policies."""
    groups = draw(st.one_of(windows(), index_sets()))
    contrast = groups.indices is None and draw(st.booleans())
    return NetworkConfig(
        inputs=groups.window_inputs * (2 if contrast else 1),
        neurons=draw(st.integers(1, 5)),
        seed=draw(st.sampled_from([1, 2**32 - 2])),
        encoder=EncoderParams(
            steps=draw(st.sampled_from([1, 6, 12, 70])),
            spikes=draw(st.sampled_from(["random", "low-discrepancy"])),
            refractory_steps=draw(st.sampled_from([0, 0, 1])),
            contrast=ContrastParams(image_width=groups.image_width, window=3) if contrast else None,
        ),
        membrane=MembraneParams(
            leak_shift=draw(st.sampled_from([0, 3])), inhibition_steps=draw(st.integers(0, 2))
        ),
        homeostasis=HomeostasisParams(
            v_th=draw(st.sampled_from([5000, 30000])), theta_plus=500, theta_decay_shift=3
        ),
        stdp=StdpParams(trace_window=2, potentiation_shift=3, depression_shift=3),
        pruning=draw(_policies(255)),
        readout=ReadoutParams(vote_bits=draw(st.sampled_from([1, 6]))),
        groups=groups,
    )


def images(config: NetworkConfig, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Levels with many dark inputs, and both extremes: uint8, shape (count, image_levels)."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, (count, config.image_levels))
    levels[rng.random(levels.shape) < 0.5] = 0
    levels[rng.random(levels.shape) < 0.1] = 255
    return levels.astype(np.uint8)
