# amaranth: UnusedElaboratable=no

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Cat

from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_sim.simulator.amaranth import receive, send, simulate


@pytest.mark.parametrize("depth", [2, 4, 16])
@pytest.mark.parametrize("readers", [1, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_reader_gets_every_item_in_order(depth: int, readers: int, seed: int) -> None:
    dut = BroadcastQueue(shape=8, depth=depth, readers=readers)
    rng, *rngs = np.random.default_rng(seed).spawn(readers + 1)
    items = rng.integers(0, 256, 150).tolist()

    async def write(ctx: Any) -> None:
        for item in items:
            await send(ctx, dut.i, item, rng if seed else None)

    def reader(k: int) -> Any:
        async def read(ctx: Any) -> None:
            for item in items:
                assert ctx.get(dut.busy) == 1 or not ctx.get(dut.o[k].valid)
                assert await receive(ctx, dut.o[k], rngs[k]) == item

        return read

    simulate(dut, write, *(reader(k) for k in range(readers)))


@pytest.mark.parametrize("stalls", [False, True], ids=["no stalls", "stalls"])
def test_every_reader_reads_its_memory_once_for_each_item(stalls: bool) -> None:
    readers, count = 3, 60
    dut = BroadcastQueue(shape=8, depth=4, readers=readers)
    module = dut.elaborate(None)
    memories = [module.submodules[f"ram{k}"] for k in range(readers)]
    reads = np.zeros(readers, dtype=int)
    rng, *rngs = np.random.default_rng(1).spawn(readers + 1)

    async def write(ctx: Any) -> None:
        for item in range(count):
            await send(ctx, dut.i, item, rng if stalls else None)

    def reader(k: int) -> Any:
        async def read(ctx: Any) -> None:
            for item in range(count):
                assert await receive(ctx, dut.o[k], rngs[k] if stalls else None) == item

        return read

    async def watch(ctx: Any) -> None:
        for _ in range(600):
            *_, enables = await ctx.tick().sample(Cat(memory.read for memory in memories))
            reads[:] += [enables >> k & 1 for k in range(readers)]

    simulate(module, write, watch, *(reader(k) for k in range(readers)))
    assert reads.tolist() == [count] * readers


def test_holds_depth_items_passes_one_per_cycle_and_is_idle_when_empty() -> None:
    dut = BroadcastQueue(shape=8, depth=4, readers=2)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.valid, 1)
        taken = 0
        for _ in range(8):
            taken += ctx.get(dut.i.ready)
            await ctx.tick()
        assert taken == 4
        ctx.set(dut.o[0].ready, 1)
        await ctx.tick().repeat(8)
        assert ctx.get(dut.i.ready) == 0
        ctx.set(dut.o[1].ready, 1)
        await ctx.tick().repeat(4)
        for _ in range(8):
            assert ctx.get(dut.i.ready) == ctx.get(dut.o[0].valid) == ctx.get(dut.o[1].valid) == 1
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        assert ctx.get(dut.busy) == 1
        await ctx.tick().repeat(3)
        assert ctx.get(dut.busy) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_rejects_bad_depth(depth: int) -> None:
    message = f"Queue depth must be a power of 2 from 2 on, not {depth!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        BroadcastQueue(shape=8, depth=depth, readers=1)


def test_rejects_no_readers() -> None:
    with pytest.raises(ValueError, match=re.escape("Readers must be at least 1, not 0")):
        BroadcastQueue(shape=8, depth=2, readers=0)
