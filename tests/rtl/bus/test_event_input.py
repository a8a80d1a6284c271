"""Event input: right events reach the core, wrong ones are dropped; a presentation can be ended."""

from typing import Any

import numpy as np
import pytest

from prunus_bus import items_of
from prunus_rtl.bus.event_input import NO_INPUT, QUEUED_EVENTS, EventInput
from prunus_rtl.streams import event_layout
from prunus_sim.simulator.amaranth import receive, send, simulate

INPUTS, STEPS = 9, 4


def _input(steps: int = STEPS) -> EventInput:
    return EventInput(event=event_layout(inputs=INPUTS), inputs=INPUTS, steps=steps)


def _steps(seed: int, count: int = STEPS) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [
        np.flatnonzero(rng.random(INPUTS) < rng.choice([0, 0.3, 0.9])).tolist()
        for _ in range(count)
    ]


def _wanted(steps: list[list[int]]) -> list[tuple[int, int]]:
    """Return the events of the core; the input of an end does not matter."""
    return [event for pres in steps for event in [*((pre, 0) for pre in pres), (0, 1)]]


async def _collect(ctx: Any, dut: EventInput, count: int, rng: Any = None) -> list[tuple[int, int]]:
    found = []
    for _ in range(count):
        event = await receive(ctx, dut.events, rng)
        found.append((0 if event.end else event.pre, event.end))
    return found


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("stalls", [False, True])
def test_events_arrive_in_order_with_the_ends_of_steps(streaming: bool, stalls: bool) -> None:
    dut = _input()
    steps = _steps(1, 30)
    rngs: Any = np.random.default_rng(3).spawn(2) if stalls else (None, None)
    items = items_of(steps, len(steps))

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, streaming)
        for pre, last in items:
            if streaming:
                await send(ctx, dut.packets, {"data": pre, "last": last}, rngs[0])
                continue
            while not ctx.get(dut.room):
                await ctx.tick()
            ctx.set(dut.item, {"data": pre, "last": last})
            assert not ctx.get(dut.wrong)
            ctx.set(dut.write, 1)
            await ctx.tick()
            ctx.set(dut.write, 0)

    async def core(ctx: Any) -> None:
        wanted = _wanted(steps)
        assert await _collect(ctx, dut, len(wanted), rngs[1]) == wanted

    simulate(dut, feed, core)


@pytest.mark.parametrize(
    ("items", "steps", "invalid"),
    [
        ([(INPUTS, False), (3, True)], [[3]], 1),
        ([(3, False), (INPUTS, True)], [[3]], 1),
        ([(0xFFFE, True)], [[]], 1),
        ([(3, False), (3, True)], [[3]], 1),
        ([(3, False), (2, False), (4, True)], [[3, 4]], 1),
        ([(0, False), (0, False), (0, False), (1, True)], [[0, 1]], 2),
        # After the end of a step, any input; and no input any number of times.
        ([(8, True), (0, True), (8, True)], [[8], [0], [8]], 0),
        ([(NO_INPUT, False), (2, False), (NO_INPUT, True), (1, True)], [[2], [1]], 0),
        # A wrong event that ends a step ends it.
        ([(5, False), (1, True), (1, True)], [[5], [1]], 1),
    ],
)
def test_wrong_events_are_dropped_and_told(items: Any, steps: Any, invalid: int) -> None:
    dut = _input()
    told = 0

    async def feed(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for pre, last in items:
            await send(ctx, dut.packets, {"data": pre, "last": last})

    async def watch(ctx: Any) -> None:
        nonlocal told
        for _ in range(30):
            *_, found = await ctx.tick().sample(dut.invalid)
            told += found
        assert not ctx.get(dut.events.valid)

    async def core(ctx: Any) -> None:
        wanted = _wanted(steps)
        assert await _collect(ctx, dut, len(wanted)) == wanted

    simulate(dut, feed, watch, core)
    assert told == invalid


def test_room_is_what_the_queue_can_take() -> None:
    dut = _input()

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.room) == QUEUED_EVENTS
        ctx.set(dut.item, {"data": NO_INPUT, "last": 1})
        written = 0
        while ctx.get(dut.room):
            ctx.set(dut.write, 1)
            await ctx.tick()
            ctx.set(dut.write, 0)
            await ctx.tick().repeat(3)
            written += 1
        # One waits in front of the core.
        assert written == QUEUED_EVENTS + 1
        ctx.set(dut.events.ready, 1)
        for _ in range(written):
            assert ctx.get(dut.events.valid)
            await ctx.tick()
        assert not ctx.get(dut.events.valid)
        assert ctx.get(dut.room) == QUEUED_EVENTS
        ctx.set(dut.streaming, 1)
        assert ctx.get(dut.room) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("sent", "taken"),
    [(0, 0), (1, 0), (1, 1), (2, 2), (3, 2), (5, 5), (7, 3), (7, 7), (7, 9), (7, 10)],
)
def test_a_presentation_can_be_ended_whatever_is_missing(
    streaming: bool, sent: int, taken: int
) -> None:
    dut = _input()
    items = items_of([[1, 2], [3], [], [0, 4, 8]], STEPS)[:sent]
    ends: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, streaming)
        for pre, last in items:
            if streaming:
                await send(ctx, dut.packets, {"data": pre, "last": last})
            else:
                ctx.set(dut.item, {"data": pre, "last": last})
                ctx.set(dut.write, 1)
                await ctx.tick()
                ctx.set(dut.write, 0)
        ends.extend(end for _, end in await _collect(ctx, dut, taken))
        await ctx.tick().repeat(4)
        ctx.set(dut.finish, 1)
        held = ctx.get(dut.held)
        assert ctx.get(dut.began) == (not held)
        await ctx.tick()
        ctx.set(dut.finish, 0)
        while sum(ends) < STEPS:
            assert not ctx.get(dut.finishing) or not ctx.get(dut.packets.ready)
            ends.extend(end for _, end in await _collect(ctx, dut, 1))
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.finishing)
        assert not ctx.get(dut.events.valid)
        assert ctx.get(dut.held)
        ctx.set(dut.done, 1)
        await ctx.tick()
        ctx.set(dut.done, 0)
        assert not ctx.get(dut.held)
        # The next one is not touched by what was dropped; any input may begin it.
        for pre, last in items_of([[0], [1], [], [2]], STEPS):
            ctx.set(dut.item, {"data": pre, "last": last})
            ctx.set(dut.streaming, 0)
            assert not ctx.get(dut.wrong)
            ctx.set(dut.write, 1)
            await ctx.tick()
            ctx.set(dut.write, 0)
        assert await _collect(ctx, dut, 7) == _wanted([[0], [1], [], [2]])

    simulate(dut, bench)


@pytest.mark.parametrize("wait", range(8))
def test_the_end_is_asked_for_about_when_the_last_step_is_over_anyway(wait: int) -> None:
    dut = _input()
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for pre, last in items_of([[1], [], [3], [4]], STEPS):
            await send(ctx, dut.packets, {"data": pre, "last": last})
        for _ in range(wait):
            await ctx.tick()
        ctx.set(dut.finish, 1)
        await ctx.tick()
        ctx.set(dut.finish, 0)

    async def core(ctx: Any) -> None:
        ctx.set(dut.events.ready, 1)
        for _ in range(40):
            *_, valid, event = await ctx.tick().sample(dut.events.valid, dut.events.payload)
            if valid:
                seen.append(event.end)
        assert not ctx.get(dut.finishing)
        assert ctx.get(dut.held)

    simulate(dut, bench, core)
    assert sum(seen) == STEPS
    assert seen[-1]


@pytest.mark.parametrize("steps", [1, 2])
def test_steps_are_counted_to_tell_presentations_apart(steps: int) -> None:
    dut = _input(steps)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.streaming, 1)
        for k in range(3 * steps):
            assert ctx.get(dut.held) == (k >= steps)
            await send(ctx, dut.packets, {"data": NO_INPUT, "last": 1})
            await receive(ctx, dut.events)
        for left in (1, 1, 0):
            ctx.set(dut.done, 1)
            await ctx.tick()
            ctx.set(dut.done, 0)
            assert ctx.get(dut.held) == left

    simulate(dut, bench)
