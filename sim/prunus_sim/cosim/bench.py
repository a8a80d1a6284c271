"""Bench that runs in the simulator: drives a core through a scenario, beside the golden model."""

from __future__ import annotations

import json
import pickle
import time
from collections import abc
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt

from prunus_rtl.counts.thresholds import StaleThresholds
from prunus_sim.cosim.build import shapes_of
from prunus_sim.cosim.driver import CoreDriver
from prunus_sim.cosim.interface import FAILURE_FILE, REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.mismatch import UPSTREAM, Mismatch
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.outcome_mismatches import spike_mismatch
from prunus_sim.cosim.replay import Replay, state_arrays
from prunus_sim.cosim.scenario import Scenario, Sequence
from prunus_sim.cosim.scoreboard import Scoreboard, Start
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["Cosim"]


class Cosim:
    """A core and the golden model, side by side.

    Parameters
    ----------
    tb : cocotb handle
        The testbench.
    scenario : Scenario
        What is built, and how it is driven.
    folder : Path
        Where the simulator was started.
    """

    def __init__(self, tb: Any, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.shapes = shapes_of(scenario)
        self.core = CoreDriver(tb, shapes=self.shapes, folder=folder)
        self.scoreboard = Scoreboard(self.shapes, scenario.state, scenario.readout)
        self.stale = StaleThresholds(self.shapes)
        self.core_cycles = 0
        self.simulating = 0.0
        self.failing: Scenario | None = None

    async def init(self) -> None:
        """Bring the core to the state of the model, unless its memories hold it already."""
        if self.scenario.load:
            await self.core.port.write_state(self.scoreboard.expected())
        else:
            await self.core.port.write_presentation(self.scenario.state.presentation)

    async def restart(self) -> None:
        """Bring core and model back to the state of the scenario, after a mismatch too."""
        self.scoreboard.restart(self.scenario.state)
        self.stale.spoil()
        await self.core.reset()
        await self.core.port.write_state(self.scoreboard.expected())

    async def run(self, sequence: Sequence) -> None:
        """Drive a sequence, and compare everything."""
        before = self.scoreboard.start
        number = before.state.presentation
        words, ends = self._words(sequence.stimuli)
        await self.core.feed(words)
        limit = self._limit(sequence)
        if sequence.reset_after:
            self.stale.spoil()
            await self._present(sequence, ends, limit, reset_after=sequence.reset_after)
            if sequence.learn:
                await self.core.port.write_state(self.scoreboard.expected())
            else:
                await self.core.port.write_presentation(number)
            before = before._replace(scores=np.zeros_like(before.scores))
            self.scoreboard.engine.scores = before.scores
        outcomes = await self._present(sequence, ends, limit)
        for k, (stimulus, outcome) in enumerate(zip(sequence.stimuli, outcomes, strict=True)):
            expected = self.scoreboard.present(stimulus, sequence.request)
            self.core_cycles += outcome.cycles
            views, recomputed = 1, tuple[bool, ...]()
            if self.scenario.accesses or self.scenario.hardware.learn:
                views = self._views(before, sequence, k)
                recomputed = self.stale.show(learn=sequence.learn, number=number + k, views=views)
            found = self.scoreboard.compare_outcome(
                number + k,
                expected,
                outcome,
                learn=sequence.learn,
                views=views,
                recomputed=sum(recomputed),
            )
            if found is not None and found.unit not in UPSTREAM:
                found = await self._locate(before, sequence, k, number + k) or found
            self._raise(found, before, sequence, k)
            if sequence.cycles:
                self._compare_cycles(before, sequence, k, number + k, outcome, recomputed)
        await self._compare_state(sequence, before, number + len(sequence.stimuli) - 1)

    async def _present(
        self, sequence: Sequence, ends: list[int], limit: int, *, reset_after: int = 0
    ) -> list[Outcome]:
        started = time.perf_counter()
        outcomes = await self.core.present(
            first=0,
            last=ends[-1],
            presentations=len(sequence.stimuli),
            limit=limit,
            request=sequence.request,
            pause=sequence.pause,
            seed=sequence.seed,
            reset_after=reset_after,
        )
        self.simulating += time.perf_counter() - started
        return outcomes

    def _replay(self, before: Start, sequence: Sequence, k: int) -> Replay:
        engine = self._advanced(before, sequence, k).engine
        readout = self.scenario.readout
        return Replay(
            self.shapes,
            engine.state,
            sequence.stimuli[k],
            sequence.request,
            votes=None if readout is None else readout.votes,
            scores=engine.scores,
        )

    def _views(self, before: Start, sequence: Sequence, k: int) -> int:
        """Return how many views of an image are shown."""
        network = self.scenario.network
        if sequence.margin and self.shapes.views:
            return self._replay(before, sequence, k).steps[-1].view + 1
        return network.group_count if sequence.learn else network.view_count

    def _advanced(self, before: Start, sequence: Sequence, k: int) -> Scoreboard:
        """Return a scoreboard that is at presentation ``k`` of a sequence."""
        scoreboard = Scoreboard(self.shapes, before.state, self.scenario.readout)
        scoreboard.engine.scores = before.scores
        for stimulus in sequence.stimuli[:k]:
            scoreboard.present(stimulus, sequence.request)
        return scoreboard

    def _compare_cycles(
        self,
        before: Start,
        sequence: Sequence,
        k: int,
        number: int,
        outcome: Outcome,
        recomputed: abc.Sequence[bool],
    ) -> None:
        replay = self._replay(before, sequence, k)
        cycles = replay.cycles(recomputed if self.scenario.hardware.learn else False)
        if not cycles.fewest <= outcome.cycles <= cycles.most:
            mismatch = Mismatch(
                presentation=number,
                step=-1,
                unit="sequencer",
                what="cycles",
                expected=f"in {cycles.fewest}..{cycles.most}",
                got=outcome.cycles,
            )
            self._raise(mismatch, before, sequence, k)

    async def _locate(
        self, before: Start, sequence: Sequence, k: int, number: int
    ) -> Mismatch | None:
        """Look for the first output spike after which the state differs.

        The presentation is repeated from the state before it, and stopped after one spike, after
        two, and so on. Only a core that learns can be brought back to that state.
        """
        if not sequence.learn:
            return None
        scoreboard, stimulus = self._advanced(before, sequence, k), sequence.stimuli[k]
        state = scoreboard.engine.state
        alone = replace(sequence, stimuli=[stimulus], pause=0.0, stop_after=0, margin=0, keep=False)
        words, ends = self._words(alone.stimuli)
        await self.core.feed(words)
        readout = self.scenario.readout
        whole = scoreboard.present(stimulus, sequence.request)
        for stop_after in range(1, len(whole.spike_posts) + 1):
            scoreboard.restart(state)
            await self.core.port.write_state(state_arrays(state, self.shapes, readout))
            limited = replace(alone, stop_after=stop_after)
            (outcome,) = await self._present(limited, ends, self._limit(alone))
            expected = scoreboard.present(stimulus, limited.request)
            replay = Replay(self.shapes, state, stimulus, limited.request)
            got = await self.core.read_backdoor()
            wrong = spike_mismatch(number, expected, outcome)
            if wrong is not None:
                # The state differs now because of this spike. Only thresholds can be its cause.
                return scoreboard.compare_thresholds(number, got, replay, but=wrong) or wrong
            found = scoreboard.compare_state(number, got, "backdoor", replay)
            if found is not None:
                return found
        return None

    async def _compare_state(self, sequence: Sequence, before: Start, number: int) -> None:
        if sequence.check == "none":
            return
        last = len(sequence.stimuli) - 1
        read = {"backdoor": self.core.read_backdoor, "port": self.core.port.read_state}
        for where in read if sequence.check == "both" else (sequence.check,):
            got = await read[where]()
            found = self.scoreboard.compare_state(number, got, where)
            if found is not None:
                # If the memories are right, the port reads them wrong.
                port = where == "port" and sequence.check == "both"
                replay = None if port else self._replay(before, sequence, last)
                unit = "memory_port" if port else None
                found = self.scoreboard.compare_state(number, got, where, replay, unit=unit)
                self._raise(found, before, sequence, last)

    def _raise(self, found: Mismatch | None, before: Start, sequence: Sequence, k: int) -> None:
        """End the scenario if there is a mismatch, and keep what is needed to repeat it alone."""
        if found is None:
            return
        alone = replace(
            sequence, stimuli=[sequence.stimuli[k]], reset_after=0, cycles=False, check="both"
        )
        state = self._advanced(before, sequence, k).engine.state
        self.failing = replace(self.scenario, state=state, sequences=[alone], load=False)
        raise AssertionError(str(found))

    def _words(self, stimuli: abc.Sequence[Stimulus]) -> tuple[npt.NDArray[np.int64], list[int]]:
        """Return the words of the input stream, and where each stimulus ends."""
        if self.scenario.hardware.source == "levels":
            size = self.scenario.network.image_levels
            levels = np.stack([np.asarray(stimulus) for stimulus in stimuli]).astype(np.int64)
            return levels.ravel(), [size * (k + 1) for k in range(len(stimuli))]
        event, words, ends = self.shapes.event, [], []
        end = event.const({"pre": 0, "end": 1}).as_bits()
        for events in stimuli:
            for step in range(self.scenario.network.encoder.steps):
                for pre in events[step] if step < len(events) else ():
                    words.append(event.const({"pre": int(pre), "end": 0}).as_bits())
                words.append(end)
            ends.append(len(words))
        return np.array(words, dtype=np.int64), ends

    def _limit(self, sequence: Sequence) -> int:
        """Return a number of cycles that a sequence never takes."""
        network, slots = self.scenario.network, self.shapes.slots
        step = network.inputs * (slots + 4) + 2 * slots + 64
        if sequence.learn:
            step += network.inputs + 64
        # Votes of all output spikes of a step are counted one after the other.
        step += network.step_spikes_max * (network.readout.classes + 4)
        view = network.encoder.steps * step + network.neurons * 64 + 2 * network.inputs
        image = network.view_count * view + network.image_levels
        cycles = len(sequence.stimuli) * image
        return int(cycles / (1 - sequence.pause)) * 2


@cocotb.test()
async def core_equals_engine(tb: Any) -> None:
    """Run the scenario in the folder."""
    folder = Path.cwd()
    scenario: Scenario = pickle.loads((folder / SCENARIO_FILE).read_bytes())
    cosim = Cosim(tb, scenario, folder)
    try:
        await cosim.init()
        for sequence in scenario.sequences:
            await cosim.run(sequence)
    finally:
        if cosim.failing is not None:
            (folder / FAILURE_FILE).write_bytes(pickle.dumps(cosim.failing))
    report = {
        "cycles": cosim.core.cycles,
        "core_cycles": cosim.core_cycles,
        "values_compared": cosim.scoreboard.compared,
        "simulation_seconds": round(cosim.simulating, 2),
    }
    (folder / REPORT_FILE).write_text(json.dumps(report))
