"""Bench of the checks of stream rules: streams that obey the rules, and streams that break one."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from cocotb.triggers import ClockCycles

from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import sample

__all__ = ["Streams"]

_COUNT = 40


class Streams(wiring.Component):
    """One stream that is taken, and streams of which all but the first break a rule.

    Members
    -------
    i : In(stream.Signature(8))
        Taken in every third cycle.
    broken : Out(1)
        An offer of ``i`` was withdrawn or changed.
    taken : Out(1)
        A payload is taken from ``i``.
    good : Out(stream.Signature(8))
        Counts up.
    withdraws, changes : Out(stream.Signature(8))
        Offers for one cycle in two; counts up in every cycle.
    valid_looks, payload_looks : Out(stream.Signature(8))
        Offers only when it is taken; has another payload when it is taken.
    """

    def __init__(self) -> None:
        octets = stream.Signature(8)
        names = ("good", "withdraws", "changes", "valid_looks", "payload_looks")
        super().__init__(
            {"i": In(octets), "broken": Out(1), "taken": Out(1)}
            | {name: Out(octets) for name in names}
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the component."""
        m = Module()
        time, taken = Signal(8), Signal(8)
        held, offered = Signal(), Signal(8)
        slow = Signal(range(3))
        m.d.sync += [time.eq(time + 1), slow.eq(slow + 1)]
        with m.If(slow == 2):
            m.d.sync += slow.eq(0)
        m.d.comb += [
            self.taken.eq(self.i.valid & self.i.ready),
            self.i.ready.eq(slow == 2),
        ]
        m.d.sync += [held.eq(self.i.valid & ~self.i.ready), offered.eq(self.i.payload)]
        with m.If(held & (~self.i.valid | (self.i.payload != offered))):
            m.d.sync += self.broken.eq(1)
        with m.If(self.good.valid & self.good.ready):
            m.d.sync += taken.eq(taken + 1)
        m.d.comb += [
            self.good.valid.eq(1),
            self.good.payload.eq(taken),
            self.withdraws.valid.eq(time[0]),
            self.withdraws.payload.eq(7),
            self.changes.valid.eq(1),
            self.changes.payload.eq(time),
            self.valid_looks.valid.eq(self.valid_looks.ready),
            self.valid_looks.payload.eq(7),
            self.payload_looks.valid.eq(1),
            self.payload_looks.payload.eq(self.payload_looks.ready),
        ]
        return m


@cocotb.test(timeout_time=10, timeout_unit="us")
async def sink_checks_the_stream(dut: Any) -> None:
    """Take from the stream that CASE names."""
    name = os.environ["CASE"]
    sink = StreamSink(dut, name, shape=8, rng=np.random.default_rng(1), pause=0.5)
    await start(dut)
    await ClockCycles(dut.clk, _COUNT)
    assert sink.received > 0


@cocotb.test(timeout_time=10, timeout_unit="us")
async def source_obeys_the_rules(dut: Any) -> None:
    """Send with pauses of the probability CASE: each offer is held until it is taken, once."""
    rng = np.random.default_rng(2)
    source = StreamSource(dut, "i", shape=8, rng=rng, pause=float(os.environ["CASE"]))
    await start(dut)
    sent = rng.integers(0, 256, _COUNT).tolist()
    for word in sent:
        source.put(word)
    got = []
    while source.sent < _COUNT:
        taken, word, broken = await sample(dut, "taken", "i__payload", "broken")
        assert not broken, "an offer was withdrawn or changed"
        if taken:
            got.append(word)
    assert got == sent
