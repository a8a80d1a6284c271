# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_model.reference import membrane
from prunus_rtl.neurons.lane import LANE_LATENCY, MembraneLane
from prunus_sim.simulator.amaranth import simulate

V_BITS = 24


def lane(slots: int, neurons: int, leak_shift: int, v: Any, v_fire: Any) -> MembraneLane:
    return MembraneLane(
        slots=slots,
        neurons=neurons,
        v_bits=V_BITS,
        weight_bits=8,
        leak_shift=leak_shift,
        v=v.tolist(),
        v_fire=v_fire.tolist(),
    )


async def sweep(ctx: Any, dut: MembraneLane, slots: list[int], **flags: int) -> list[Any]:
    """Read slots, one per cycle, and return the candidates, each ``LANE_LATENCY`` cycles later."""
    for name, flag in ({"zero": 0, "write": 0, "load": 0, "force": 0} | flags).items():
        ctx.set(getattr(dut, name), flag)
    found = []
    for cycle in range(len(slots) + LANE_LATENCY):
        if cycle >= LANE_LATENCY:
            found.append((int(ctx.get(dut.candidate.margin)), int(ctx.get(dut.candidate.fires))))
        ctx.set(dut.sweep, cycle < len(slots))
        if cycle < len(slots):
            ctx.set(dut.slot, slots[cycle])
        await ctx.tick()
    return found


@pytest.mark.parametrize(("slots", "neurons"), [(1, 1), (4, 4), (5, 4)])
@pytest.mark.parametrize("leak_shift", [0, 2])
def test_each_operation_of_a_sweep(slots: int, neurons: int, leak_shift: int) -> None:
    rng = np.random.default_rng(slots)
    v = rng.integers(0, 1 << 20, slots)
    v_fire = rng.integers(0, 1 << 20, slots)
    if neurons > 1:
        v_fire[1] = v[1]
    dut = lane(slots, neurons, leak_shift, v, v_fire)
    every = list(range(slots))

    async def bench(ctx: Any) -> None:
        nonlocal v
        # Read v and v_fire: nothing is written, and who fires is as it is told.
        for forced in (0, 1):
            ctx.set(dut.forced, forced)
            got = await sweep(ctx, dut, every, force=1)
            assert got == [(int(d), forced) for d in (v - v_fire) % (1 << V_BITS)]
            got = await sweep(ctx, dut, every, force=1, zero=1)
            assert got == [(int(d), forced) for d in -v_fire % (1 << V_BITS)]
        # Leak: the candidate is compared with the potential from before.
        for _ in range(2):
            got = await sweep(ctx, dut, every, write=1)
            margins = v - v_fire
            fires = (margins >= 0) & (np.arange(slots) < neurons)
            assert got == [
                (int(d), int(f)) for d, f in zip(margins % (1 << V_BITS), fires, strict=True)
            ]
            v = membrane.leak(v, leak_shift)
        # Load one slot; another lane is loaded.
        ctx.set(dut.value, 12345)
        await sweep(ctx, dut, [slots - 1], write=1, zero=1, load=1)
        v[-1] = 12345
        await sweep(ctx, dut, [0], zero=1, load=1)
        got = await sweep(ctx, dut, every, force=1)
        assert [d for d, _ in got] == ((v - v_fire) % (1 << V_BITS)).tolist()
        # Thresholds are written one by one.
        ctx.set(dut.v_fire_place, slots - 1)
        ctx.set(dut.v_fire, 77)
        ctx.set(dut.v_fire_write, 1)
        await ctx.tick()
        ctx.set(dut.v_fire_write, 0)
        v_fire[-1] = 77
        got = await sweep(ctx, dut, every, force=1, zero=1)
        assert [d for d, _ in got] == (-v_fire % (1 << V_BITS)).tolist()
        # Clear.
        await sweep(ctx, dut, every, write=1, zero=1)
        got = await sweep(ctx, dut, every, force=1)
        assert [d for d, _ in got] == (-v_fire % (1 << V_BITS)).tolist()

    simulate(dut, bench)


def test_synapses_add_up_back_to_back_and_another_epoch_starts_at_0() -> None:
    slots = 3
    rng = np.random.default_rng(0)
    v = np.array([1000, 2000, 3000])
    zeros = np.zeros(slots, dtype=np.int64)
    dut = lane(slots, slots, 1, v, zeros)

    async def bench(ctx: Any) -> None:
        want = v.copy()
        for epoch in (0, 1, 0):
            ctx.set(dut.epoch, epoch)
            for _ in range(60):
                # Slots repeat after one, two and three cycles: every forwarding path.
                slot, weight = int(rng.integers(slots)), int(rng.integers(1, 256))
                valid = bool(rng.random() < 0.8)
                ctx.set(dut.synapse.valid, valid)
                ctx.set(dut.synapse.payload, {"slot": slot, "weight": weight})
                want[slot] += weight * valid
                await ctx.tick()
            ctx.set(dut.synapse.valid, 0)
            waited = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                waited += 1
            assert waited <= 3
            got = await sweep(ctx, dut, list(range(slots)), force=1)
            assert [d for d, _ in got] == want.tolist()
            # All words are of this epoch now, and of the other after the change.
            await sweep(ctx, dut, list(range(slots)), write=1)
            want = zeros.copy()

    simulate(dut, bench)


def test_busy_until_the_last_synapse_is_added() -> None:
    zeros = np.zeros(2, dtype=np.int64)
    dut = lane(2, 2, 1, zeros, zeros)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.synapse.payload, {"slot": 1, "weight": 3})
        ctx.set(dut.synapse.valid, 1)
        await ctx.tick()
        ctx.set(dut.synapse.valid, 0)
        busy = []
        for _ in range(5):
            busy.append(int(ctx.get(dut.busy)))
            await ctx.tick()
        assert busy == [1, 1, 1, 0, 0]

    simulate(dut, bench)
