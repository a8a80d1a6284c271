"""Bench of the whole core: what :mod:`prunus_sim.cosim.scenario` runs in the simulator."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt

from prunus_sim.cosim.driver import CoreSimulation, Outcome
from prunus_sim.cosim.scenario import Job, Show, shapes_of
from prunus_sim.cosim.scoreboard import (
    Difference,
    Judge,
    Replay,
    Stimulus,
    cycle_bounds,
    state_arrays,
)


class _Run:
    """A job that is being run."""

    def __init__(self, tb: Any, job: Job, folder: Path) -> None:
        self.job = job
        self.shapes = shapes_of(job)
        self.core = CoreSimulation(tb, shapes=self.shapes, folder=folder)
        self.judge = Judge(self.shapes, job.state, job.readout)
        self.core_cycles = 0
        self.simulating = 0.0
        self.failing: Job | None = None

    async def prepare(self) -> None:
        """Bring the core to where the model is; its memories hold the state already."""
        if self.job.load:
            await self.core.write_state(self.judge.expected())
        else:
            await self.core.write_presentation(self.job.state.presentation)

    async def show(self, show: Show) -> None:
        """Show, and compare everything."""
        before = self.judge.engine.state
        number = before.presentation
        words, ends = self._words(show.stimuli)
        await self.core.feed(words)
        limit = self._limit(show)
        if show.reset_after:
            await self._show(show, ends, limit, reset_after=show.reset_after)
            if show.learn:
                await self.core.write_state(self.judge.expected())
            else:
                await self.core.write_presentation(number)
        outcomes = await self._show(show, ends, limit)
        for k, (stimulus, outcome) in enumerate(zip(show.stimuli, outcomes, strict=True)):
            expected = self.judge.present(stimulus, learn=show.learn, stop_after=show.stop_after)
            self.core_cycles += outcome.cycles
            found = self.judge.compare_outcome(number + k, expected, outcome, learn=show.learn)
            if found is not None:
                found = await self._locate(before, show, k, number + k) or found
            self._refuse(found, before, show, k)
            if show.cycles:
                self._compare_cycles(before, show, k, number + k, outcome)
        await self._compare_state(show, before, number + len(show.stimuli) - 1)

    async def _show(
        self, show: Show, ends: list[int], limit: int, *, reset_after: int = 0
    ) -> list[Outcome]:
        started = time.perf_counter()
        outcomes = await self.core.show(
            first=0,
            last=ends[-1],
            shows=len(show.stimuli),
            limit=limit,
            learn=show.learn,
            stop_after=show.stop_after,
            stall=show.stall,
            seed=show.seed,
            reset_after=reset_after,
        )
        self.simulating += time.perf_counter() - started
        return outcomes

    def _replay(self, before: Any, show: Show, k: int) -> Replay:
        state = self._state_before(before, show, k)
        return Replay(
            self.shapes, state, show.stimuli[k], learn=show.learn, stop_after=show.stop_after
        )

    def _state_before(self, before: Any, show: Show, k: int) -> Any:
        judge = Judge(self.shapes, before, None)
        for stimulus in show.stimuli[:k]:
            judge.present(stimulus, learn=show.learn, stop_after=show.stop_after)
        return judge.engine.state

    def _compare_cycles(
        self, before: Any, show: Show, k: int, number: int, outcome: Outcome
    ) -> None:
        replay = self._replay(before, show, k)
        least, most = cycle_bounds(self.shapes, replay, learn=show.learn)
        if not least <= outcome.cycles <= most:
            self._refuse(
                Difference(
                    presentation=number,
                    step=-1,
                    unit="core",
                    what="cycles",
                    expected=f"in {least}..{most}",
                    got=outcome.cycles,
                ),
                before,
                show,
                k,
            )

    async def _locate(self, before: Any, show: Show, k: int, number: int) -> Difference | None:
        """Look for the first output spike after which the state differs.

        The presentation is shown again and again, from the state before it, and left after one
        spike, after two, and so on. Only a core that learns can be brought back to that state.
        """
        if not show.learn:
            return None
        state, stimulus = self._state_before(before, show, k), show.stimuli[k]
        alone = replace(show, stimuli=[stimulus], stall=0.0, stop_after=0)
        words, ends = self._words(alone.stimuli)
        await self.core.feed(words)
        judge = Judge(self.shapes, state, self.job.readout)
        spikes = len(judge.present(stimulus, learn=True, stop_after=show.stop_after).spike_posts)
        for stop_after in range(1, spikes + 1):
            judge.restart(state)
            await self.core.write_state(state_arrays(state, self.shapes, self.job.readout))
            await self._show(replace(alone, stop_after=stop_after), ends, self._limit(alone))
            judge.present(stimulus, learn=True, stop_after=stop_after)
            replay = Replay(self.shapes, state, stimulus, learn=True, stop_after=stop_after)
            found = judge.compare_state(number, await self.core.read_door(), "by the door", replay)
            if found is not None:
                return found
        return None

    async def _compare_state(self, show: Show, before: Any, number: int) -> None:
        if show.check == "none":
            return
        replay: Replay | None = None
        for where, read in (("door", self.core.read_door), ("port", self.core.read_state)):
            if show.check not in (where, "both"):
                continue
            got = await read()
            found = self.judge.compare_state(number, got, f"by the {where}")
            if found is not None:
                replay = self._replay(before, show, len(show.stimuli) - 1)
                found = self.judge.compare_state(number, got, f"by the {where}", replay)
                self._refuse(found, before, show, len(show.stimuli) - 1)

    def _refuse(self, found: Difference | None, before: Any, show: Show, k: int) -> None:
        """End the job if there is a difference, and leave what is needed to see it again."""
        if found is None:
            return
        alone = replace(show, stimuli=[show.stimuli[k]], reset_after=0, cycles=False, check="both")
        state = self._state_before(before, show, k)
        self.failing = replace(self.job, state=state, shows=[alone], load=False)
        raise AssertionError(str(found))

    def _words(self, stimuli: Sequence[Stimulus]) -> tuple[npt.NDArray[np.int64], list[int]]:
        """Return what the core is fed, and where each stimulus ends."""
        if self.job.hardware.source == "levels":
            inputs = self.job.network.inputs
            levels = np.stack([np.asarray(stimulus) for stimulus in stimuli]).astype(np.int64)
            return levels.ravel(), [inputs * (k + 1) for k in range(len(stimuli))]
        event, words, ends = self.shapes.event, [], []
        end = event.const({"pre": 0, "end": 1}).as_bits()
        for events in stimuli:
            for step in range(self.job.network.encoder.steps):
                for pre in events[step] if step < len(events) else ():
                    words.append(event.const({"pre": int(pre), "end": 0}).as_bits())
                words.append(end)
            ends.append(len(words))
        return np.array(words, dtype=np.int64), ends

    def _limit(self, show: Show) -> int:
        """Return cycles that no presentation takes."""
        network, slots = self.job.network, self.shapes.slots
        step = network.inputs * (slots + 4) + 2 * slots + 64
        if show.learn:
            step += network.inputs + 64
        once = network.neurons * 64 + 2 * network.inputs
        return int(len(show.stimuli) * (network.encoder.steps * step + once) / (1 - show.stall)) * 2


@cocotb.test()
async def core_equals_engine(tb: Any) -> None:
    """Run the job that lies in the folder."""
    folder = Path.cwd()
    job: Job = pickle.loads((folder / "job.pickle").read_bytes())
    run = _Run(tb, job, folder)
    try:
        await run.prepare()
        for show in job.shows:
            await run.show(show)
    finally:
        if run.failing is not None:
            (folder / "failure.pickle").write_bytes(pickle.dumps(run.failing))
    report = {
        "cycles": run.core.cycles,
        "core_cycles": run.core_cycles,
        "values_compared": run.judge.compared,
        "simulation_seconds": round(run.simulating, 2),
    }
    (folder / "report.json").write_text(json.dumps(report))
