"""The table of memories against those that really are in the netlist of a core."""

# amaranth: UnusedElaboratable=no

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.feedforward import FeedforwardParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import LiftPruning, NoPruning
from prunus_model.spec.units import MembraneParams
from prunus_rtl.core.core import Core
from prunus_rtl.counts.memories import MemoryUse, memories
from prunus_rtl.export.netlist import make_netlist
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.link.queued_system import queued_memories
from prunus_rtl.link.system import link_memories
from prunus_rtl.memory_image.image import pack
from prunus_rtl.shapes import Shapes

TINY = NetworkConfig.named("tiny")
REFRACTORY = replace(TINY, encoder=replace(TINY.encoder, refractory_steps=5))
LIFT = replace(TINY, pruning=LiftPruning(length=32))
GROUPS = replace(
    REFRACTORY,
    inputs=9,
    groups=GroupsParams(
        image_width=7,
        image_height=7,
        window_width=3,
        window_height=3,
        stride=2,
        looks=((0, 0), (0, 1)),
    ),
)

LAYER = replace(
    TINY, pruning=NoPruning(), membrane=MembraneParams(), feedforward=FeedforwardParams()
)


def core(network: NetworkConfig, fmt: str | None = None, capacity: int = 0, **options: Any) -> Core:
    if fmt is None:
        return Core(network=network, hardware=HardwareConfig(lanes=4, **options))
    alive = np.random.default_rng(1).random((network.rows, network.neurons)) < 0.4
    lanes, bits = options.get("lanes", 4), network.weight_bits
    weights = alive.astype(np.uint8)
    image = pack(weights, alive, format=fmt, lanes=lanes, weight_bits=bits, capacity=capacity)
    choice: dict[str, Any] = {"lanes": 4, "learn": False, "store": "packed"} | options
    return Core(network=network, hardware=HardwareConfig(**choice), images=image.lanes)


def sizes(table: Iterable[MemoryUse]) -> Counter[tuple[int, int]]:
    return Counter((memory.width, depth) for memory in table for depth in memory.depths)


@pytest.mark.parametrize(
    ("network", "options"),
    [
        pytest.param(TINY, {}, id="learning"),
        pytest.param(LIFT, {"source": "events"}, id="lift, events"),
        pytest.param(LIFT, {"learn": False}, id="lift, inference"),
        pytest.param(REFRACTORY, {"source": "events"}, id="refractory, events"),
        pytest.param(REFRACTORY, {"fmt": "csr"}, id="refractory, csr"),
        pytest.param(TINY, {"learn": False}, id="inference"),
        pytest.param(TINY, {"encoder_inputs": 8}, id="8 inputs per cycle"),
        pytest.param(GROUPS, {"encoder_inputs": 16}, id="groups, 16 inputs per cycle"),
        pytest.param(TINY, {"fmt": "csr", "capacity": 5000}, id="csr in banks"),
        pytest.param(TINY, {"fmt": "bitmask", "lanes": 1}, id="bitmask"),
        pytest.param(LAYER, {"learn": False}, id="feed-forward layer"),
        pytest.param(LAYER, {"fmt": "csr"}, id="feed-forward layer, csr"),
        pytest.param(TINY, {"fmt": "csr", "spram": True}, id="csr in SPRAM"),
        pytest.param(TINY, {"fmt": "dense", "spram": True}, id="dense in SPRAM"),
        pytest.param(TINY, {"sweep_inputs": 4}, id="learning, 4 inputs per cycle"),
        pytest.param(LIFT, {"sweep_inputs": 2}, id="lift, 2 inputs per cycle"),
        pytest.param(
            replace(GROUPS, pruning=LIFT.pruning),
            {"sweep_inputs": 8},
            id="groups, lift, 8 inputs per cycle",
        ),
        pytest.param(GROUPS, {}, id="groups, learning"),
        pytest.param(replace(GROUPS, pruning=LIFT.pruning), {}, id="groups, lift"),
        pytest.param(GROUPS, {"fmt": "csr", "lanes": 2}, id="groups, csr"),
    ],
)
def test_table_has_the_memories_of_the_netlist(
    network: NetworkConfig, options: dict[str, Any]
) -> None:
    built = core(network, **options)
    there = Counter((memory.width, memory.depth) for memory in make_netlist(built).memories)
    assert sizes(memories(built.shapes)) == there
    names = {memory.name for memory in memories(built.shapes)}
    assert ("input_rate" in names) == built.shapes.lift
    assert ("refractory" in names) == (network.encoder.refractory_steps > 0)
    assert ("map" in names) == (network.groups is not None)


@pytest.mark.parametrize("source", ["levels", "events"])
def test_table_of_the_link_has_the_memories_of_its_netlist(source: Any) -> None:
    shapes = Shapes(network=TINY, hardware=HardwareConfig(lanes=2, source=source))
    identity = Identity(
        lanes=2, learn=True, neurons=10, inputs=49, steps=TINY.encoder.steps, clock_hz=0,
        core=bytes(16), network=bytes(32),
    )  # fmt: skip
    text = rtlil.convert(Endpoint(shapes=shapes, identity=identity), emit_src=False)
    found = re.findall(r"^ *memory width (\d+) size (\d+) ", text, re.MULTILINE)
    there = Counter((int(width), int(depth)) for width, depth in found)
    assert sizes(link_memories(shapes)) == there


def test_serial_line_adds_its_queue() -> None:
    shapes = Shapes(network=TINY, hardware=HardwareConfig(lanes=2))
    text = rtlil.convert(ReceiveQueue(depth=QUEUE_BYTES), emit_src=False)
    ((width, depth),) = re.findall(r"^ *memory width (\d+) size (\d+) ", text, re.MULTILINE)
    there = sizes(link_memories(shapes)) + Counter([(int(width), int(depth))])
    assert sizes(queued_memories(shapes)) == there
