"""Cores whose accesses are counted, for tests."""

from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import AdaptivePruning
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.image import pack
from prunus_rtl.shapes import Shapes

TINY = replace(NetworkConfig.named("tiny"), pruning=AdaptivePruning(ramp_shift=0))


def shapes(network: NetworkConfig = TINY, *, format: str = "csr", **hardware: Any) -> Shapes:
    hardware = {"lanes": 4} | hardware
    store = None
    if hardware.get("store") == "packed":
        rng = np.random.default_rng(1)
        alive = rng.random((network.inputs, network.neurons)) < 0.4
        lanes = pack(
            alive.astype(np.uint8),
            alive,
            format=format,
            lanes=hardware["lanes"],
            weight_bits=network.weight_bits,
        ).lanes
        store = StoreLayout.of(lanes)
    return Shapes(network=network, hardware=HardwareConfig(**hardware), store=store)


WINDOWS = replace(
    TINY,
    inputs=10,
    groups=GroupsParams(
        image_width=7,
        image_height=7,
        window_width=5,
        window_height=2,
        stride=2,
        looks=((0, 0), (1, 1), (-1, 0)),
    ),
)


def packed(format: str, **hardware: Any) -> Shapes:
    return shapes(format=format, store="packed", learn=False, **hardware)


#: One view, so that presentations and views are as many.
SETS = replace(
    TINY, groups=GroupsParams(image_width=7, image_height=7, indices=(tuple(range(49)),))
)
CORES = {
    "learning": shapes(),
    "inference": shapes(learn=False),
    "events": shapes(source="events"),
    "csr": packed("csr"),
    "bitmask": packed("bitmask"),
    "dense": packed("dense"),
    "SPRAM": packed("csr", spram=True),
    "groups": shapes(SETS),
    "16 inputs per cycle": shapes(encoder_inputs=16),
    "groups, 8 inputs per cycle": shapes(SETS, encoder_inputs=8),
}
