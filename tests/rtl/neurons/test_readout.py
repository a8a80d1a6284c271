# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest

from prunus_model.spec.formats import STEP_BITS
from prunus_rtl.neurons.readout import Readout
from prunus_sim.simulator.amaranth import send, simulate


def unit(votes: Any, vote_bits: int = 4) -> Readout:
    neurons, classes = votes.shape
    return Readout(
        neurons=neurons,
        classes=classes,
        vote_bits=vote_bits,
        score_bits=vote_bits + STEP_BITS,
        votes=votes.T.ravel().tolist(),
    )


async def elect(
    ctx: Any, dut: Readout, posts: list[int], *, keep: bool = False
) -> tuple[int | None, int]:
    """Show spikes and return the prediction, None if undecided, and the lead."""
    ctx.set(dut.clear, not keep)
    await ctx.tick()
    ctx.set(dut.clear, 0)
    for post in posts:
        await send(ctx, dut.spike, post)
    while not ctx.get(dut.spike.ready):
        await ctx.tick()
    return (None if ctx.get(dut.undecided) else ctx.get(dut.prediction)), ctx.get(dut.lead)


@pytest.mark.parametrize(("neurons", "classes", "vote_bits"), [(5, 3, 4), (3, 1, 1), (7, 10, 8)])
def test_elects_the_class_with_most_votes(neurons: int, classes: int, vote_bits: int) -> None:
    rng = np.random.default_rng(classes)
    votes = rng.integers(0, 1 << vote_bits, (neurons, classes))
    dut = unit(votes, vote_bits)

    async def bench(ctx: Any) -> None:
        scores = np.zeros(classes, dtype=np.int64)
        for k, count in enumerate([0, 1, 2, 0, 5, 12, 3, 0, 4]):
            posts = rng.integers(0, neurons, count).tolist()
            keep = k % 3 == 2
            scores = (scores if keep else 0 * scores) + votes[posts].sum(axis=0)
            *_, second, first = sorted([0, *scores.tolist()])
            winner = int(np.argmax(scores)) if first else None
            assert await elect(ctx, dut, posts, keep=keep) == (winner, first - second)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("votes", "posts", "prediction", "lead"),
    [
        pytest.param([[3, 3, 3]], [0], 0, 0, id="tie of all goes to the lowest"),
        pytest.param([[1, 3, 3]], [0, 0], 1, 0, id="tie of the best goes to the lower"),
        pytest.param([[0, 0, 0]], [0], None, 0, id="spikes without votes are undecided"),
        pytest.param([[0, 0, 0], [0, 2, 0]], [0, 1, 0], 1, 2, id="they change nothing"),
        pytest.param([[0, 0, 1]], [0] * 255, 2, 255, id="largest number of spikes"),
        pytest.param([[15, 14, 15], [0, 1, 1]], [0] * 254 + [1], 2, 1, id="no overflow"),
        pytest.param([[15, 3, 15]], [0] * 273, 0, 0, id="saturates"),
        pytest.param([[15, 3, 14]], [0] * 280, 0, 4095 - 280 * 14, id="one saturates"),
    ],
)
def test_ties_and_extremes(
    votes: list[list[int]], posts: list[int], prediction: int | None, lead: int
) -> None:
    dut = unit(np.array(votes))

    async def bench(ctx: Any) -> None:
        assert await elect(ctx, dut, posts) == (prediction, lead)

    simulate(dut, bench)


def test_margin_is_reached_by_a_lead_that_is_not_less() -> None:
    dut = unit(np.array([[9, 2, 4]]))

    async def bench(ctx: Any) -> None:
        assert await elect(ctx, dut, [0]) == (0, 5)
        for margin, reached in ((0, 0), (1, 1), (5, 1), (6, 0), (4095, 0)):
            ctx.set(dut.margin, margin)
            assert ctx.get(dut.reached) == reached, margin

    simulate(dut, bench)


def test_a_spike_keeps_the_unit_busy_for_classes_and_4_cycles() -> None:
    dut = unit(np.ones((2, 6), dtype=np.int64))

    async def bench(ctx: Any) -> None:
        await send(ctx, dut.spike, 1)
        for _ in range(6 + 4):
            assert ctx.get(dut.spike.ready) == 0
            await ctx.tick()
        assert ctx.get(dut.spike.ready) == 1

    simulate(dut, bench)
