"""Activity of inputs: word by word as the model moves it."""

from typing import Any

import numpy as np
import pytest

from prunus_model.config import AdaptivePruning, NetworkConfig
from prunus_model.pruning import moved_activity
from prunus_rtl.activity import InputActivity
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.shapes import Shapes
from prunus_rtl.simulation import simulate


def unit(inputs: int, init: list[int] | None = None) -> InputActivity:
    network = NetworkConfig(inputs=inputs, neurons=1, pruning=AdaptivePruning(activity_shift=8))
    shapes = Shapes(network=network, hardware=HardwareConfig(lanes=1))
    return InputActivity(shapes=shapes, init=init)


async def word(ctx: Any, dut: InputActivity, pre: int) -> int:
    ctx.set(dut.access.address, pre)
    ctx.set(dut.access.strobe, 1)
    await ctx.tick()
    ctx.set(dut.access.strobe, 0)
    assert ctx.get(dut.access.done) == 1
    return int(ctx.get(dut.access.value))


async def sweep(ctx: Any, dut: InputActivity, recent: list[bool]) -> list[int]:
    """Visit all inputs, one per cycle; return the shares."""
    shares = []
    for pre in range(len(recent) + 1):
        ctx.set(dut.read, pre < len(recent))
        ctx.set(dut.pre, pre % len(recent))
        if pre:
            ctx.set(dut.recent, recent[pre - 1])
            shares.append(int(ctx.get(dut.share)))
        await ctx.tick()
    ctx.set(dut.read, 0)
    return shares


def test_every_kind_of_word_moves_as_in_the_model() -> None:
    """All high bytes with low bytes at both ends, up and down."""
    words = np.array([high << 8 | low for high in range(256) for low in (0, 1, 254, 255)])
    for up in (False, True):
        dut = unit(len(words), words.tolist())

        async def bench(ctx: Any, dut: InputActivity = dut, up: bool = up) -> None:
            assert await sweep(ctx, dut, [up] * len(words)) == (words >> 8).tolist()
            want = moved_activity(words, np.full(len(words), up), 8)
            assert [await word(ctx, dut, pre) for pre in range(len(words))] == want.tolist()

        simulate(dut, bench)


@pytest.mark.parametrize("inputs", [2, 5])
def test_sweep_after_sweep(inputs: int) -> None:
    """The share is that from before the sweep; a cycle without read moves nothing."""
    dut = unit(inputs)
    rng = np.random.default_rng(inputs)

    async def bench(ctx: Any) -> None:
        activity = np.zeros(inputs, dtype=np.int64)
        for _ in range(300):
            recent = rng.random(inputs) < np.linspace(0.2, 1, inputs)
            assert await sweep(ctx, dut, recent.tolist()) == (activity >> 8).tolist()
            activity = moved_activity(activity, recent, 8)
            ctx.set(dut.recent, int(rng.integers(2)))
            await ctx.tick()
        assert [await word(ctx, dut, pre) for pre in range(inputs)] == activity.tolist()
        assert activity.max() > 40000

    simulate(dut, bench)
