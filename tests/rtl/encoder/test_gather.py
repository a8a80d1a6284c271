"""Levels of an image, gathered for each view by a map."""

from typing import Any

import numpy as np
import pytest

from prunus_rtl.encoder.gather import Gather, map_words
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.amaranth import send, simulate


def chosen(rng: np.random.Generator, views: int, inputs: int, levels: int) -> Any:
    """Any levels in any order, a quarter of them dark, the last of them seen by the first view."""
    indices = rng.integers(0, levels, (views, inputs))
    indices[rng.random(indices.shape) < 0.25] = -1
    indices[0, 0] = levels - 1
    return indices


async def pulse(ctx: Any, signal: Any) -> None:
    ctx.set(signal, 1)
    await ctx.tick()
    ctx.set(signal, 0)


async def look(ctx: Any, dut: Gather, word: int) -> list[int]:
    """Read one word; neither the map nor the levels may change before they are asked to."""
    ctx.set(dut.word, word)
    await pulse(ctx, dut.read)
    ctx.set(dut.word, 0)
    await ctx.tick().repeat(2)
    await pulse(ctx, dut.fetch)
    got = [int(ctx.get(level)) for level in dut.data]
    await pulse(ctx, dut.read)
    await ctx.tick().repeat(2)
    assert got == [int(ctx.get(level)) for level in dut.data]
    return got


@pytest.mark.parametrize(
    ("views", "inputs", "levels", "per_word"),
    [
        (1, 1, 1, 4),
        (2, 3, 2, 4),
        (3, 4, 8, 4),
        (4, 9, 25, 4),
        (5, 6, 7, 4),
        (3, 9, 25, 8),
        (2, 39, 7, 16),
    ],
)
def test_each_view_shows_its_own_levels_while_the_next_image_is_loaded(
    views: int, inputs: int, levels: int, per_word: int
) -> None:
    rng, rng_i = np.random.default_rng(inputs).spawn(2)
    indices = chosen(rng, views, inputs, levels)
    images = rng.integers(1, 256, (4, levels))
    dut = Gather(indices=indices, image_levels=levels, per_word=per_word)

    async def load(ctx: Any) -> None:
        for image in images:
            for level in image.tolist():
                await send(ctx, dut.levels, level, rng_i)

    async def show(ctx: Any) -> None:
        for number, image in enumerate(images):
            while not ctx.get(dut.loaded):
                await ctx.tick()
            # The second image is left after its first view.
            shown = 1 if number == 1 else views
            for view in range(shown):
                seen = np.where(indices[view] < 0, 0, image[indices[view]]).tolist()
                seen += [0] * (-inputs % per_word)
                for first in range(0, inputs, per_word):
                    got = await look(ctx, dut, first // per_word)
                    assert got == seen[first : first + per_word]
                if view < shown - 1:
                    await pulse(ctx, dut.next_view)
            await pulse(ctx, dut.release)

    simulate(dut, load, show, platform=Collisions())


def test_looks_up_a_word_while_another_is_fetched() -> None:
    indices = np.array([[3, -1, 0, 2, 1, 1, -1, 0]])
    dut = Gather(indices=indices, image_levels=4)

    async def bench(ctx: Any) -> None:
        for level in (10, 20, 30, 40):
            await send(ctx, dut.levels, level)
        ctx.set(dut.word, 0)
        await pulse(ctx, dut.read)
        ctx.set(dut.word, 1)
        ctx.set(dut.read, 1)
        await pulse(ctx, dut.fetch)
        ctx.set(dut.read, 0)
        assert [ctx.get(dut.data[b]) for b in range(4)] == [40, 0, 10, 30]
        await pulse(ctx, dut.fetch)
        assert [ctx.get(dut.data[b]) for b in range(4)] == [20, 20, 0, 10]

    simulate(dut, bench)


@pytest.mark.parametrize("levels", [1, 6, 8])
def test_takes_two_images_and_not_a_third_until_one_is_released(levels: int) -> None:
    dut = Gather(indices=np.array([[0, 0], [-1, 0]]), image_levels=levels)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.levels.valid, 1)

        async def take() -> int:
            taken = 0
            for _ in range(4 * levels):
                taken += ctx.get(dut.levels.ready)
                await ctx.tick()
            return taken

        assert not ctx.get(dut.loaded)
        assert await take() == 2 * levels
        assert ctx.get(dut.loaded)
        await pulse(ctx, dut.next_view)
        assert await take() == 0
        await pulse(ctx, dut.release)
        assert ctx.get(dut.loaded)
        assert await take() == levels

    simulate(dut, bench)


def test_map_has_the_levels_of_all_views_in_words_of_four() -> None:
    indices = np.array([[0, 1, 2, 3, 4], [4, -1, 2, -1, 0]])
    words_of = map_words(indices, 5)
    assert words_of.tolist() == [[0, 1, 2, 3], [4, 5, 5, 5], [4, 5, 2, 5], [0, 5, 5, 5]]
    words_of = map_words(indices, 5, 8)
    assert words_of.tolist() == [[0, 1, 2, 3, 4, 5, 5, 5], [4, 5, 2, 5, 0, 5, 5, 5]]
