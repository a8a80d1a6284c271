"""Bench of the memory port: every space, errors, pauses on both sides, and while it is disabled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.bus.memory_port import MemoryPort, answer_layout, request_layout
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.hardware import HardwareConfig, Space
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.columns import synapse_address_layout
from prunus_sim.simulator.streams import StreamSink, StreamSource, start
from prunus_sim.unit.helpers import case_of, drive, seeds


def _shapes(neurons: int, **hardware: Any) -> Shapes:
    network = replace(NetworkConfig.named("tiny"), neurons=neurons)
    return Shapes(network=network, hardware=HardwareConfig(lanes=4, **hardware))


CASES = {
    "learning": _shapes(10),
    "inference": _shapes(9, learn=False, store="packed"),
}
REQUESTS = 250


def component(case: str) -> MemoryPort:
    """Return the component under test."""
    return MemoryPort(shapes=CASES[case])


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def requests_reach_their_memory_and_no_other(dut: Any, seed: int) -> None:
    """Play all memories, each as slow as it likes."""
    shapes = case_of(CASES)
    known = spaces(shapes)
    rng, rng_i, rng_o, rng_m = np.random.default_rng(seed).spawn(4)
    contents: dict[Space, dict[int, int]] = {space: {} for space in known}

    async def memory(space: Space) -> None:
        name = space.name.lower()
        while True:
            await FallingEdge(dut.clk)
            await ReadOnly()
            if not int(getattr(dut, f"{name}__strobe").value):
                continue
            address = getattr(dut, f"{name}__address", None)
            at = 0 if address is None else int(address.value)
            write = int(getattr(dut, f"{name}__write").value)
            if write:
                contents[space][at] = int(getattr(dut, f"{name}__data").value)
            for _ in range(int(rng_m.integers(1, 6))):
                await RisingEdge(dut.clk)
            getattr(dut, f"{name}__done").value = 1
            getattr(dut, f"{name}__value").value = contents[space].get(at, 0)
            await RisingEdge(dut.clk)
            getattr(dut, f"{name}__done").value = 0
            getattr(dut, f"{name}__value").value = 0

    for space in known:
        drive(dut, **{f"{space.name.lower()}__done": 0})
        cocotb.start_soon(memory(space))
    requests = StreamSource(
        dut, "requests", shape=request_layout(shapes), rng=rng_i, pause=float(rng.choice([0, 0.5]))
    )
    answers = StreamSink(dut, "answers", shape=answer_layout(), rng=rng_o, pause=0.3)
    drive(dut, enable=1)
    await start(dut)
    expected: dict[Space, dict[int, int]] = {space: {} for space in known}
    for number in range(REQUESTS):
        value = int(rng.integers(0, 16))
        address_bits = request_layout(shapes)["address"].width
        address = int(rng.integers(0, 1 << int(rng.integers(0, address_bits + 1))))
        if rng.random() < 0.6 and value in known:
            # Next to the last address.
            address = max(0, known[Space(value)][2] + int(rng.integers(-2, 1)))
        write, word = int(rng.integers(0, 2)), int(rng.integers(0, 1 << 32))
        requests.put({"data": word, "address": address, "space": value, "write": write})
        found = value in known and address < known[Space(value)][2]
        if found and value == Space.SYNAPSES:
            at = synapse_address_layout(shapes).from_bits(address)
            found = int(at.post) < shapes.network.neurons
        want = 0
        if found:
            space = Space(value)
            if write:
                expected[space][address] = word & ((1 << known[space][1]) - 1)
            else:
                want = expected[space].get(address, 0)
        if number % 10 == 0:
            drive(dut, enable=0)
            taken = requests.sent
            for _ in range(20):
                await RisingEdge(dut.clk)
            assert requests.sent <= taken + 1, "a request is taken while disabled"
            drive(dut, enable=1)
        await answers.expect({"data": want, "error": not found}, f"request {number}")
        await RisingEdge(dut.clk)
        assert contents == expected, f"memories after request {number}"
