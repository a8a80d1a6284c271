# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.dense import LearningStore
from prunus_sim.simulator.amaranth import receive, send, simulate


def shapes(inputs: int, slots: int, weight_bits: int = 8, *, each: Any = 1) -> Shapes:
    network = NetworkConfig(inputs=inputs, neurons=slots, weight_bits=weight_bits)
    return Shapes(network=network, hardware=HardwareConfig(lanes=1, sweep_inputs=each))


def contents(rng: np.random.Generator, inputs: int, slots: int, density: float) -> tuple[Any, Any]:
    alive = rng.random((inputs, slots)) < density
    weights = (rng.integers(0, 256, (inputs, slots)) * alive).astype(np.uint8)
    return weights, alive


@pytest.mark.parametrize("stalls", [False, True], ids=["no stalls", "stalls"])
@pytest.mark.parametrize("slots", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    ("density", "each"), [(0.0, 1), (0.15, 1), (0.5, 1), (1.0, 1), (0.3, 2), (0.7, 4), (0.5, 16)]
)
def test_delivers_exactly_the_live_synapses_in_order(
    slots: int, density: float, each: int, stalls: bool
) -> None:
    inputs = 13
    rng, rng_i, rng_o = np.random.default_rng(slots).spawn(3)
    weights, alive = contents(rng, inputs, slots, density)
    dut = LearningStore(shapes=shapes(inputs, slots, each=each), weights=weights, alive=alive)
    pres = rng.integers(0, inputs, 60).tolist()
    want = [(k, weights[pre, k]) for pre in pres for k in np.flatnonzero(alive[pre]).tolist()]

    async def offer(ctx: Any) -> None:
        for pre in pres:
            await send(ctx, dut.pre, pre, rng_i if stalls else None)
        while ctx.get(dut.busy):
            await ctx.tick()
        assert len(got) == len(want)

    got: list[tuple[int, int]] = []

    async def take(ctx: Any) -> None:
        for _ in want:
            synapse = await receive(ctx, dut.synapse, rng_o if stalls else None)
            got.append((synapse.slot, synapse.weight))

    simulate(dut, take, offer)
    assert got == want


async def cycles_until_idle(ctx: Any, dut: LearningStore, pres: list[int]) -> int:
    ctx.set(dut.synapse.ready, 1)
    cycles = 0
    for pre in pres:
        ctx.set(dut.pre.payload, pre)
        ctx.set(dut.pre.valid, 1)
        while not ctx.get(dut.pre.ready):
            await ctx.tick()
            cycles += 1
        await ctx.tick()
        cycles += 1
    ctx.set(dut.pre.valid, 0)
    while ctx.get(dut.busy):
        await ctx.tick()
        cycles += 1
    return cycles


@pytest.mark.parametrize(
    ("rows", "cycles"),
    [
        pytest.param(["11111111"] * 5, 40 + 3, id="dense rows follow each other without a gap"),
        pytest.param(["10010001"] * 5, 15 + 3, id="pruned synapses cost nothing"),
        pytest.param(["00000100"] * 9, 9 + 3, id="one synapse per row and cycle"),
        pytest.param(["00000000"] * 9, 9 + 1, id="a dead row costs one cycle"),
        pytest.param(["11100000", "00000000"] * 5, 15 + 3, id="and none behind another row"),
        pytest.param(["00000001", "00000000"] * 5, 5 + 4 + 3, id="one behind a single synapse"),
    ],
)
@pytest.mark.parametrize("each", [1, 4])
def test_walk_takes_one_cycle_per_live_synapse(rows: list[str], cycles: int, each: int) -> None:
    """Three more from the first input to its first synapse; dead rows never get that far."""
    alive = np.array([[bit == "1" for bit in row] for row in rows])
    weights = np.ones_like(alive, dtype=np.uint8) * alive
    dut = LearningStore(shapes=shapes(len(rows), 8, each=each), weights=weights, alive=alive)

    async def bench(ctx: Any) -> None:
        assert await cycles_until_idle(ctx, dut, list(range(len(rows)))) == cycles

    simulate(dut, bench)


@pytest.mark.parametrize("slots", [1, 5, 8])
def test_column_access_reads_and_writes_single_synapses(slots: int) -> None:
    inputs = 6
    rng = np.random.default_rng(slots)
    weights, alive = contents(rng, inputs, slots, 0.6)
    dut = LearningStore(shapes=shapes(inputs, slots), weights=weights, alive=alive)
    column = dut.column

    async def access(ctx: Any, pre: int, slot: int, new: tuple[int, int] | None) -> tuple[int, int]:
        ctx.set(column.mask, 1 << slot)
        ctx.set(column.read, 1)
        ctx.set(column.read_address, pre * slots + slot)
        await ctx.tick()
        ctx.set(column.read, 0)
        weight = ctx.get(column.weight)
        ctx.set(column.read_row, 1)
        ctx.set(column.read_pre, pre)
        await ctx.tick()
        ctx.set(column.read_row, 0)
        unpruned = ctx.get(column.alive)
        await ctx.tick()
        if new is not None:
            for name, value in (
                ("write", 1),
                ("write_row", 1),
                ("write_address", pre * slots + slot),
                ("write_pre", pre),
                ("write_weight", new[0]),
                ("write_alive", new[1]),
            ):
                ctx.set(getattr(column, name), value)
        await ctx.tick()
        ctx.set(column.write, 0)
        ctx.set(column.write_row, 0)
        return weight, unpruned

    async def bench(ctx: Any) -> None:
        for _ in range(40):
            pre, slot = int(rng.integers(inputs)), int(rng.integers(slots))
            new = (int(rng.integers(256)), int(rng.integers(2))) if rng.random() < 0.7 else None
            got = await access(ctx, pre, slot, new)
            assert got == (weights[pre, slot], alive[pre, slot])
            if new is not None:
                weights[pre, slot], alive[pre, slot] = new
        assert ctx.get(dut.busy) == 0
        # What was written is what is fetched.
        ctx.set(dut.synapse.ready, 1)
        for pre in range(inputs):
            await send(ctx, dut.pre, pre)
            got_row = {}
            while ctx.get(dut.busy):
                if ctx.get(dut.synapse.valid):
                    got_row[ctx.get(dut.synapse.p.slot)] = ctx.get(dut.synapse.p.weight)
                await ctx.tick()
            assert got_row == {k: weights[pre, k] for k in np.flatnonzero(alive[pre]).tolist()}

    simulate(dut, bench)


def test_busy_falls_only_after_the_last_synapse() -> None:
    alive = np.ones((1, 3), dtype=np.bool_)
    dut = LearningStore(shapes=shapes(1, 3), weights=alive.astype(np.uint8), alive=alive)

    async def bench(ctx: Any) -> None:
        await send(ctx, dut.pre, 0)
        for k in range(3):
            await ctx.tick().repeat(5)
            assert ctx.get(dut.busy) == 1
            assert (await receive(ctx, dut.synapse)).slot == k
        assert ctx.get(dut.busy) == 0

    simulate(dut, bench)
