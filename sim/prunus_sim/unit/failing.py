"""Benches that fail, for the tests of the runner."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.broadcast_fifo import CASES

#: Shape of what flows; the component is the queue of four lanes.
_PRE = CASES["four lanes"].pre


@cocotb.test(timeout_time=1, timeout_unit="us")
async def expects_another_spike(dut: Any) -> None:
    """Send 7 and expect 8."""
    rng_i, rng_o = np.random.default_rng(0).spawn(2)
    source = StreamSource(dut, "i", shape=_PRE, rng=rng_i)
    sink = StreamSink(dut, "o__0", shape=_PRE, rng=rng_o)
    await start(dut)
    source.put(7)
    await sink.expect(8, "spike 0")


@cocotb.test(timeout_time=200, timeout_unit="ns")
async def waits_for_ever(dut: Any) -> None:
    """Wait for a spike that nobody sends."""
    sink = StreamSink(dut, "o__0", shape=_PRE, rng=np.random.default_rng(0))
    await start(dut)
    await sink.receive()
