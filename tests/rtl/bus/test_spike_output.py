"""Spike output: spikes and ends of presentations in order, for the register and the stream."""

from typing import Any

import numpy as np
import pytest

from prunus_rtl.bus.spike_output import SpikeOutput
from prunus_rtl.streams import spike_layout
from prunus_sim.simulator.amaranth import receive, send, simulate

END, UNDECIDED = 1 << 31, 1 << 30


def _output(depth: int = 5, prediction_bits: int = 4) -> SpikeOutput:
    return SpikeOutput(
        spike=spike_layout(post_bits=6), prediction_bits=prediction_bits, depth=depth
    )


async def _begin(ctx: Any, dut: SpikeOutput) -> None:
    ctx.set(dut.began, 1)
    await ctx.tick()
    ctx.set(dut.began, 0)


async def _end(ctx: Any, dut: SpikeOutput, prediction: int, undecided: int = 0) -> None:
    while ctx.get(dut.hold):
        await ctx.tick()
    ctx.set(dut.prediction, prediction)
    ctx.set(dut.undecided, undecided)
    ctx.set(dut.done, 1)
    await ctx.tick()
    ctx.set(dut.done, 0)
    ctx.set(dut.prediction, 0)
    ctx.set(dut.undecided, 0)


async def _take(ctx: Any, dut: SpikeOutput) -> int:
    while not ctx.get(dut.available):
        await ctx.tick()
    word = ctx.get(dut.word)
    ctx.set(dut.take, 1)
    await ctx.tick()
    ctx.set(dut.take, 0)
    return int(word)


@pytest.mark.parametrize("prediction_bits", [0, 4, 16])
def test_spikes_and_the_end_of_a_presentation_are_taken_in_order(prediction_bits: int) -> None:
    dut = _output(prediction_bits=prediction_bits)
    last = (1 << prediction_bits) - 1

    async def bench(ctx: Any) -> None:
        for undecided in (0, 1):
            await _begin(ctx, dut)
            for k in range(4):
                await send(ctx, dut.spikes, {"step": 250 + k, "post": 60 + k})
            await _end(ctx, dut, 0 if undecided else last, undecided)
            found = [await _take(ctx, dut) for _ in range(5)]
            assert found[:4] == [250 + k | (60 + k) << 8 for k in range(4)]
            assert found[4] == END | (UNDECIDED if undecided else last)
            assert not ctx.get(dut.available)
            assert not ctx.get(dut.full)

    simulate(dut, bench)


def test_what_nobody_took_is_dropped_when_the_next_presentation_begins() -> None:
    dut = _output()

    async def bench(ctx: Any) -> None:
        for k in range(3):
            await _begin(ctx, dut)
            for post in range(4):
                await send(ctx, dut.spikes, {"step": k, "post": post})
            assert not ctx.get(dut.full)
            await _end(ctx, dut, k)
            # The end had the last place. There is nothing to wait for.
            assert not ctx.get(dut.full)
        assert [await _take(ctx, dut) for _ in range(5)] == [
            *(2 | post << 8 for post in range(4)),
            END | 2,
        ]

    simulate(dut, bench)


@pytest.mark.parametrize("stalls", [False, True])
def test_each_presentation_is_a_packet_of_the_stream(stalls: bool) -> None:
    dut = _output()
    rngs: Any = np.random.default_rng(4).spawn(2) if stalls else (None, None)
    counts = [3, 0, 4, 1, 4]

    async def core(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for k, count in enumerate(counts):
            await _begin(ctx, dut)
            for post in range(count):
                await send(ctx, dut.spikes, {"step": k, "post": post}, rngs[0])
            await _end(ctx, dut, k)

    async def sink(ctx: Any) -> None:
        for k, count in enumerate(counts):
            for post in range(count):
                transfer = await receive(ctx, dut.packets, rngs[1])
                assert (transfer.data, transfer.last) == (k | post << 8, 0)
            transfer = await receive(ctx, dut.packets, rngs[1])
            assert (transfer.data, transfer.last) == (END | k, 1)

    simulate(dut, core, sink)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_core_waits_for_room_and_no_spike_is_lost(depth: int) -> None:
    dut = _output(depth=depth)
    counts = [0, 1, 2, 3, 7]
    full: list[int] = []
    over: list[int] = []

    async def core(ctx: Any) -> None:
        for k, count in enumerate(counts):
            await _begin(ctx, dut)
            for post in range(count):
                await send(ctx, dut.spikes, {"step": k, "post": post})
            await _end(ctx, dut, k)
            # The next one would make it forget what was not taken.
            while len(over) <= k:
                await ctx.tick()

    async def program(ctx: Any) -> None:
        for k, count in enumerate(counts):
            for post in range(count + 1):
                # So long that everything is full, if it can be.
                await ctx.tick().repeat(3 * depth + 4)
                full.append(ctx.get(dut.full))
                assert await _take(ctx, dut) == (END | k if post == count else k | post << 8)
            over.append(k)

    simulate(dut, core, program)
    # With `count` spikes and an end, `depth` words are there; when the end is in, it is not full.
    assert full == [left > depth for count in counts for left in range(count + 1, 0, -1)]


def test_spikes_that_are_not_wanted_are_taken_and_only_the_end_is_kept() -> None:
    dut = _output(depth=1)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.no_spikes, 1)
        for k in range(3):
            await _begin(ctx, dut)
            for post in range(6):
                await send(ctx, dut.spikes, {"step": k, "post": post})
            assert not ctx.get(dut.available)
            assert not ctx.get(dut.full)
            await _end(ctx, dut, k)
            assert await _take(ctx, dut) == END | k
        # The end needs room also then: over the stream, ends may wait.
        ctx.set(dut.streaming, 1)
        for k in range(2):
            await _begin(ctx, dut)
            assert not ctx.get(dut.hold)
            await _end(ctx, dut, k)
            await ctx.tick().repeat(3)
        await _begin(ctx, dut)
        assert ctx.get(dut.hold)
        assert ctx.get(dut.spikes.ready)
        assert [(await receive(ctx, dut.packets)).data for _ in range(2)] == [END, END | 1]
        assert not ctx.get(dut.hold)

    simulate(dut, bench)


def test_nothing_is_full_between_presentations_or_after_it_was_cleared() -> None:
    dut = _output(depth=1)

    async def bench(ctx: Any) -> None:
        await _begin(ctx, dut)
        await _end(ctx, dut, 3)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.available)
        assert not ctx.get(dut.full)
        await _begin(ctx, dut)
        await send(ctx, dut.spikes, {"step": 0, "post": 1})
        assert ctx.get(dut.full)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        assert not ctx.get(dut.full)
        # What is left of a presentation that a reset has ended is not there to be waited for.
        await send(ctx, dut.spikes, {"step": 0, "post": 1})
        assert not ctx.get(dut.full)

    simulate(dut, bench)


def test_the_core_waits_for_a_stream_that_is_not_taken_until_it_is_left() -> None:
    dut = _output(depth=2)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        await _begin(ctx, dut)
        # One is offered, two are kept.
        for post in range(3):
            await send(ctx, dut.spikes, {"step": 0, "post": post})
        await ctx.tick().repeat(5)
        assert not ctx.get(dut.spikes.ready)
        assert ctx.get(dut.hold)
        assert not ctx.get(dut.full)
        ctx.set(dut.streaming, 0)
        assert ctx.get(dut.full)
        assert await _take(ctx, dut) == 1 << 8
        await ctx.tick()
        assert not ctx.get(dut.hold)
        # What was offered stays, also while everything else is forgotten.
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.available)
        assert ctx.get(dut.packets.valid)
        assert (await receive(ctx, dut.packets)).data == 0
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.packets.valid)

    simulate(dut, bench)


def test_the_end_waits_for_the_last_spike() -> None:
    dut = _output()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.spikes.valid, 1)
        assert ctx.get(dut.hold)
        ctx.set(dut.spikes.valid, 0)
        assert not ctx.get(dut.hold)

    simulate(dut, bench)
