"""A small network of groups on windows, and what is compared of it."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import DARK, GroupsParams
from prunus_model.spec.presentation import Presentation
from prunus_strategies import images

TINY = NetworkConfig.named("tiny")
#: Four windows of 4 x 4 in images of 7 x 7, nearest to the centre first.
CONFIG = replace(
    TINY,
    inputs=16,
    neurons=6,
    homeostasis=replace(TINY.homeostasis, v_th=8000),
    readout=replace(TINY.readout, votes="logarithms", vote_bits=6),
    groups=GroupsParams(
        image_width=7, image_height=7, window_width=4, window_height=4, stride=3, order="centre"
    ),
)
LOOKS = ((0, 0), (0, 1), (-1, 0))
LEVELS = images(CONFIG, 20, 3)


def with_looks(config: NetworkConfig = CONFIG) -> NetworkConfig:
    assert config.groups is not None
    return replace(config, groups=replace(config.groups, looks=LOOKS))


def votes_of(config: NetworkConfig, seed: int = 0) -> npt.NDArray[np.uint8]:
    top = 2**config.readout.vote_bits
    shape = (config.all_neurons, config.readout.classes)
    return np.random.default_rng(seed).integers(0, top, shape).astype(np.uint8)


def seen(config: NetworkConfig, view: int, levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What a view shows of an image, pixel by pixel."""
    return np.array([0 if i == DARK else levels[i] for i in config.view_indices[view]], np.uint8)


def assert_equal(one: Presentation, other: Presentation) -> None:
    assert one.counters == other.counters
    assert one.spike_steps.tolist() == other.spike_steps.tolist()
    assert one.spike_posts.tolist() == other.spike_posts.tolist()
    assert (one.prediction, one.lead) == (other.prediction, other.lead)
