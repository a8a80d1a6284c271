# amaranth: UnusedElaboratable=no

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_rtl.neurons.winner import WinnerTree
from prunus_sim.simulator.amaranth import simulate

V_BITS = 6
#: Margin and whether it counts, for each slot and lane.
Candidates = npt.NDArray[np.int64]


def argmax(fires: Candidates, margins: Candidates) -> int:
    """The winner's post, or -1: numpy's argmax takes the first of the largest."""
    margins = np.where(fires, margins, -1).ravel()
    best = int(np.argmax(margins))
    return best if margins[best] >= 0 else -1


async def sweep(
    ctx: Any,
    dut: WinnerTree,
    fires: Candidates,
    margins: Candidates,
    *,
    latency: int,
    pauses: Sequence[int],
) -> list[tuple[int, int]]:
    """Send all slots after so many idle cycles each, and check each output in each cycle.

    Returns margin and ``fires`` of each slot at the root.
    """
    slots, lanes = fires.shape
    levels = lanes.bit_length() - 1
    sent, cycle = {}, 0
    for slot, pause in enumerate(pauses):
        cycle += pause
        sent[cycle] = slot
        cycle += 1
    roots = []
    for now in range(cycle + latency + levels + 1):
        ctx.set(dut.sweep, now in sent)
        shown = sent.get(now - latency)
        for lane in range(lanes):
            # What comes with no slot must not matter: it would win.
            word = {"margin": (1 << V_BITS) - 1, "fires": 1}
            if shown is not None:
                word = {"margin": int(margins[shown, lane]), "fires": int(fires[shown, lane])}
            ctx.set(dut.candidates[lane], word)
        arrived = sent.get(now - latency - levels)
        assert ctx.get(dut.arrived) == (arrived is not None), now
        assert ctx.get(dut.last) == (arrived == slots - 1), now
        if arrived is not None:
            roots.append((int(ctx.get(dut.root.margin)), int(ctx.get(dut.root.fires))))
        if now == cycle + latency + levels:
            # One cycle after the last slot: no sooner than that, and no later.
            want = argmax(fires, margins)
            assert ctx.get(dut.fires) == (want >= 0)
            if want >= 0:
                assert ctx.get(dut.post) == want
        await ctx.tick()
    return roots


async def begin(ctx: Any, dut: WinnerTree) -> None:
    ctx.set(dut.rewind, 1)
    ctx.set(dut.clear, 1)
    await ctx.tick()
    ctx.set(dut.rewind, 0)
    ctx.set(dut.clear, 0)


@pytest.mark.parametrize("latency", [1, 3])
@pytest.mark.parametrize(("lanes", "slots"), [(1, 1), (1, 5), (2, 3), (4, 1), (8, 4)])
def test_winner_is_the_first_of_the_largest_margins(lanes: int, slots: int, latency: int) -> None:
    dut = WinnerTree(lanes=lanes, slots=slots, v_bits=V_BITS, latency=latency)
    rng = np.random.default_rng(lanes * 10 + slots)

    async def bench(ctx: Any) -> None:
        for round_ in range(40):
            await begin(ctx, dut)
            # Few values, so that there are ties; at times nobody fires, at times all do.
            largest = int(rng.choice([1, 2, 1 << V_BITS]))
            margins = rng.integers(0, largest, (slots, lanes))
            fires = (rng.random((slots, lanes)) < rng.choice([0, 0.3, 1])).astype(np.int64)
            pauses = [int(rng.integers(3)) if round_ % 2 else 0 for _ in range(slots)]
            roots = await sweep(ctx, dut, fires, margins, latency=latency, pauses=pauses)
            words = fires << V_BITS | margins
            assert [f << V_BITS | m for m, f in roots] == words.max(axis=1).tolist()

    simulate(dut, bench)


@pytest.mark.parametrize(("lanes", "slots"), [(4, 1), (2, 2), (1, 4)])
def test_every_order_of_four_candidates(lanes: int, slots: int) -> None:
    """All combinations of nobody, and margins of 0, 1 and the largest."""
    dut = WinnerTree(lanes=lanes, slots=slots, v_bits=V_BITS, latency=2)

    async def bench(ctx: Any) -> None:
        for margins in itertools.product([-1, 0, 1, (1 << V_BITS) - 1], repeat=4):
            given = np.array(margins, dtype=np.int64).reshape(slots, lanes)
            await begin(ctx, dut)
            # A margin that does not count is larger than most that do.
            shown = np.where(given < 0, (1 << V_BITS) - 1, given)
            counts = (given >= 0).astype(np.int64)
            await sweep(ctx, dut, counts, shown, latency=2, pauses=[0] * slots)

    simulate(dut, bench)


def test_after_the_last_slot_comes_slot_0_also_without_rewind() -> None:
    dut = WinnerTree(lanes=2, slots=3, v_bits=V_BITS, latency=1)
    nobody = np.zeros((3, 2), dtype=np.int64)
    margins = np.array([[1, 2], [3, 8], [8, 4]], dtype=np.int64)

    async def bench(ctx: Any) -> None:
        await begin(ctx, dut)
        for fires in (nobody, nobody, 1 - nobody):
            await sweep(ctx, dut, fires, margins, latency=1, pauses=[0, 1, 0])

    simulate(dut, bench)


def test_winner_stays_until_it_is_cleared_and_rewind_starts_at_slot_0() -> None:
    """A sweep that is broken off leaves slots behind; ``clear`` alone does nothing."""
    dut = WinnerTree(lanes=2, slots=3, v_bits=V_BITS, latency=1)
    ones = np.ones((3, 2), dtype=np.int64)

    async def bench(ctx: Any) -> None:
        await begin(ctx, dut)
        margins = np.array([[1, 2], [3, 9], [5, 4]], dtype=np.int64)
        await sweep(ctx, dut, ones, margins, latency=1, pauses=[0, 0, 0])
        ctx.set(dut.clear, 1)
        await ctx.tick().repeat(2)
        ctx.set(dut.clear, 0)
        assert (ctx.get(dut.fires), ctx.get(dut.post)) == (1, 3)
        # One slot of the next sweep, and it is forgotten where it stood.
        ctx.set(dut.sweep, 1)
        await ctx.tick()
        ctx.set(dut.sweep, 0)
        for lane in range(2):
            ctx.set(dut.candidates[lane], {"margin": 0, "fires": 1})
        await ctx.tick().repeat(4)
        assert (ctx.get(dut.fires), ctx.get(dut.post)) == (1, 3)
        ctx.set(dut.rewind, 1)
        await ctx.tick()
        ctx.set(dut.rewind, 0)
        assert (ctx.get(dut.fires), ctx.get(dut.post)) == (1, 3)
        # A larger one in slot 0: only after the rewind is its slot number right.
        await sweep_first(ctx, dut)
        assert (ctx.get(dut.fires), ctx.get(dut.post)) == (1, 1)
        await begin(ctx, dut)
        assert ctx.get(dut.fires) == 0

    async def sweep_first(ctx: Any, dut: WinnerTree) -> None:
        ctx.set(dut.sweep, 1)
        await ctx.tick()
        ctx.set(dut.sweep, 0)
        ctx.set(dut.candidates[1], {"margin": 30, "fires": 1})
        await ctx.tick().repeat(3)

    simulate(dut, bench)
