# amaranth: UnusedElaboratable=no

"""The sequencer on its own: everything around it is slow, fast, or both by chance."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest

from prunus_rtl.core.sequencer import Sequencer
from prunus_sim.simulator.amaranth import simulate

INPUTS, POST_BITS, STEPS, INHIBITION = 5, 3, 7, 2
Source = Literal["levels", "events"]
#: Cycles that the fast units take: lanes after the last event (2 and a register), and the others.
LANES, COMPARE, LEARN = 3, 2, 2
#: Votes that suffice, and cycles in which they are counted.
MARGIN, VOTES = 40, 3


@dataclass
class Log:
    """What a presentation did."""

    sent: list[tuple[int, int]] = field(default_factory=list)
    traced: list[tuple[int, int]] = field(default_factory=list)
    spikes: list[tuple[int, int]] = field(default_factory=list)
    votes: list[int] = field(default_factory=list)
    learned: list[int] = field(default_factory=list)
    taken: int = 0
    steps: int = 0
    inhibited: int = 0
    input_spikes: int = 0
    integrated: int = 0
    compared: int = 0
    forgotten: int = 0
    finished: int = 0
    cleared: int = 0
    views: int = 0


@dataclass(frozen=True, kw_only=True)
class Show:
    """Events of each step, the neuron that would win it, and how it is shown.

    Steps are numbered through all views.
    """

    events: list[list[int]]
    winners: list[int]
    learn: bool
    stop_after: int
    #: Output spike whose votes reach the margin; 0: there is no margin.
    decides: int = 0
    keep: bool = False

    @property
    def views(self) -> int:
        """Views that are shown if the margin is not reached."""
        return len(self.events) // STEPS

    def events_of(self, view: int) -> list[tuple[int, int]]:
        """Inputs and ends of the steps of a view."""
        steps = self.events[view * STEPS : (view + 1) * STEPS]
        return [word for pres in steps for word in ([(pre, 0) for pre in pres] + [(0, 1)])]

    @classmethod
    def random(cls, rng: np.random.Generator, views: int = 1) -> "Show":
        likely = float(rng.choice([0, 0.3, 1]))
        steps = range(STEPS * views)
        return cls(
            events=[rng.permutation(INPUTS)[: rng.integers(INPUTS)].tolist() for _ in steps],
            winners=[
                int(rng.integers(1 << POST_BITS)) if rng.random() < likely else -1 for _ in steps
            ],
            learn=bool(rng.integers(2)),
            stop_after=int(rng.choice([0, 0, 1, 2, 3])),
            decides=int(rng.choice([0, 0, 1, 2, 9])),
            keep=bool(rng.integers(2)),
        )

    def expected(self, source: Source, learn: bool) -> Log:
        """The same, by the rules: one step after the other."""
        log = Log()
        inhibition = spikes = 0
        left = False
        for step, (events, winner) in enumerate(zip(self.events, self.winners, strict=True)):
            if step % STEPS == 0:
                # After a view that reached the margin no other follows.
                if log.spikes and 0 < self.decides <= len(log.spikes):
                    break
                log.views += 1
                inhibition = spikes = 0
                left = False
            if left:
                continue
            log.steps += 1
            log.taken += len(events) + 1
            log.input_spikes += len(events)
            log.traced += [(step, pre) for pre in events]
            if inhibition:
                inhibition -= 1
                log.inhibited += 1
            else:
                log.integrated += len(events)
                log.sent += [(step, pre) for pre in events]
                log.compared += 1
                if winner >= 0:
                    inhibition = INHIBITION
                    log.forgotten += 1
                    spikes += 1
                    log.spikes.append((step % STEPS, winner))
                    log.votes.append(winner)
                    if learn and self.learn:
                        log.learned.append(winner)
                    left = spikes == self.stop_after or 0 < self.decides <= len(log.spikes)
        if source == "events":
            log.taken = sum(len(events) + 1 for events in self.events)
        log.finished = 1
        log.cleared = not self.keep
        return log


def bits(rng: np.random.Generator, share: float) -> Iterator[int]:
    while True:
        yield int(rng.random() < share)


async def shown(
    ctx: Any,
    dut: Sequencer,
    show: Show,
    rng: np.random.Generator,
    *,
    fast: bool,
    learn: bool,
    views: bool = False,
) -> tuple[Log, int]:
    """Run a presentation, check each cycle, and return what it did and its running cycles."""
    log = Log()
    view = spikes_of_view = 0
    goes_on = False
    chance = bits(rng, 1.0 if fast else 0.6)
    # At times a spike waits until the next one comes.
    noise = bits(rng, 0.5)
    spike_taken = bits(rng, 1.0 if fast else float(rng.choice([0.6, 0.02])))
    events = show.events_of(view)
    waits = {"lanes": 0, "membrane": -1, "sweep": -1, "votes": -1}
    counted = 0
    offered, was_busy, running, spike_held, over = False, True, 0, None, False

    def soon(least: int = 1) -> int:
        return least if fast else least + int(rng.integers(4))

    ctx.set(
        dut.control.payload,
        {
            "stop_after": show.stop_after,
            "margin": MARGIN if show.decides else 0,
            "keep": show.keep,
        }
        | ({"learn": show.learn} if learn else {}),
    )
    ctx.set(dut.control.valid, 1)
    for _ in range(2000):
        # What the units around it say in this cycle.
        ctx.set(dut.startable, next(chance))
        offered = bool(events) and (offered or bool(next(chance)))
        ctx.set(dut.event.valid, offered)
        if events:
            ctx.set(dut.event.payload, {"pre": events[0][0], "end": events[0][1]})
        ctx.set(dut.pre.ready, next(chance))
        ctx.set(dut.initialised, next(chance))
        ready = next(chance)
        ctx.set(dut.thresholds_ready, ready)
        ctx.set(dut.lanes_busy, waits["lanes"] > 0)
        ctx.set(dut.membrane_idle, next(chance))
        ctx.set(dut.membrane_done, waits["membrane"] == 0)
        step = int(ctx.get(dut.step))
        winner = show.winners[view * STEPS + step] if step < STEPS else -1
        step += view * STEPS
        if views:
            ctx.set(dut.last_view, view == show.views - 1)
        if waits["membrane"] == 0:
            ctx.set(dut.fires, winner >= 0)
            ctx.set(dut.post, max(0, winner))
        ctx.set(dut.spikes.ready, next(spike_taken))
        # While votes are counted, what the readout says of the margin means nothing.
        counting = waits["votes"] > 0
        counted = len(log.votes) - counting
        ctx.set(dut.vote.ready, not counting)
        ctx.set(
            dut.margin_reached,
            show.decides > 0 and next(noise) if counting else 0 < show.decides <= counted,
        )
        ctx.set(dut.learned, waits["sweep"] == 0)
        ctx.set(dut.output_spikes, spikes_of_view)
        ctx.set(dut.result_ready, next(chance))
        waits = {name: max(-1 if name != "lanes" else 0, n - 1) for name, n in waits.items()}

        # What it does in this cycle.
        began = ctx.get(dut.begin)
        assert began == (ctx.get(dut.control.valid) & ctx.get(dut.control.ready))
        if began:
            assert ctx.get(dut.startable)
            assert ctx.get(dut.waiting)
        assert ctx.get(dut.begin_view) == (began or goes_on)
        log.views += int(ctx.get(dut.begin_view))
        goes_on = bool(views and ctx.get(dut.next_view))
        assert ctx.get(dut.end_view) == (goes_on or ctx.get(dut.finish))
        if learn and views and ctx.get(dut.running):
            assert ctx.get(dut.learning) == show.learn
        if began and learn:
            assert ctx.get(dut.learning) == show.learn
        running += int(ctx.get(dut.running))
        if log.finished == 0 and running:
            assert ctx.get(dut.hold) == (show.stop_after > 0 or show.decides > 0)
            assert ctx.get(dut.margin) == (MARGIN if show.decides else 0)
        taken = ctx.get(dut.event.valid) and ctx.get(dut.event.ready)
        pre = int(ctx.get(dut.pre.payload))
        if ctx.get(dut.pre.valid) and ctx.get(dut.pre.ready):
            assert taken
            log.sent.append((step, pre))
            waits["lanes"] = soon(2)
        if ctx.get(dut.traced):
            log.traced.append((step, pre))
        log.input_spikes += int(ctx.get(dut.input_spike))
        log.integrated += int(ctx.get(dut.integrated_spike))
        log.steps += int(ctx.get(dut.step_done))
        log.inhibited += int(ctx.get(dut.inhibited_step))
        if ctx.get(dut.compare):
            # Not before all that was sent is added, and every threshold is there.
            assert ready
            assert not was_busy
            log.compared += 1
            waits["membrane"] = soon()
        was_busy = bool(ctx.get(dut.lanes_busy))
        assert ctx.get(dut.forget) == ctx.get(dut.output_spike)
        forgot = int(ctx.get(dut.forget))
        voted = ctx.get(dut.vote.valid) and ctx.get(dut.vote.ready)
        if voted:
            log.votes.append(int(ctx.get(dut.vote.payload)))
            waits["votes"] = soon(VOTES)
        if ctx.get(dut.learn_spike):
            assert voted
            log.learned.append(int(ctx.get(dut.post)))
            waits["sweep"] = soon()
        if ctx.get(dut.end_view):
            assert ready
            assert not counting
        log.finished += int(ctx.get(dut.finish))
        log.cleared += int(ctx.get(dut.forget_scores))
        if ctx.get(dut.spikes.valid):
            word = (int(ctx.get(dut.spikes.p.step)), int(ctx.get(dut.spikes.p.post)))
            assert spike_held in (None, word)
            spike_held = word
            if ctx.get(dut.spikes.ready):
                log.spikes.append(word)
                spike_held = None
        else:
            assert spike_held is None
        if ctx.get(dut.result_valid):
            assert log.finished == 1
            assert not ctx.get(dut.running)
            over = bool(ctx.get(dut.result_ready))
        await ctx.tick()
        log.forgotten += forgot
        spikes_of_view += forgot
        if taken:
            log.taken += 1
            events.pop(0)
            offered = False
        if goes_on:
            # What was left of the view is forgotten.
            view += 1
            spikes_of_view = 0
            events, offered = show.events_of(view), False
        if began:
            ctx.set(dut.control.valid, 0)
            ctx.set(dut.control.payload, {"keep": not show.keep})
            if learn:
                ctx.set(dut.control.p.learn, not show.learn)
        if over and spike_held is None and not ctx.get(dut.spikes.valid):
            assert ctx.get(dut.waiting)
            return log, running
    raise AssertionError("The presentation never ended")


@pytest.mark.parametrize("source", ["levels", "events"])
@pytest.mark.parametrize("learn", [False, True])
def test_presentations_follow_the_rules_however_slow_the_units(source: Source, learn: bool) -> None:
    dut = Sequencer(
        inputs=INPUTS,
        post_bits=POST_BITS,
        steps=STEPS,
        inhibition_steps=INHIBITION,
        learn=learn,
        score_bits=12,
        source=source,
    )
    rng = np.random.default_rng(learn)

    async def bench(ctx: Any) -> None:
        for k in range(24):
            show = Show.random(rng)
            log, _ = await shown(ctx, dut, show, rng, fast=k % 3 == 0, learn=learn)
            assert log == show.expected(source, learn), show

    simulate(dut, bench)


@pytest.mark.parametrize("learn", [False, True])
def test_views_follow_each_other_until_the_margin_is_reached(learn: bool) -> None:
    dut = Sequencer(
        inputs=INPUTS,
        post_bits=POST_BITS,
        steps=STEPS,
        inhibition_steps=INHIBITION,
        learn=learn,
        score_bits=12,
        source="levels",
        views=True,
    )
    rng = np.random.default_rng(learn)
    shown_views = set()

    async def bench(ctx: Any) -> None:
        for k in range(24):
            show = Show.random(rng, views=int(rng.integers(1, 5)))
            fast = k % 3 == 0
            log, _ = await shown(ctx, dut, show, rng, fast=fast, learn=learn, views=True)
            assert log == show.expected("levels", learn), show
            shown_views.add((show.views, log.views))

    simulate(dut, bench)
    assert {(4, 4), (1, 1)} <= shown_views
    assert any(done < most for most, done in shown_views)


def test_cycles_of_a_presentation_with_fast_units() -> None:
    """One cycle to begin, one per event, and each unit as fast as the sequencer allows."""
    dut = Sequencer(
        inputs=INPUTS,
        post_bits=POST_BITS,
        steps=STEPS,
        inhibition_steps=INHIBITION,
        learn=True,
        score_bits=12,
        source="levels",
    )
    rng = np.random.default_rng(0)
    show = Show(
        events=[[0], [1, 2], [], [3], [4], [0, 1], []],
        winners=[-1, 5, 7, 7, -1, 2, 7],
        learn=True,
        stop_after=0,
    )

    async def bench(ctx: Any) -> None:
        log, cycles = await shown(ctx, dut, show, rng, fast=True, learn=True)
        assert log.spikes == [(1, 5), (5, 2)]
        assert log.inhibited == 3
        events = sum(len(pres) + 1 for pres in show.events)
        # Init; what the units take in each compared step, and for each spike; the end.
        assert cycles == 1 + events + 4 * (LANES + COMPARE) + 2 * (1 + LEARN) + 1

    simulate(dut, bench)
