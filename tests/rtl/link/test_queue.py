# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_sim.simulator.amaranth import receive, send, simulate


@pytest.mark.parametrize("depth", [2, 16])
@pytest.mark.parametrize(("slow_in", "slow_out"), [(False, False), (True, False), (False, True)])
def test_octets_leave_in_order(depth: int, slow_in: bool, slow_out: bool) -> None:
    dut = ReceiveQueue(depth=depth)
    rng, before, behind = np.random.default_rng(depth).spawn(3)
    octets = rng.integers(0, 256, 150).tolist()

    async def write(ctx: Any) -> None:
        for octet in octets:
            await send(ctx, dut.i, octet, before if slow_in else None)

    async def read(ctx: Any) -> None:
        for octet in octets:
            assert await receive(ctx, dut.o, behind if slow_out else None) == octet
        for _ in range(10):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()

    simulate(dut, write, read)


@pytest.mark.parametrize("depth", [2, 16])
def test_it_holds_its_depth_and_one_more_and_shows_the_first_until_it_is_taken(depth: int) -> None:
    dut = ReceiveQueue(depth=depth)
    held = depth + 1

    async def fill(ctx: Any) -> None:
        for octet in range(held):
            await send(ctx, dut.i, octet)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, held)
        for _ in range(20):
            assert not ctx.get(dut.i.ready)
            assert (ctx.get(dut.o.valid), ctx.get(dut.o.payload)) == (1, 0)
            await ctx.tick()
        assert await receive(ctx, dut.o) == 0
        await send(ctx, dut.i, held)
        for octet in range(1, held + 1):
            assert await receive(ctx, dut.o) == octet

    simulate(dut, fill)


def test_an_octet_takes_three_cycles_and_one_leaves_every_second_cycle() -> None:
    dut = ReceiveQueue(depth=16)
    shown: list[int] = []

    async def write(ctx: Any) -> None:
        for octet in range(8):
            await send(ctx, dut.i, octet)

    async def read(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        for cycle in range(40):
            *_, valid, octet = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                assert octet == len(shown)
                shown.append(cycle)

    simulate(dut, write, read)
    # The first is taken by the queue in cycle 0.
    assert shown == list(range(3, 3 + 2 * 8, 2))
