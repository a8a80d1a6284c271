# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_rtl.lib.ram import Collisions
from prunus_rtl.neurons.spike_queue import SpikeQueue
from prunus_sim.simulator.amaranth import simulate


@pytest.mark.parametrize(("lanes", "slots"), [(1, 1), (1, 5), (4, 1), (4, 3), (8, 6)])
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_spikes_come_out_in_ascending_order(lanes: int, slots: int, pause: float) -> None:
    rng = np.random.default_rng([lanes, slots])
    dut = SpikeQueue(lanes=lanes, slots=slots)

    async def bench(ctx: Any) -> None:
        for density in (0.0, 1.0, 0.5, 0.1, 0.5, 0.9):
            fires = rng.random((slots, lanes)) < density
            want = [slot * lanes + lane for slot, lane in np.argwhere(fires).tolist()]
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            assert not ctx.get(dut.left)
            got: list[int] = []
            waited = slot = 0
            while slot < slots or ctx.get(dut.left):
                writes = slot < slots
                ctx.set(dut.write, writes)
                if writes:
                    ctx.set(dut.slot, slot)
                    ctx.set(dut.fires, sum(1 << k for k in np.flatnonzero(fires[slot]).tolist()))
                    slot += 1
                ready = bool(rng.random() >= pause)
                ctx.set(dut.spikes.ready, ready)
                *_, valid, post, last = await ctx.tick().sample(
                    dut.spikes.valid, dut.spikes.payload, dut.last
                )
                waited = 0 if valid or writes else waited + 1
                if valid and ready:
                    got.append(int(post))
                    assert writes or bool(last) == (len(got) == len(want))
                # A spike every second cycle, the first one two cycles after it is known.
                assert waited <= 3
            ctx.set(dut.write, 0)
            ctx.set(dut.spikes.ready, 0)
            await ctx.tick()
            assert got == want

    simulate(dut, bench, platform=Collisions())


def test_what_is_left_is_forgotten() -> None:
    dut = SpikeQueue(lanes=2, slots=2)

    async def bench(ctx: Any) -> None:
        for waits in range(6):
            for slot in range(2):
                ctx.set(dut.write, 1)
                ctx.set(dut.slot, slot)
                ctx.set(dut.fires, 3)
                await ctx.tick()
            ctx.set(dut.write, 0)
            for _ in range(waits):
                await ctx.tick()
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            assert not ctx.get(dut.left)
            await ctx.tick().repeat(3)
            assert not ctx.get(dut.left) and not ctx.get(dut.spikes.valid)

    simulate(dut, bench)
