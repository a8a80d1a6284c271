# amaranth: UnusedElaboratable=no

import struct
from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.link.endpoint.log import LAST_AT, SPIKES_AT, LogRam
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.shapes import Shapes
from prunus_sim.simulator.amaranth import send, simulate

STEPS = 90
SHAPES = Shapes(
    network=NetworkConfig(inputs=4, neurons=400, encoder=EncoderParams(steps=STEPS)),
    hardware=HardwareConfig(lanes=4),
)
IDENTITY = Identity(
    lanes=4,
    learn=True,
    neurons=400,
    inputs=4,
    steps=STEPS,
    clock_hz=1,
    core=bytes(range(16)),
    network=bytes(range(50, 82)),
)


async def contents(ctx: Any, dut: LogRam, addresses: range) -> bytes:
    """Read octets through the port."""
    octets = bytearray()
    for address in addresses:
        ctx.set(dut.read_address, address)
        await ctx.tick().repeat(2)
        octets.append(ctx.get(dut.read_data))
    return bytes(octets)


@pytest.mark.parametrize("seed", [0, 1])
def test_neither_spikes_nor_writes_are_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = LogRam(spike=SHAPES.spike, spikes=STEPS, identity=IDENTITY)
    spikes = [(step, int(rng.integers(400))) for step in range(STEPS)]
    written = bytearray(IDENTITY.pack() + bytes(SPIKES_AT - LAST_AT))
    over = False

    async def shoot(ctx: Any) -> None:
        nonlocal over
        for step, post in spikes:
            await send(ctx, dut.spikes, {"step": step, "post": post}, rng)
            await ctx.tick().repeat(int(rng.integers(1, 5)))
        over = True

    async def write(ctx: Any) -> None:
        while not over:
            address, octet = int(rng.integers(SPIKES_AT)), int(rng.integers(256))
            ctx.set(dut.write_address, address)
            ctx.set(dut.write_data, octet)
            ctx.set(dut.write, 1)
            await ctx.tick().until(dut.write_ready)
            ctx.set(dut.write, 0)
            written[address] = octet
        assert ctx.get(dut.end) == SPIKES_AT + 3 * STEPS
        packed = b"".join(struct.pack("<BH", *spike) for spike in spikes)
        assert await contents(ctx, dut, range(SPIKES_AT, SPIKES_AT + len(packed))) == packed
        assert await contents(ctx, dut, range(SPIKES_AT)) == bytes(written)

    simulate(dut, shoot, write, platform=Collisions())


def test_starts_with_the_identity_and_forgets_spikes_on_request() -> None:
    dut = LogRam(spike=SHAPES.spike, spikes=STEPS, identity=IDENTITY)

    async def bench(ctx: Any) -> None:
        assert await contents(ctx, dut, range(LAST_AT)) == IDENTITY.pack()
        assert ctx.get(dut.end) == SPIKES_AT
        for _ in range(2):
            await send(ctx, dut.spikes, {"step": 3, "post": 399})
            assert ctx.get(dut.end) == SPIKES_AT + 3
            # Also in the middle of a spike.
            ctx.set(dut.spikes.valid, 1)
            await ctx.tick()
            ctx.set(dut.spikes.valid, 0)
            ctx.set(dut.forget, 1)
            await ctx.tick()
            ctx.set(dut.forget, 0)
            assert ctx.get(dut.end) == SPIKES_AT
        await send(ctx, dut.spikes, {"step": 7, "post": 300})
        octets = await contents(ctx, dut, range(SPIKES_AT, SPIKES_AT + 3))
        assert octets == struct.pack("<BH", 7, 300)

    simulate(dut, bench, platform=Collisions())
