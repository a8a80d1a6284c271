from typing import Any

import pytest

from prunus_model.reference.xorshift import Stream
from prunus_model.spec.random_streams import ENCODER, FALLBACK, LEARNING, STRIDE
from prunus_rtl.encoder.prng import RandomStream, StreamKey
from prunus_sim.simulator.amaranth import simulate

M32 = (1 << 32) - 1


@pytest.mark.parametrize(
    ("seed", "presentation", "constant", "draws"),
    [
        (1, 0, ENCODER, "840ed7fd 80da4825 f20f158a 0775e775"),
        (1, 0, LEARNING, "558be8c2 3ae42deb 547b5aa7 dadb0330"),
        (1, 1, ENCODER, "2ccb39c4 35801b9d e887bc64 fe6d4fc1"),
        (0, 0, LEARNING, "220c99e7 97340e9f ca1b586c 83c79407"),
        (0xDEADBEEF, 59999, ENCODER, "aa134ddb b6a1cdef 6c912641 437d6fcd"),
        (0xDEADBEEF, 59999, LEARNING, "7b9672e4 0c9fa821 cae5696c 9ed38b88"),
    ],
)
def test_draws_are_those_of_the_semantics(
    seed: int, presentation: int, constant: int, draws: str
) -> None:
    dut = RandomStream()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.load, 1)
        ctx.set(dut.seed, seed ^ (presentation * STRIDE & M32) ^ constant)
        await ctx.tick()
        ctx.set(dut.load, 0)
        for _ in range(8):
            assert ctx.get(dut.ready) == 0
            await ctx.tick()
        assert ctx.get(dut.ready) == 1
        for draw in draws.split():
            await ctx.tick().repeat(2)
            assert ctx.get(dut.draw) == int(draw, 16)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.advance, 0)

    simulate(dut, bench)


@pytest.mark.parametrize("rewinds", [False, True])
@pytest.mark.parametrize(("draws", "rest"), [(2, 0), (2, 1), (3, 1), (4, 0), (4, 1), (4, 3)])
def test_several_draws_at_once_are_those_one_after_the_other(
    draws: int, rest: int, rewinds: bool
) -> None:
    dut = RandomStream(draws=draws, rest=rest, rewinds=rewinds)
    streams = [Stream(seed=7, presentation=3, constant=ENCODER)]

    async def bench(ctx: Any) -> None:
        ctx.set(dut.load, 1)
        ctx.set(dut.seed, 7 ^ 3 * STRIDE & M32 ^ ENCODER)
        await ctx.tick()
        ctx.set(dut.load, 0)
        await ctx.tick().until(dut.ready)
        for k in range(40):
            found = ctx.get(dut.draw)
            words = [found >> 32 * n & M32 for n in range(draws)]
            last = bool(rest) and k % 3 == 2
            if rewinds and k % 7 == 6:
                assert words[0] == streams[-1].draw()
                ctx.set(dut.rewind, 1)
                streams.append(Stream(seed=7, presentation=3, constant=ENCODER))
            else:
                taken = rest if last else draws
                assert words[:taken] == [streams[-1].draw() for _ in range(taken)]
            if rest:
                ctx.set(dut.last, last)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.advance, 0)
            if rewinds:
                ctx.set(dut.rewind, 0)
            if k % 2:
                await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize(("draws", "rest"), [(1, 1), (4, 4), (2, -1)])
def test_rest_must_be_less_than_the_draws(draws: int, rest: int) -> None:
    with pytest.raises(ValueError, match=f"rest must be 0 to {draws - 1} with {draws} draws"):
        RandomStream(draws=draws, rest=rest)


def test_seed_of_0_is_replaced_and_loading_again_starts_anew() -> None:
    dut = RandomStream()
    stream = Stream(seed=FALLBACK, presentation=0, constant=0)
    first = stream.draw()

    async def bench(ctx: Any) -> None:
        for cycles in (3, 20, 1):
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            await ctx.tick().repeat(cycles)
        await ctx.tick().until(dut.ready)
        assert ctx.get(dut.draw) == first

    simulate(dut, bench)


@pytest.mark.parametrize("presentation", [0, 1, 59999, 0x80000001, M32])
def test_offset_follows_writes_and_steps(presentation: int) -> None:
    dut = StreamKey()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.write, 1)
        ctx.set(dut.data, presentation)
        await ctx.tick()
        ctx.set(dut.write, 0)
        for _ in range(32):
            assert ctx.get(dut.ready) == 0
            await ctx.tick()
        ctx.set(dut.step, 1)
        for k in range(4):
            assert ctx.get(dut.ready) == 1
            assert ctx.get(dut.presentation) == presentation + k & M32
            assert ctx.get(dut.offset) == (presentation + k) * STRIDE & M32
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("first", [0, 1, 59999])
def test_offset_after_reset_is_that_of_the_first_presentation(first: int) -> None:
    dut = StreamKey(first=first)

    async def bench(ctx: Any) -> None:
        for k in range(2):
            assert ctx.get(dut.presentation) == first + k
            assert ctx.get(dut.offset) == (first + k) * STRIDE & M32
            ctx.set(dut.step, 1)
            await ctx.tick()

    simulate(dut, bench)
