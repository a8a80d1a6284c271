"""The table of memories against those that really are in the netlist of a core."""

# amaranth: UnusedElaboratable=no

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import RedundancyParams
from prunus_rtl.core.core import Core
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.netlist import make_netlist
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.image import pack

TINY = NetworkConfig.named("tiny")
REDUNDANCY = replace(TINY, redundancy=RedundancyParams(shift=4, image_width=7))


def core(network: NetworkConfig, fmt: str | None = None, capacity: int = 0, **options: Any) -> Core:
    if fmt is None:
        return Core(network=network, hardware=HardwareConfig(lanes=4, **options))
    alive = np.random.default_rng(1).random((network.inputs, network.neurons)) < 0.4
    lanes, bits = options.get("lanes", 4), network.weight_bits
    weights = alive.astype(np.uint8)
    image = pack(weights, alive, format=fmt, lanes=lanes, weight_bits=bits, capacity=capacity)
    choice: dict[str, Any] = {"lanes": 4, "learn": False, "store": "packed"} | options
    return Core(network=network, hardware=HardwareConfig(**choice), images=image.lanes)


@pytest.mark.parametrize(
    ("network", "options"),
    [
        pytest.param(TINY, {}, id="learning"),
        pytest.param(REDUNDANCY, {"source": "events"}, id="redundancy, events"),
        pytest.param(TINY, {"learn": False}, id="inference"),
        pytest.param(TINY, {"fmt": "csr", "capacity": 5000}, id="csr in banks"),
        pytest.param(TINY, {"fmt": "bitmask", "lanes": 1}, id="bitmask"),
        pytest.param(TINY, {"fmt": "csr", "spram": True}, id="csr in SPRAM"),
        pytest.param(TINY, {"fmt": "dense", "spram": True}, id="dense in SPRAM"),
    ],
)
def test_table_has_the_memories_of_the_netlist(
    network: NetworkConfig, options: dict[str, Any]
) -> None:
    built = core(network, **options)
    table = Counter(
        (memory.width, depth) for memory in memories(built.shapes) for depth in memory.depths
    )
    there = Counter((memory.width, memory.depth) for memory in make_netlist(built).memories)
    assert table == there
    if network.redundancy is not None and built.hardware.learn:
        assert "coactivity" in {memory.name for memory in memories(built.shapes)}
