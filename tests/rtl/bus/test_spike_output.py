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
            assert not ctx.get(dut.lost)

    simulate(dut, bench)


def test_what_nobody_took_is_dropped_when_the_next_presentation_begins() -> None:
    dut = _output()

    async def bench(ctx: Any) -> None:
        for k in range(3):
            await _begin(ctx, dut)
            for post in range(4):
                await send(ctx, dut.spikes, {"step": k, "post": post})
            assert not ctx.get(dut.lost)
            await _end(ctx, dut, k)
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
        ctx.set(dut.streaming, 0)
        ctx.set(dut.spikes.payload, {"step": 0, "post": 3})
        ctx.set(dut.spikes.valid, 1)
        assert ctx.get(dut.spikes.ready)
        assert ctx.get(dut.lost)
        await ctx.tick()
        ctx.set(dut.spikes.valid, 0)
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
