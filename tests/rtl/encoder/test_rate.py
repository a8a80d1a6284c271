from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from prunus_model.reference import encoder
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.random_streams import ENCODER
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.amaranth import receive, send, simulate


def image(rng: np.random.Generator, inputs: int) -> Any:
    levels = rng.integers(0, 256, inputs)
    levels[rng.random(inputs) < 0.4] = 0
    levels[rng.random(inputs) < 0.1] = 255
    return levels.astype(np.uint8)


def expected(
    levels: Any, steps: int, presentation: int, *, low_discrepancy: bool = False
) -> list[list[int]]:
    stream = Stream(seed=1, presentation=presentation, constant=ENCODER)
    params = EncoderParams(spikes="low-discrepancy" if low_discrepancy else "random")
    return [
        np.flatnonzero(
            encoder.spikes(encoder.draw(stream, step, len(levels), params), levels)
        ).tolist()
        for step in range(steps)
    ]


def mixed_seed(presentation: int) -> int:
    return 1 ^ (presentation * 0x9E3779B9 & 0xFFFFFFFF) ^ ENCODER


@pytest.mark.parametrize("stalls", [False, True], ids=["no stalls", "stalls"])
@pytest.mark.parametrize("low_discrepancy", [False, True], ids=["random", "low discrepancy"])
@pytest.mark.parametrize(
    ("inputs", "per_cycle"),
    [
        *((inputs, 4) for inputs in (1, 2, 3, 4, 5, 8, 21)),
        # Whole words, and last words with fewer draws: of two one, of four one to three.
        *((inputs, 8) for inputs in (1, 8, 12, 21, 29)),
        *((inputs, 16) for inputs in (3, 16, 21, 39, 41, 62)),
    ],
)
def test_events_match_model_image_after_image_while_the_next_is_loaded(
    inputs: int, per_cycle: int, low_discrepancy: bool, stalls: bool
) -> None:
    steps, count = 5, 3
    dut = Encoder(inputs=inputs, steps=steps, low_discrepancy=low_discrepancy, per_cycle=per_cycle)
    rng, rng_i, rng_o = np.random.default_rng(inputs).spawn(3)
    images = [image(rng, inputs) for _ in range(count)]

    async def load(ctx: Any) -> None:
        for levels in images:
            for level in levels.tolist():
                await send(ctx, dut.levels, level, rng_i if stalls else None)

    async def show(ctx: Any) -> None:
        for presentation, levels in enumerate(images):
            while not ctx.get(dut.loaded):
                await ctx.tick()
            ctx.set(dut.seed, mixed_seed(presentation))
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            # The second one is left early, in the middle of a step.
            shown = expected(
                levels,
                2 if presentation == 1 else steps,
                presentation,
                low_discrepancy=low_discrepancy,
            )
            for spikes in shown:
                for pre in spikes:
                    event = await receive(ctx, dut.events, rng_o if stalls else None)
                    assert (event.pre, event.end) == (pre, 0)
                event = await receive(ctx, dut.events, rng_o if stalls else None)
                assert event.end == 1
            if presentation != 1:
                await ctx.tick().repeat(20)
                assert ctx.get(dut.events.valid) == 0
            ctx.set(dut.stop, 1)
            await ctx.tick()
            ctx.set(dut.stop, 0)
            assert ctx.get(dut.events.valid) == 0

    simulate(dut, load, show)


@pytest.mark.parametrize("per_cycle", [4, 8, 16])
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_step_takes_max_of_1_and_its_events_for_each_word(level: int, per_cycle: int) -> None:
    inputs, steps = 70, 8
    dut = Encoder(inputs=inputs, steps=steps, per_cycle=per_cycle)
    levels = np.full(inputs, level, dtype=np.uint8)

    async def bench(ctx: Any) -> None:
        for value in levels.tolist():
            await send(ctx, dut.levels, value)
        ctx.set(dut.seed, mixed_seed(0))
        ctx.set(dut.start, 1)
        ctx.set(dut.events.ready, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ends: list[int] = []
        cycle = 0
        while len(ends) < steps:
            cycle += 1
            if ctx.get(dut.events.valid) and ctx.get(dut.events.p.end):
                ends.append(cycle)
            await ctx.tick()
        want = []
        for spikes in expected(levels, steps, 0):
            per_word = [0] * -(-inputs // per_cycle)
            for pre in spikes:
                per_word[pre // per_cycle] += 1
            per_word[-1] += 1
            want.append(sum(max(1, n) for n in per_word))
        assert np.diff(ends).tolist() == want[1:]
        assert ends[0] == 9 + want[0]

    simulate(dut, bench)


@pytest.mark.parametrize("per_cycle", [4, 8, 16])
def test_held_it_draws_no_step_before_it_is_executed(per_cycle: int) -> None:
    inputs, steps = 21, 4
    dut = Encoder(inputs=inputs, steps=steps, per_cycle=per_cycle)
    module = dut.elaborate(None)
    images, random = module.submodules["images"], module.submodules["random"]
    levels = image(np.random.default_rng(3), inputs)
    done = {"reads": 0, "draws": 0}

    async def watch(ctx: Any) -> None:
        async for _, _, read, draw in ctx.tick().sample(images.read, random.advance):
            done["reads"] += read
            done["draws"] += draw

    async def bench(ctx: Any) -> None:
        for level in levels.tolist():
            await send(ctx, dut.levels, level)
        ctx.set(dut.seed, mixed_seed(0))
        ctx.set(dut.hold, 1)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for step, spikes in enumerate(expected(levels, steps, 0)):
            ctx.set(dut.step, step)
            for pre in spikes:
                assert (await receive(ctx, dut.events)).pre == pre
            assert (await receive(ctx, dut.events)).end == 1
            await ctx.tick().repeat(30)
            assert ctx.get(dut.events.valid) == 0
            assert done == dict.fromkeys(("reads", "draws"), (step + 1) * -(-inputs // per_cycle))

    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(watch, background=True)
    simulator.run()


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("low_discrepancy", [False, True], ids=["random", "low discrepancy"])
@pytest.mark.parametrize(("inputs", "per_cycle"), [(9, 4), (9, 8), (24, 8), (9, 16), (39, 16)])
def test_views_of_an_image_have_their_own_levels(
    inputs: int, per_cycle: int, low_discrepancy: bool, hold: bool
) -> None:
    steps, image_levels = 5, 12
    rng, rng_i, rng_o = np.random.default_rng(hold).spawn(3)
    indices = rng.integers(-1, image_levels, (3, inputs))
    images = [image(rng, image_levels) for _ in range(3)]
    dut = Encoder(
        inputs=inputs,
        steps=steps,
        low_discrepancy=low_discrepancy,
        view_indices=indices,
        image_levels=image_levels,
        per_cycle=per_cycle,
    )

    async def load(ctx: Any) -> None:
        for levels in images:
            for level in levels.tolist():
                await send(ctx, dut.levels, level, rng_i)

    async def show(ctx: Any) -> None:
        ctx.set(dut.hold, hold)
        for number, levels in enumerate(images):
            while not ctx.get(dut.loaded):
                await ctx.tick()
            for view in range(len(indices)):
                presentation = 3 * number + view
                ctx.set(dut.seed, mixed_seed(presentation))
                ctx.set(dut.start, 1)
                await ctx.tick()
                ctx.set(dut.start, 0)
                seen = np.where(indices[view] < 0, 0, levels[indices[view]]).astype(np.uint8)
                # One view of each image is left in the middle, with events that were drawn ahead.
                left = 2 if view == number else steps
                trains = expected(seen, left, presentation, low_discrepancy=low_discrepancy)
                for step, spikes in enumerate(trains):
                    ctx.set(dut.step, step)
                    for pre in spikes:
                        event = await receive(ctx, dut.events, rng_o)
                        assert (event.pre, event.end) == (pre, 0)
                    assert (await receive(ctx, dut.events, rng_o)).end == 1
                if hold or left == steps:
                    await ctx.tick().repeat(20)
                    assert ctx.get(dut.events.valid) == 0
                over = dut.stop if view == len(indices) - 1 else dut.next_view
                ctx.set(over, 1)
                await ctx.tick()
                ctx.set(over, 0)
                ctx.set(dut.step, 0)
                assert ctx.get(dut.events.valid) == 0

    simulate(dut, load, show, platform=Collisions())


@pytest.mark.parametrize("hold", [False, True])
def test_a_map_costs_no_cycle_but_one_for_a_step_that_is_waited_for(hold: bool) -> None:
    """All inputs spike but in the last word, which takes one cycle for the end of the step."""
    inputs, steps, first = 9, 4, []
    levels = np.array([255] * 8 + [0], dtype=np.uint8)
    for views in (None, np.arange(inputs)[np.newaxis]):
        dut = Encoder(inputs=inputs, steps=steps, view_indices=views, image_levels=inputs)
        ends: list[int] = []

        async def bench(ctx: Any, dut: Encoder = dut, ends: list[int] = ends) -> None:
            for value in levels.tolist():
                await send(ctx, dut.levels, value)
            ctx.set(dut.seed, mixed_seed(0))
            ctx.set(dut.hold, hold)
            ctx.set(dut.events.ready, 1)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            cycle = 0
            while len(ends) < steps:
                cycle += 1
                if ctx.get(dut.events.valid) and ctx.get(dut.events.p.end):
                    ends.append(cycle)
                    ctx.set(dut.step, len(ends))
                await ctx.tick()

        simulate(dut, bench)
        first.append(ends)
    later = [b - a for a, b in zip(*first, strict=True)]
    assert later == ([0, 1, 2, 3] if hold else [0, 0, 0, 0])


def test_takes_two_images_and_not_a_third() -> None:
    dut = Encoder(inputs=6, steps=1)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.levels.valid, 1)
        taken = 0
        for _ in range(30):
            taken += ctx.get(dut.levels.ready)
            await ctx.tick()
        assert taken == 12

    simulate(dut, bench)
