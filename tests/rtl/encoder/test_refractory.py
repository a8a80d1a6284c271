from typing import Any

import numpy as np
import pytest

from prunus_model.reference.refractory import kept
from prunus_model.spec.encoder import EncoderParams
from prunus_rtl.encoder.refractory import Refractory
from prunus_rtl.lib.ram import Collisions
from prunus_sim.simulator.amaranth import receive, send, simulate

#: (input, end, dropped, last step) of an event; of an end the first two alone.
Heard = tuple[int, int, int, int]


def events_of(rng: np.random.Generator, inputs: int, steps: int) -> list[list[int]]:
    return [
        rng.permutation(np.flatnonzero(rng.random(inputs) < rng.choice([0.2, 0.9]))).tolist()
        for _ in range(steps)
    ]


def expected(events: list[list[int]], inputs: int, refractory_steps: int) -> list[list[Heard]]:
    last = np.full(inputs, -1, np.int16)
    params = EncoderParams(refractory_steps=refractory_steps)
    heard: list[list[Heard]] = []
    for step, pres in enumerate(events):
        spikes = np.isin(np.arange(inputs), pres)
        keeps = kept(spikes, last, step, params)
        last[keeps] = step
        heard.append([(pre, 0, int(not keeps[pre]), int(last[pre])) for pre in pres])
        heard[-1].append((0, 1, 0, 0))
    return heard


@pytest.mark.parametrize("stalls", [False, True], ids=["no stalls", "stalls"])
@pytest.mark.parametrize("hold", [False, True], ids=["ahead", "hold"])
@pytest.mark.parametrize(
    ("inputs", "steps", "refractory_steps"),
    [(1, 1, 1), (1, 9, 2), (5, 12, 1), (21, 20, 3), (6, 30, 255), (3, 255, 254)],
)
def test_spikes_are_dropped_as_by_the_model(
    inputs: int, steps: int, refractory_steps: int, hold: bool, stalls: bool
) -> None:
    dut = Refractory(inputs=inputs, steps=steps, refractory_steps=refractory_steps)
    rng, rng_i, rng_o = np.random.default_rng(inputs * steps + refractory_steps).spawn(3)
    shown = [events_of(rng, inputs, steps) for _ in range(3)]
    # The last presentation is left early, and its events flushed.
    exits = steps // 2
    dropped = 0

    async def feed(ctx: Any) -> None:
        for events in shown:
            for pres in events:
                for pre in pres:
                    await send(ctx, dut.i, {"pre": pre, "end": 0}, rng_i if stalls else None)
                await send(ctx, dut.i, {"pre": 0, "end": 1}, rng_i if stalls else None)

    async def bench(ctx: Any) -> None:
        nonlocal dropped
        ctx.set(dut.hold, hold)
        for number, events in enumerate(shown):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            for _ in range(inputs):
                assert (ctx.get(dut.busy), ctx.get(dut.i.ready)) == (1, 0)
                await ctx.tick()
            assert ctx.get(dut.busy) == 0
            for step, heard in enumerate(expected(events, inputs, refractory_steps)):
                left = number == 2 and step >= exits
                ctx.set(dut.flush, left)
                ctx.set(dut.step, step)
                for pre, end, drop, last in heard:
                    o = await receive(ctx, dut.o, rng_o if stalls else None)
                    assert (int(o.event.end), end) == (end, end)
                    if end:
                        continue
                    assert int(o.event.pre) == pre, (number, step)
                    if not left:
                        assert (int(o.dropped), int(o.last_step)) == (drop, last), (number, step)
                        dropped += drop
            # Nothing of the next presentation is taken before it begins.
            for _ in range(5):
                assert (ctx.get(dut.o.valid), ctx.get(dut.i.ready)) == (0, 0)
                await ctx.tick()
            ctx.set(dut.stop, 1)
            await ctx.tick()
            ctx.set(dut.stop, 0)

    simulate(dut, bench, feed, platform=Collisions())
    assert dropped or steps == 1


@pytest.mark.parametrize("hold", [False, True], ids=["ahead", "hold"])
def test_no_event_is_taken_ahead_of_a_held_step_or_after_stop(hold: bool) -> None:
    dut = Refractory(inputs=4, steps=8, refractory_steps=2)
    taken, over = 0, False

    async def feed(ctx: Any) -> None:
        nonlocal taken
        while not over:
            ctx.set(dut.i.payload, {"pre": taken % 5 % 4, "end": taken % 5 == 4})
            ctx.set(dut.i.valid, taken < 40)
            *_, valid, ready = await ctx.tick().sample(dut.i.valid, dut.i.ready)
            taken += valid and ready

    async def bench(ctx: Any) -> None:
        nonlocal over
        ctx.set(dut.hold, hold)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        ctx.set(dut.o.ready, 1)
        for step in range(3):
            ctx.set(dut.step, step)
            await ctx.tick().repeat(50)
            # Held, no more than the steps that are executed.
            assert taken == (5 * (step + 1) if hold else 40)
        ctx.set(dut.stop, 1)
        await ctx.tick()
        ctx.set(dut.stop, 0)
        for _ in range(5):
            await ctx.tick()
            assert (ctx.get(dut.o.valid), ctx.get(dut.i.ready)) == (0, 0)
        over = True

    simulate(dut, bench, feed, platform=Collisions())


def test_stop_withdraws_what_has_not_been_taken() -> None:
    dut = Refractory(inputs=3, steps=2, refractory_steps=1)

    async def bench(ctx: Any) -> None:
        for stop_at_once in (False, True):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            await ctx.tick().repeat(3)
            for pre in range(1 if stop_at_once else 2):
                await send(ctx, dut.i, {"pre": pre, "end": 0})
            # One is offered and one behind it, or one is inside.
            assert ctx.get(dut.o.valid) == (not stop_at_once)
            ctx.set(dut.stop, 1)
            await ctx.tick()
            ctx.set(dut.stop, 0)
            for _ in range(3):
                assert ctx.get(dut.o.valid) == 0
                await ctx.tick()

    simulate(dut, bench)


def test_events_flow_one_per_cycle_and_come_two_cycles_later() -> None:
    dut = Refractory(inputs=9, steps=2, refractory_steps=1)
    cycles: list[int] = []

    async def feed(ctx: Any) -> None:
        for _ in range(2):
            for pre in range(9):
                await send(ctx, dut.i, {"pre": pre, "end": 0})
            await send(ctx, dut.i, {"pre": 0, "end": 1})

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        ctx.set(dut.o.ready, 1)
        for cycle in range(40):
            if ctx.get(dut.o.valid):
                cycles.append(cycle)
            await ctx.tick()

    simulate(dut, bench, feed)
    # The memory is cleared first.
    assert cycles == list(range(9 + 2, 9 + 2 + 20))
