# amaranth: UnusedElaboratable=no

import itertools
from typing import Any

import numpy as np
import pytest

from prunus_membrane import access, strobe
from prunus_model.reference import membrane
from prunus_rtl.neurons.array import Membrane
from prunus_sim.simulator.amaranth import simulate

MAX_FIRE = (1 << 23) - 1


def unit(
    neurons: int, lanes: int, *, leak_shift: int = 3, v: Any = None, v_fire: Any = None
) -> Membrane:
    return Membrane(
        neurons=neurons,
        lanes=lanes,
        v_bits=24,
        weight_bits=8,
        leak_shift=leak_shift,
        v=v,
        v_fire=v_fire,
    )


async def add(ctx: Any, dut: Membrane, lane: int, slot: int, weight: int) -> None:
    port = dut.synapses[lane]
    ctx.set(port.payload, {"slot": slot, "weight": weight})
    ctx.set(port.valid, 1)
    await ctx.tick()
    ctx.set(port.valid, 0)


@pytest.mark.parametrize(
    ("neurons", "lanes"), [(1, 1), (3, 1), (2, 2), (3, 2), (4, 4), (7, 4), (9, 8)]
)
@pytest.mark.parametrize("leak_shift", [0, 1, 3, 23])
def test_steps_match_model(neurons: int, lanes: int, leak_shift: int) -> None:
    cycles = -(-neurons // lanes) + lanes.bit_length() - 1 + 5
    rng = np.random.default_rng(neurons)
    v = rng.integers(0, 900, neurons)
    v_fire = rng.integers(300, 1500, neurons)
    dut = unit(neurons, lanes, leak_shift=leak_shift, v=v.tolist(), v_fire=v_fire.tolist())

    async def bench(ctx: Any) -> None:
        nonlocal v
        if neurons == 9:
            await ctx.tick()
            assert await strobe(ctx, dut, "clear") == cycles
            await ctx.tick()
            v = v * 0
        for step in range(12):
            for _ in range(6):
                # All lanes at once, often the same slot back to back.
                for lane in range(lanes):
                    slot = int(rng.integers(len(range(lane, neurons, lanes))))
                    weight = int(rng.integers(256))
                    port = dut.synapses[lane]
                    valid = bool(rng.random() < 0.8)
                    ctx.set(port.payload, {"slot": slot, "weight": weight})
                    ctx.set(port.valid, valid)
                    assert ctx.get(port.ready) == 1
                    v[slot * lanes + lane] += weight * valid
                await ctx.tick()
            for lane in range(lanes):
                ctx.set(dut.synapses[lane].valid, 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            winner = membrane.winner(v, v_fire)
            v = membrane.leak(v, leak_shift)
            assert await strobe(ctx, dut, "compare") == cycles
            assert ctx.get(dut.fires) == (winner >= 0)
            if winner >= 0:
                assert ctx.get(dut.post) == winner
                ctx.set(dut.forget, 1)
                v = v * 0
            await ctx.tick()
            ctx.set(dut.forget, 0)
            if step % 3 == 0:
                for post in range(neurons):
                    assert await access(ctx, dut.v_access, post) == v[post]
                    assert await access(ctx, dut.v_fire_access, post) == v_fire[post]

    simulate(dut, bench)


@pytest.mark.parametrize(("neurons", "lanes"), [(4, 4), (4, 2), (4, 1), (3, 2)])
def test_largest_margin_wins_and_ties_go_to_the_lowest_post(neurons: int, lanes: int) -> None:
    """All combinations of margins -1, 0, 1 and 2."""
    dut = unit(neurons, lanes, v_fire=[100] * neurons)

    async def bench(ctx: Any) -> None:
        await ctx.tick()
        for margins in itertools.product([-1, 0, 1, 2], repeat=neurons):
            for post, margin in enumerate(margins):
                await add(ctx, dut, post % lanes, post // lanes, 100 + margin)
            await ctx.tick()
            await strobe(ctx, dut, "compare")
            best = max(margins)
            assert ctx.get(dut.fires) == (best >= 0), margins
            if best >= 0:
                assert ctx.get(dut.post) == margins.index(best), margins
            ctx.set(dut.forget, 1)
            await ctx.tick()
            ctx.set(dut.forget, 0)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("v", "v_fire", "winner"),
    [
        pytest.param([MAX_FIRE, 0, 0], [MAX_FIRE] * 3, 0, id="largest threshold is reached"),
        pytest.param([MAX_FIRE - 1, 0, 0], [MAX_FIRE] * 3, -1, id="and missed by one"),
        pytest.param([0, 0, 0], [0, 0, 0], 0, id="threshold 0 is reached by 0"),
        pytest.param([5, (1 << 24) - 1, 0], [0, 0, 0], 1, id="largest margin"),
        pytest.param([0, 1, 0], [MAX_FIRE, 0, MAX_FIRE], 1, id="most negative margin loses"),
    ],
)
@pytest.mark.parametrize("lanes", [1, 2])
def test_margin_is_wide_enough(v: list[int], v_fire: list[int], winner: int, lanes: int) -> None:
    dut = unit(3, lanes, v=v, v_fire=v_fire)

    async def bench(ctx: Any) -> None:
        await ctx.tick()
        await strobe(ctx, dut, "compare")
        assert ctx.get(dut.fires) == (winner >= 0)
        if winner >= 0:
            assert ctx.get(dut.post) == winner

    simulate(dut, bench)


def test_a_slot_without_a_neuron_never_wins() -> None:
    """Lane 1 has one neuron less than slots; its last slot is 0, as is its threshold."""
    dut = unit(3, 2, v_fire=[9, 9, 9])

    async def bench(ctx: Any) -> None:
        ctx.set(dut.v_fire_post, 3)
        ctx.set(dut.v_fire, 0)
        ctx.set(dut.v_fire_write, 1)
        await ctx.tick()
        ctx.set(dut.v_fire_write, 0)
        await strobe(ctx, dut, "compare")
        assert ctx.get(dut.fires) == 0

    simulate(dut, bench)


@pytest.mark.parametrize(("neurons", "lanes"), [(1, 1), (7, 4), (6, 2)])
def test_memory_port_and_threshold_port_write_what_is_read_back(neurons: int, lanes: int) -> None:
    dut = unit(neurons, lanes)
    rng = np.random.default_rng(lanes)
    v = rng.integers(0, 1 << 24, neurons).tolist()
    v_fire = rng.integers(0, 1 << 23, neurons).tolist()

    async def bench(ctx: Any) -> None:
        await ctx.tick()
        for post in range(neurons):
            assert await access(ctx, dut.v_fire_access, post) == MAX_FIRE
            assert await access(ctx, dut.v_access, post) == 0
        for post in range(neurons):
            await access(ctx, dut.v_access, post, v[post])
            if post % 2:
                await access(ctx, dut.v_fire_access, post, v_fire[post])
            else:
                ctx.set(dut.v_fire_post, post)
                ctx.set(dut.v_fire, v_fire[post])
                ctx.set(dut.v_fire_write, 1)
                await ctx.tick()
                ctx.set(dut.v_fire_write, 0)
        for post in range(neurons):
            assert await access(ctx, dut.v_access, post) == v[post]
            assert await access(ctx, dut.v_fire_access, post) == v_fire[post]
        await strobe(ctx, dut, "clear")
        await ctx.tick()
        for post in range(neurons):
            assert await access(ctx, dut.v_access, post) == 0
            assert await access(ctx, dut.v_fire_access, post) == v_fire[post]

    simulate(dut, bench)
