"""AXI4-Lite slave: channels in any order, stalls on each, errors, turns."""

import itertools
from typing import Any

import numpy as np
import pytest

from prunus_rtl.bus.axi_lite import OKAY, SLVERR, AxiLite
from prunus_sim.simulator.amaranth import receive, send, simulate


async def _serve(ctx: Any, dut: AxiLite, rng: np.random.Generator | None, count: int) -> list[Any]:
    """Answer accesses: those of odd words fail; a read returns its address and 0xA above it."""
    taken = []
    for _ in range(count):
        request = await receive(ctx, dut.requests, rng)
        taken.append(
            (request.write, request.address, request.data, request.strobe)
            if request.write
            else (0, request.address)
        )
        data = 0 if request.write else 0xA0000000 | request.address
        await send(ctx, dut.responses, {"data": data, "error": request.address >> 2 & 1}, rng)
    return taken


async def _offer(ctx: Any, bus: Any, channel: str, rng: Any, **payload: int) -> None:
    while rng is not None and rng.random() < 0.4:
        await ctx.tick()
    for name, value in payload.items():
        ctx.set(getattr(bus, channel + name), value)
    ctx.set(getattr(bus, f"{channel}valid"), 1)
    await ctx.tick().until(getattr(bus, f"{channel}ready"))
    ctx.set(getattr(bus, f"{channel}valid"), 0)
    # What a channel carries while it is not valid must play no part.
    for name in payload:
        ctx.set(getattr(bus, channel + name), 0)


async def _take(ctx: Any, bus: Any, channel: str, rng: Any, *names: str) -> list[int]:
    """Take a response; it must be held until it is taken."""
    offered = None
    while True:
        ready = rng is None or bool(rng.random() < 0.5)
        ctx.set(getattr(bus, f"{channel}ready"), ready)
        fields = [getattr(bus, channel + name) for name in names]
        _, _, valid, *values = await ctx.tick().sample(getattr(bus, f"{channel}valid"), *fields)
        assert offered is None or (valid and values == offered)
        if valid and ready:
            ctx.set(getattr(bus, f"{channel}ready"), 0)
            return list(values)
        offered = values if valid else None


@pytest.mark.parametrize("seed", [None, *range(1, 9)])
def test_writes_and_reads_are_carried_out_and_answered_in_order(seed: int | None) -> None:
    dut = AxiLite()
    rngs = [None] * 6 if seed is None else np.random.default_rng(seed).spawn(6)
    count = 30
    numbers = np.random.default_rng(7)
    writes = [
        (4 * k, int(numbers.integers(1 << 32)), int(numbers.integers(16))) for k in range(count)
    ]
    reads = [4 * int(numbers.integers(1 << 14)) for _ in range(count)]
    taken: list[Any] = []

    async def serve(ctx: Any) -> None:
        taken.extend(await _serve(ctx, dut, rngs[0], 2 * count))

    async def addresses(ctx: Any) -> None:
        for address, _, _ in writes:
            await _offer(ctx, dut.bus, "aw", rngs[1], addr=address)

    async def words(ctx: Any) -> None:
        for _, data, strobe in writes:
            await _offer(ctx, dut.bus, "w", rngs[2], data=data, strb=strobe)

    async def answers(ctx: Any) -> None:
        for address, _, _ in writes:
            (resp,) = await _take(ctx, dut.bus, "b", rngs[3], "resp")
            assert resp == (SLVERR if address >> 2 & 1 else OKAY), hex(address)

    async def asks(ctx: Any) -> None:
        for address in reads:
            await _offer(ctx, dut.bus, "ar", rngs[4], addr=address)

    async def found(ctx: Any) -> None:
        for address in reads:
            data, resp = await _take(ctx, dut.bus, "r", rngs[5], "data", "resp")
            assert data == 0xA0000000 | address
            assert resp == (SLVERR if address >> 2 & 1 else OKAY), hex(address)

    simulate(dut, serve, addresses, words, answers, asks, found)
    assert [request[1:] for request in taken if request[0]] == writes
    assert [request[1] for request in taken if not request[0]] == reads


@pytest.mark.parametrize(("stuck", "free"), [("b", "r"), ("r", "b")])
def test_a_response_that_is_not_taken_keeps_back_its_own_side_only(stuck: str, free: str) -> None:
    dut = AxiLite()
    channels = {"b": ("aw", "w"), "r": ("ar",)}
    served: list[Any] = []

    async def serve(ctx: Any) -> None:
        served.extend(await _serve(ctx, dut, None, 6))

    async def bench(ctx: Any) -> None:
        for _ in range(2):
            # The second one waits for the response of the first to be taken.
            for channel in channels[stuck]:
                await _offer(
                    ctx, dut.bus, channel, None, **({"addr": 8} if channel[0] == "a" else {})
                )
        for _ in range(4):
            for channel in channels[free]:
                await _offer(
                    ctx, dut.bus, channel, None, **({"addr": 8} if channel[0] == "a" else {})
                )
            await _take(ctx, dut.bus, free, None, "resp")
        assert ctx.get(getattr(dut.bus, f"{stuck}valid"))
        for _ in range(2):
            await _take(ctx, dut.bus, stuck, None, "resp")

    simulate(dut, serve, bench)
    assert len(served) == 6


def test_reads_and_writes_take_turns() -> None:
    dut = AxiLite()
    served: list[Any] = []

    async def serve(ctx: Any) -> None:
        # Both are always asked for, and answers always taken.
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            ctx.set(getattr(dut.bus, name), 1)
        served.extend(await _serve(ctx, dut, None, 12))

    simulate(dut, serve)
    # The address of a read comes before address and data of a write are there.
    kinds = [request[0] for request in served][1:]
    assert all(one != other for one, other in itertools.pairwise(kinds)), kinds


@pytest.mark.parametrize("first", ["aw", "w"])
def test_an_address_without_data_or_data_without_an_address_does_nothing(first: str) -> None:
    dut = AxiLite()

    async def bench(ctx: Any) -> None:
        await _offer(ctx, dut.bus, first, None)
        for _ in range(10):
            await ctx.tick()
            assert not ctx.get(dut.requests.valid)
        assert not ctx.get(getattr(dut.bus, f"{first}ready"))

    simulate(dut, bench)
