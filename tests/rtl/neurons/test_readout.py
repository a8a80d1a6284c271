# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_rtl.neurons.readout import Readout
from prunus_sim.simulator.amaranth import send, simulate


def unit(votes: Any, vote_bits: int = 4) -> Readout:
    neurons, classes = votes.shape
    return Readout(
        neurons=neurons, classes=classes, vote_bits=vote_bits, votes=votes.T.ravel().tolist()
    )


async def elect(ctx: Any, dut: Readout, posts: list[int]) -> tuple[int | None, int]:
    """Show spikes and return the prediction, and the cycles of the election."""
    ctx.set(dut.begin, 1)
    await ctx.tick()
    ctx.set(dut.begin, 0)
    for post in posts:
        await send(ctx, dut.spike, post)
    while not ctx.get(dut.spike.ready):
        await ctx.tick()
    ctx.set(dut.finish, 1)
    await ctx.tick()
    ctx.set(dut.finish, 0)
    cycles = 1
    while not ctx.get(dut.done):
        await ctx.tick()
        cycles += 1
    await ctx.tick()
    return (None if ctx.get(dut.undecided) else ctx.get(dut.prediction)), cycles


@pytest.mark.parametrize(("neurons", "classes", "vote_bits"), [(5, 3, 4), (3, 1, 1), (7, 10, 8)])
def test_elects_the_class_with_most_votes(neurons: int, classes: int, vote_bits: int) -> None:
    rng = np.random.default_rng(classes)
    votes = rng.integers(0, 1 << vote_bits, (neurons, classes))
    dut = unit(votes, vote_bits)

    async def bench(ctx: Any) -> None:
        for count in [0, 1, 2, 0, 5, 12]:
            posts = rng.integers(0, neurons, count).tolist()
            want = int(np.argmax(votes[posts].sum(axis=0))) if posts else None
            cycles = classes + 2 if posts else 1
            assert await elect(ctx, dut, posts) == (want, cycles)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("votes", "posts", "prediction"),
    [
        pytest.param([[3, 3, 3]], [0], 0, id="tie of all goes to the lowest"),
        pytest.param([[1, 3, 3]], [0, 0], 1, id="tie of the best goes to the lower"),
        pytest.param([[0, 0, 0]], [0], 0, id="spikes without votes elect the lowest"),
        pytest.param([[0, 0, 1]], [0] * 255, 2, id="largest number of spikes"),
        pytest.param([[15, 14, 15], [0, 1, 1]], [0] * 254 + [1], 2, id="scores do not overflow"),
    ],
)
def test_ties_and_extremes(votes: list[list[int]], posts: list[int], prediction: int) -> None:
    dut = unit(np.array(votes))

    async def bench(ctx: Any) -> None:
        assert (await elect(ctx, dut, posts))[0] == prediction

    simulate(dut, bench)


def test_a_spike_keeps_the_unit_busy_for_classes_and_1_cycles() -> None:
    dut = unit(np.ones((2, 6), dtype=np.int64))

    async def bench(ctx: Any) -> None:
        await send(ctx, dut.spike, 1)
        for _ in range(7):
            assert ctx.get(dut.spike.ready) == 0
            await ctx.tick()
        assert ctx.get(dut.spike.ready) == 1

    simulate(dut, bench)
