"""Image input: whole images reach the core, no part of another does."""

from typing import Any

import numpy as np
import pytest

from prunus_rtl.bus.image_input import ImageInput
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.amaranth import receive, send, simulate


def _images(inputs: int, count: int) -> Any:
    return np.random.default_rng(inputs).integers(0, 256, (count, inputs)).tolist()


async def _packet(ctx: Any, dut: ImageInput, levels: list[int], rng: Any, *, last: int) -> None:
    for k, level in enumerate(levels):
        await send(ctx, dut.packets, {"data": level, "last": k == last}, rng)


@pytest.mark.parametrize("inputs", [1, 2, 5, 16])
@pytest.mark.parametrize("stalls", [False, True])
def test_images_of_the_stream_arrive_in_order(inputs: int, stalls: bool) -> None:
    dut = ImageInput(inputs=inputs)
    images = _images(inputs, 6)
    rngs: Any = np.random.default_rng(1).spawn(2) if stalls else (None, None)

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for levels in images:
            await _packet(ctx, dut, levels, rngs[0], last=inputs - 1)

    async def core(ctx: Any) -> None:
        for levels in images:
            assert [await receive(ctx, dut.levels, rngs[1]) for _ in levels] == levels

    simulate(dut, feed, core, platform=Collisions())


def test_a_level_takes_one_cycle_while_the_core_takes_them() -> None:
    inputs, count = 12, 5
    dut = ImageInput(inputs=inputs)
    cycles = 0

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for levels in _images(inputs, count):
            await _packet(ctx, dut, levels, None, last=inputs - 1)

    async def core(ctx: Any) -> None:
        nonlocal cycles
        ctx.set(dut.levels.ready, 1)
        seen = 0
        while seen < inputs * count:
            *_, valid = await ctx.tick().sample(dut.levels.valid)
            seen += valid
            cycles += 1

    simulate(dut, feed, core, platform=Collisions())
    # The first image is collected; then a few cycles for each.
    assert cycles <= inputs * (count + 1) + 5 * (count + 1)


@pytest.mark.parametrize("wrong", ["early", "late", "late by two", "very late"])
def test_a_packet_that_does_not_end_with_the_image_is_dropped_and_told(wrong: str) -> None:
    inputs = 5
    dut = ImageInput(inputs=inputs)
    length = {"early": 3, "late": 6, "late by two": 7, "very late": 11}[wrong]
    good = _images(inputs, 3)
    told = {"early": 0, "late": 0}
    got: list[int] = []

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        await _packet(ctx, dut, good[0], None, last=inputs - 1)
        await _packet(ctx, dut, [7] * length, None, last=length - 1)
        await _packet(ctx, dut, good[1], None, last=inputs - 1)
        await _packet(ctx, dut, good[2], None, last=inputs - 1)

    async def core(ctx: Any) -> None:
        ctx.set(dut.levels.ready, 1)
        for _ in range(80):
            sampled = ctx.tick().sample(dut.early, dut.late, dut.levels.valid, dut.levels.payload)
            _, _, early, late, valid, level = await sampled
            told["early"] += early
            told["late"] += late
            if valid:
                got.append(level)

    simulate(dut, feed, core, platform=Collisions())
    assert got == [level for levels in good for level in levels]
    assert told == {"early": int(wrong == "early"), "late": int(wrong != "early")}


@pytest.mark.parametrize("inputs", [1, 3, 4, 6, 9])
def test_words_hold_four_levels_and_what_is_too_much_is_ignored(inputs: int) -> None:
    dut = ImageInput(inputs=inputs)
    images = _images(inputs, 3)
    got: list[int] = []

    async def feed(ctx: Any) -> None:
        for levels in images:
            left = inputs
            while not ctx.get(dut.room):
                await ctx.tick()
            for at in range(0, inputs, 4):
                assert ctx.get(dut.room) == left
                four = (levels[at : at + 4] + [99] * 4)[:4]
                ctx.set(dut.word, int.from_bytes(bytes(four), "little"))
                ctx.set(dut.write, 1)
                await ctx.tick()
                ctx.set(dut.write, 0)
                await ctx.tick().until(dut.done)
                left = max(0, left - 4)

    async def core(ctx: Any) -> None:
        for _ in range(3 * inputs):
            got.append(await receive(ctx, dut.levels, np.random.default_rng(2)))

    simulate(dut, feed, core, platform=Collisions())
    assert got == [level for levels in images for level in levels]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_part_of_an_image_can_be_dropped_but_not_one_that_is_whole(streaming: bool) -> None:
    inputs = 6
    dut = ImageInput(inputs=inputs)
    (first, second) = _images(inputs, 2)

    async def put(ctx: Any, levels: list[int], *, last: bool) -> None:
        if streaming:
            await _packet(ctx, dut, levels, None, last=len(levels) - 1 if last else -1)
            return
        for at in range(0, len(levels), 4):
            word = int.from_bytes(bytes((levels[at : at + 4] + [0] * 4)[:4]), "little")
            ctx.set(dut.word, word)
            ctx.set(dut.write, 1)
            await ctx.tick()
            ctx.set(dut.write, 0)
            await ctx.tick().until(dut.done)

    async def drop(ctx: Any) -> None:
        ctx.set(dut.drop, 1)
        await ctx.tick()
        ctx.set(dut.drop, 0)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, streaming)
        await put(ctx, first, last=True)
        await drop(ctx)
        assert [await receive(ctx, dut.levels) for _ in first] == first
        await put(ctx, [1, 2, 3, 4], last=False)
        assert not ctx.get(dut.levels.valid)
        await drop(ctx)
        await put(ctx, second, last=True)
        assert [await receive(ctx, dut.levels) for _ in second] == second
        assert not ctx.get(dut.early) and not ctx.get(dut.late)

    simulate(dut, bench, platform=Collisions())


def test_a_whole_image_that_waits_for_the_one_before_is_not_dropped() -> None:
    dut = ImageInput(inputs=2)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        await _packet(ctx, dut, [1, 2], None, last=1)
        assert await receive(ctx, dut.levels) == 1
        await _packet(ctx, dut, [3, 4], None, last=1)
        await ctx.tick().repeat(2)
        ctx.set(dut.drop, 1)
        await ctx.tick()
        ctx.set(dut.drop, 0)
        assert [await receive(ctx, dut.levels) for _ in range(3)] == [2, 3, 4]

    simulate(dut, bench, platform=Collisions())


def test_after_a_drop_a_packet_that_goes_on_is_told_not_swallowed() -> None:
    dut = ImageInput(inputs=4)
    told = []

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        # No end: the rest is skipped.
        await _packet(ctx, dut, [1, 2, 3, 4, 5], None, last=-1)
        ctx.set(dut.drop, 1)
        await ctx.tick()
        ctx.set(dut.drop, 0)
        await _packet(ctx, dut, [6, 7], None, last=1)

    async def watch(ctx: Any) -> None:
        for _ in range(20):
            _, _, early, late = await ctx.tick().sample(dut.early, dut.late)
            told.extend(["early"] * early + ["late"] * late)

    simulate(dut, feed, watch)
    assert told == ["late", "early"]


def test_images_that_the_core_has_are_counted() -> None:
    inputs = 3
    dut = ImageInput(inputs=inputs)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        assert (ctx.get(dut.ready), ctx.get(dut.held)) == (0, 0)
        await _packet(ctx, dut, [1, 2, 3], None, last=2)
        assert (ctx.get(dut.ready), ctx.get(dut.held)) == (0, 1)
        for _ in range(inputs):
            assert (ctx.get(dut.ready), ctx.get(dut.held)) == (0, 1)
            await receive(ctx, dut.levels)
        assert (ctx.get(dut.ready), ctx.get(dut.held)) == (1, 1)
        await _packet(ctx, dut, [4, 5, 6], None, last=2)
        for _ in range(inputs):
            await receive(ctx, dut.levels)
        for left in (1, 0):
            ctx.set(dut.began, 1)
            await ctx.tick()
            ctx.set(dut.began, 0)
            assert (ctx.get(dut.ready), ctx.get(dut.held)) == (left, left)

    simulate(dut, bench, platform=Collisions())


def test_words_have_no_room_while_the_stream_is_chosen_and_the_other_way_round() -> None:
    dut = ImageInput(inputs=4)

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.room) == 4
        ctx.set(dut.packets.valid, 1)
        assert not ctx.get(dut.packets.ready)
        ctx.set(dut.streaming, 1)
        assert ctx.get(dut.room) == 0
        assert ctx.get(dut.packets.ready)

    simulate(dut, bench)
