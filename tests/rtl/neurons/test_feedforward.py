# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_membrane import access, strobe
from prunus_model.reference import feedforward
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_sim.simulator.amaranth import simulate

TOP = (1 << 23) - 1
V_BITS = 25
RESETS = ("zero", "subtract")


def unit(neurons: int, lanes: int, **options: Any) -> FeedforwardMembrane:
    given: dict[str, Any] = {"leak_shift": 3, "reset": "zero", "v_bits": V_BITS, "weight_bits": 8}
    return FeedforwardMembrane(neurons=neurons, lanes=lanes, **given | options)


async def drained(ctx: Any, dut: Any, rng: Any) -> list[int]:
    """Take all spikes, with pauses."""
    posts: list[int] = []
    waited = 0
    while ctx.get(dut.fires):
        ready = bool(rng.random() < 0.7)
        ctx.set(dut.spikes.ready, ready)
        if ctx.get(dut.spikes.valid) and ready:
            posts.append(int(ctx.get(dut.spikes.payload)))
            last = bool(ctx.get(dut.last_spike))
            waited = 0
        waited += 1
        assert waited < 30
        await ctx.tick()
        if posts and ready and waited == 1:
            assert last == (not ctx.get(dut.fires))
    ctx.set(dut.spikes.ready, 0)
    return posts


def signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize(
    ("neurons", "lanes"), [(1, 1), (3, 1), (2, 2), (3, 2), (4, 4), (7, 4), (9, 8)]
)
@pytest.mark.parametrize("leak_shift", [0, 1, 3, 23])
def test_steps_match_model(neurons: int, lanes: int, leak_shift: int, reset: Any) -> None:
    rng = np.random.default_rng([neurons, leak_shift])
    v = rng.integers(-900, 900, neurons)
    v_fire = rng.integers(1, 1500, neurons)
    bias = rng.integers(-300, 300, neurons)
    contents = {"v": v.tolist(), "v_fire": v_fire.tolist(), "bias": bias.tolist()}
    dut = unit(neurons, lanes, leak_shift=leak_shift, reset=reset, **contents)
    cycles = -(-neurons // lanes) + 6

    async def bench(ctx: Any) -> None:
        nonlocal v
        if neurons == 9:
            await ctx.tick()
            assert await strobe(ctx, dut, "clear") == cycles
            assert not ctx.get(dut.fires)
            await ctx.tick()
            v = v * 0
        for step in range(12):
            for _ in range(6):
                # All lanes at once, often the same slot back to back.
                for lane in range(lanes):
                    slot = int(rng.integers(len(range(lane, neurons, lanes))))
                    weight = int(rng.integers(-128, 128))
                    port = dut.synapses[lane]
                    valid = bool(rng.random() < 0.8)
                    ctx.set(port.payload, {"slot": slot, "weight": weight & 255})
                    ctx.set(port.valid, valid)
                    assert ctx.get(port.ready) == 1
                    v[slot * lanes + lane] += weight * valid
                await ctx.tick()
            for lane in range(lanes):
                ctx.set(dut.synapses[lane].valid, 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            fires, v = feedforward.fire(v + bias, v_fire, reset)
            v = feedforward.settle(v, leak_shift)
            assert await strobe(ctx, dut, "compare") == cycles
            assert ctx.get(dut.fires) == fires.any()
            if step % 4 == 1:
                # Integration may begin before the spikes are taken.
                await ctx.tick()
                ctx.set(dut.synapses[0].payload, {"slot": 0, "weight": 77})
                ctx.set(dut.synapses[0].valid, 1)
                await ctx.tick()
                ctx.set(dut.synapses[0].valid, 0)
                v[0] += 77
            assert await drained(ctx, dut, rng) == np.flatnonzero(fires).tolist()
            await ctx.tick()
            if step % 3 == 0:
                for post in range(neurons):
                    assert signed(await access(ctx, dut.v_access, post), V_BITS) == v[post]
                    assert await access(ctx, dut.v_fire_access, post) == v_fire[post]
                    assert signed(await access(ctx, dut.bias_access, post), 16) == bias[post]

    simulate(dut, bench, platform=Collisions())


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("leak_shift", [0, 1])
def test_potentials_saturate_at_both_ends(reset: Any, leak_shift: int) -> None:
    # Potentials at their ends, sums of a step far beyond them, thresholds at their ends.
    v = np.array([TOP, -TOP - 1, TOP, -TOP - 1, TOP, TOP])
    v_fire = np.array([TOP, TOP, TOP, 1, 1, TOP])
    bias = np.array([32767, -32768, -32768, 32767, 32767, -1])
    added = np.array([100352 - 784, -100352, 0, 0, 99568, -784])
    contents = {"v": v.tolist(), "v_fire": v_fire.tolist(), "bias": bias.tolist()}
    dut = unit(6, 2, leak_shift=leak_shift, reset=reset, **contents)
    # Sums of 784 weights, loaded through the memory port.
    start = v + added

    async def bench(ctx: Any) -> None:
        for post, value in enumerate(start.tolist()):
            await access(ctx, dut.v_access, post, value & (1 << V_BITS) - 1)
            assert signed(await access(ctx, dut.v_access, post), V_BITS) == value
        await strobe(ctx, dut, "compare")
        fires, want = feedforward.fire(start + bias, v_fire, reset)
        want = feedforward.settle(want, leak_shift)
        assert await drained(ctx, dut, np.random.default_rng(1)) == np.flatnonzero(fires).tolist()
        got = [signed(await access(ctx, dut.v_access, post), V_BITS) for post in range(6)]
        assert got == want.tolist()
        assert leak_shift or {-TOP - 1}.issubset(got)

    simulate(dut, bench)


def test_memory_port_writes_one_word_and_no_other() -> None:
    rng = np.random.default_rng(3)
    neurons = 7
    want = {
        "v": rng.integers(-TOP - 1, TOP + 1, neurons),
        "v_fire": rng.integers(1, TOP + 1, neurons),
        "bias": rng.integers(-32768, 32768, neurons),
    }
    bits = {"v": V_BITS, "v_fire": 23, "bias": 16}
    dut = unit(neurons, 4, **{name: words.tolist() for name, words in want.items()})

    async def bench(ctx: Any) -> None:
        async def check() -> None:
            for name, words in want.items():
                port = getattr(dut, f"{name}_access")
                mask = (1 << bits[name]) - 1
                got = [await access(ctx, port, post) for post in range(neurons)]
                assert got == (words & mask).tolist(), name

        await check()
        for name, words in want.items():
            for post in (0, 5, 6):
                words[post] = int(rng.integers(1, 30000)) * (1 if name == "v_fire" else -1)
                value = int(words[post]) & (1 << bits[name]) - 1
                await access(ctx, getattr(dut, f"{name}_access"), post, value)
                await check()

    simulate(dut, bench, platform=Collisions())


def test_nobody_fires_below_the_threshold_and_all_at_it_do() -> None:
    v_fire = np.array([5, 5, 5, 5, 5])
    dut = unit(5, 2, v=[4, 5, 6, -1, 5], v_fire=v_fire.tolist(), leak_shift=0, reset="subtract")

    async def bench(ctx: Any) -> None:
        await strobe(ctx, dut, "compare")
        assert await drained(ctx, dut, np.random.default_rng(0)) == [1, 2, 4]
        got = [signed(await access(ctx, dut.v_access, post), V_BITS) for post in range(5)]
        assert got == [4, 0, 1, -1, 0]
        # A comparison right behind an access, and one right behind another.
        await strobe(ctx, dut, "compare")
        assert not ctx.get(dut.fires)
        await ctx.tick()
        await strobe(ctx, dut, "compare")
        await ctx.tick()
        got = [signed(await access(ctx, dut.v_access, post), V_BITS) for post in range(5)]
        assert got == [4, 0, 1, -1, 0]

    simulate(dut, bench)
