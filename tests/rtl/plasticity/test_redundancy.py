"""Co-activity of inputs: word by word as in the model, and which inputs are redundant by it."""

from typing import Any

import numpy as np
import pytest

from prunus_model.reference.redundancy import redundant_inputs, update_coactivity
from prunus_model.spec.pruning import RedundancyParams
from prunus_rtl.plasticity.redundancy import Redundancy
from prunus_sim.simulator.amaranth import simulate


def unit(inputs: int, image_width: int = 28, init: list[int] | None = None) -> Redundancy:
    params = RedundancyParams(shift=8, image_width=image_width)
    return Redundancy(inputs=inputs, params=params, init=init)


async def word(ctx: Any, dut: Redundancy, pre: int) -> int:
    ctx.set(dut.access.address, pre)
    ctx.set(dut.access.strobe, 1)
    await ctx.tick()
    ctx.set(dut.access.strobe, 0)
    assert ctx.get(dut.access.done) == 1
    return int(ctx.get(dut.access.value))


async def sweep(
    ctx: Any, dut: Redundancy, recent: list[bool], pauses: np.random.Generator | None = None
) -> list[int]:
    """Visit all inputs, one per cycle or with pauses; return which are redundant."""
    found = []
    for pre in range(len(recent)):
        ctx.set(dut.read, 1)
        ctx.set(dut.pre, pre)
        await ctx.tick()
        ctx.set(dut.recent, recent[pre])
        found.append(int(ctx.get(dut.redundant)))
        while pauses is not None and pauses.random() < 0.3:
            ctx.set(dut.read, 0)
            ctx.set(dut.pre, int(pauses.integers(len(recent))))
            await ctx.tick()
            # Held, whatever comes after the cycle in which it is used.
            assert ctx.get(dut.redundant) == found[-1]
            ctx.set(dut.recent, int(pauses.integers(2)))
    ctx.set(dut.read, 0)
    await ctx.tick()
    return found


def test_every_kind_of_word_changes_as_in_the_model() -> None:
    """All high bytes with low bytes at both ends, up, down and not at all."""
    words = np.array([high << 8 | low for high in range(256) for low in (0, 1, 254, 255)])
    for recent in ([1, 1], [0, 0], [1, 0], [0, 1]):
        pattern = np.resize(np.array(recent, dtype=np.bool_), len(words))
        dut = unit(len(words), init=words.tolist())

        async def bench(ctx: Any, dut: Redundancy = dut, recent: Any = pattern) -> None:
            await sweep(ctx, dut, recent.tolist())
            want = update_coactivity(words, recent, 8)
            assert [await word(ctx, dut, pre) for pre in range(len(words))] == want.tolist()

        simulate(dut, bench)


@pytest.mark.parametrize("image_width", [1, 2, 3, 4, 7, 40])
@pytest.mark.parametrize("inputs", [2, 22])
def test_sweep_after_sweep(inputs: int, image_width: int) -> None:
    """What is redundant follows from before the sweep; a cycle without read changes nothing."""
    dut = unit(inputs, image_width)
    rng = np.random.default_rng(inputs)

    async def bench(ctx: Any) -> None:
        coactivity = np.zeros(inputs, dtype=np.int64)
        params = RedundancyParams(shift=8, image_width=image_width)
        seen = 0
        for _ in range(300):
            shared = rng.random() < 0.7
            recent = (rng.random(inputs) < 0.1) | shared
            want = redundant_inputs(coactivity, 0, params).astype(int).tolist()
            assert await sweep(ctx, dut, recent.tolist(), rng) == want
            coactivity = update_coactivity(coactivity, recent, 8)
            seen += sum(want)
        assert [await word(ctx, dut, pre) for pre in range(inputs)] == coactivity.tolist()
        assert seen > 20

    simulate(dut, bench)
