"""Wishbone slave: one termination for each cycle, errors, and cycles that are given up."""

from typing import Any

import numpy as np
import pytest

from prunus_rtl.bus.wishbone import Wishbone
from prunus_sim.simulator.amaranth import receive, send, simulate


async def _serve(ctx: Any, dut: Wishbone, rng: Any, count: int, taken: list[Any]) -> None:
    """Answer accesses; those of odd words fail."""
    for _ in range(count):
        request = await receive(ctx, dut.requests, rng)
        taken.append((request.write, request.address, request.data, request.strobe))
        data = 0xB0000000 | request.address
        await send(ctx, dut.responses, {"data": data, "error": request.address >> 2 & 1}, rng)


def _ask(ctx: Any, bus: Any, *, adr: int, we: int = 0, dat_w: int = 0, sel: int = 15) -> None:
    for name, value in {"adr": adr, "we": we, "dat_w": dat_w, "sel": sel}.items():
        ctx.set(getattr(bus, name), value)
    ctx.set(bus.cyc, 1)
    ctx.set(bus.stb, 1)


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("held", [False, True])
def test_each_cycle_is_carried_out_once_and_terminated_once(seed: int | None, held: bool) -> None:
    dut = Wishbone()
    rng = None if seed is None else np.random.default_rng(seed)
    numbers = np.random.default_rng(5)
    asked = [
        (
            int(numbers.integers(2)),
            int(numbers.integers(1 << 14)),
            int(numbers.integers(1 << 32)),
            int(numbers.integers(16)),
        )
        for _ in range(40)
    ]
    taken: list[Any] = []

    async def serve(ctx: Any) -> None:
        await _serve(ctx, dut, rng, len(asked), taken)

    async def bench(ctx: Any) -> None:
        for we, adr, dat_w, sel in asked:
            _ask(ctx, dut.bus, adr=adr, we=we, dat_w=dat_w, sel=sel)
            while True:
                bus = dut.bus
                *_, ack, err, found = await ctx.tick().sample(bus.ack, bus.err, bus.dat_r)
                assert not (ack and err)
                if ack or err:
                    break
            assert err == adr & 1
            assert we or found == 0xB0000000 | adr << 2
            if not held:
                ctx.set(dut.bus.stb, 0)
                *_, ack, err = await ctx.tick().sample(dut.bus.ack, dut.bus.err)
                assert not ack and not err

    simulate(dut, serve, bench)
    assert taken == [(we, adr << 2, dat_w, sel) for we, adr, dat_w, sel in asked]


@pytest.mark.parametrize("given_up", ["cyc", "stb"])
@pytest.mark.parametrize("back", [False, True])
def test_a_cycle_that_is_given_up_gets_no_termination(given_up: str, back: bool) -> None:
    dut = Wishbone()
    taken: list[Any] = []

    async def bench(ctx: Any) -> None:
        bus = dut.bus
        _ask(ctx, bus, adr=6)
        request = await receive(ctx, dut.requests)
        taken.append(request.address)
        ctx.set(getattr(bus, given_up), 0)
        await ctx.tick()
        if back:
            # The next cycle has begun when the response of the one that was given up comes.
            _ask(ctx, bus, adr=10)
            await ctx.tick()
        await send(ctx, dut.responses, {"data": 1, "error": 0})
        for _ in range(4):
            assert not ctx.get(bus.ack) and not ctx.get(bus.err)
            if back and ctx.get(dut.requests.valid):
                break
            await ctx.tick()
        if back:
            request = await receive(ctx, dut.requests)
            taken.append(request.address)
            await send(ctx, dut.responses, {"data": 2, "error": 0})
            *_, ack, found = await ctx.tick().sample(bus.ack, bus.dat_r)
            assert (ack, found) == (1, 2)

    simulate(dut, bench)
    assert taken == [24, 40][: 1 + back]


@pytest.mark.parametrize("given_up", ["cyc", "stb"])
def test_a_cycle_that_is_given_up_with_its_response_gets_no_termination(given_up: str) -> None:
    dut = Wishbone()

    async def bench(ctx: Any) -> None:
        bus = dut.bus
        _ask(ctx, bus, adr=6)
        await receive(ctx, dut.requests)
        ctx.set(dut.responses.valid, 1)
        ctx.set(getattr(bus, given_up), 0)
        await ctx.tick()
        ctx.set(dut.responses.valid, 0)
        for _ in range(3):
            assert not ctx.get(bus.ack) and not ctx.get(bus.err)
            await ctx.tick()

    simulate(dut, bench)
