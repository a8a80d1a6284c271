"""Bench of the spike queue: every lane gets every spike, in order, at its own pace."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, RisingEdge

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import case_of, seeds

CASES = {
    "four lanes": Shapes(network=NetworkConfig(), hardware=HardwareConfig(lanes=4, queue_depth=8)),
    "one lane, two words": Shapes(
        network=NetworkConfig(inputs=7, neurons=1), hardware=HardwareConfig(lanes=1, queue_depth=2)
    ),
}
SPIKES = 600


def component(case: str) -> BroadcastQueue:
    """Return the component under test."""
    shapes = CASES[case]
    depth, lanes = shapes.hardware.queue_depth, shapes.hardware.lanes
    return BroadcastQueue(shape=shapes.pre, depth=depth, readers=lanes)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def lanes_get_every_spike_in_order(dut: Any, seed: int) -> None:
    """Lanes of different speed get the same spikes; the slowest holds up the others."""
    shapes = case_of(CASES)
    lanes = shapes.hardware.lanes
    rng, rng_i, *rngs = np.random.default_rng(seed).spawn(2 + lanes)
    pres = rng.integers(0, shapes.network.inputs, SPIKES).tolist()
    pauses = rng.permutation([0.0, 0.2, 0.5, 0.7]).tolist()[:lanes]
    source = StreamSource(dut, "i", shape=shapes.pre, rng=rng_i, pause=float(rng.choice([0, 0.3])))
    sinks = [
        StreamSink(dut, f"o__{k}", shape=shapes.pre, rng=r, pause=pause)
        for k, (r, pause) in enumerate(zip(rngs, pauses, strict=True))
    ]
    await start(dut)
    for pre in pres:
        source.put(pre)
    for j, pre in enumerate(pres):
        for sink in sinks:
            await sink.expect(pre, f"spike {j}")
    await RisingEdge(dut.clk)
    await ReadOnly()
    assert int(dut.busy.value) == 0, "busy after the last spike"
    for sink in sinks:
        sink.check_silent()
