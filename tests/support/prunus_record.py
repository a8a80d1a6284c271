"""Presentations of the reference, as a core would report them, for tests of the scoreboard."""

from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np

from prunus_model.reference.network import Network
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.state import State
from prunus_rtl.counts.presentation import presentation_accesses
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.build import shapes_of
from prunus_sim.cosim.mismatch import Mismatch
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.cosim.scoreboard import Scoreboard

#: State variables of soft pruning, which no hardware has, and of feed-forward layers.
NOT_IN_HARDWARE = {"frozen", "active_count", "bias"}
EVERYTHING = {field.name for field in fields(State)} - NOT_IN_HARDWARE
INFERENCE = {"v", "v_fire", "presentation"}
#: Kinds of cores: scenario, and the state variables that such a core has.
KINDS: dict[str, tuple[str, set[str]]] = {
    "learning": ("lift", EVERYTHING | {"votes"}),
    "dense, inference": ("tiny-inference", INFERENCE | {"weights", "alive", "votes"}),
    "packed, inference": ("packed-loaded", INFERENCE | {"store", "votes"}),
    "groups": ("groups", EVERYTHING - {"input_rate"} | {"votes"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the reference did in the last of some presentations, as a core would report it."""

    scenario: Scenario
    shapes: Shapes
    before: State
    after: State
    stimulus: Any
    presentation: Presentation
    number: int
    learn: bool
    outcome: Outcome
    state: StateArrays

    def scoreboard(self) -> tuple[Scoreboard, Presentation]:
        """Return a scoreboard after the same presentation."""
        board = Scoreboard(self.shapes, self.before.copy(), self.scenario.readout)
        return board, board.present(self.stimulus, request(learn=self.learn))

    def compare(self, **changes: Any) -> Mismatch | None:
        """Compare the outcome with some values changed."""
        board, expected = self.scoreboard()
        outcome = replace(self.outcome, **changes)
        views = self.scenario.network.group_count
        return board.compare_outcome(self.number, expected, outcome, learn=self.learn, views=views)


def request(*, learn: bool) -> Request:
    return Request(learn=learn, stop_after=0, margin=0, keep=False)


def named(mismatch: Mismatch | None) -> tuple[str, str]:
    assert mismatch is not None
    return mismatch.unit, mismatch.what


@cache
def record(kind: str) -> Record:
    """Run the reference, which shares no code with the engine that the scoreboard runs."""
    name, names = KINDS[kind]
    scenario = SCENARIOS[name](0)
    shapes, readout = shapes_of(scenario), scenario.readout
    assert readout is not None
    learn = scenario.hardware.learn
    stimuli = [stimulus for sequence in scenario.sequences for stimulus in sequence.stimuli]
    network = Network(scenario.network, scenario.state.copy(), readout.votes)
    while True:
        stimulus = stimuli.pop(0)
        before = network.state.copy()
        number = before.presentation
        found = network.present(np.asarray(stimulus), **request(learn=learn))
        # From the fourth on, so that no number is 0.
        if number - scenario.state.presentation >= 3 and len(found.spike_posts) >= 2:
            break
    outcome = Outcome(
        spike_steps=tuple(found.spike_steps.tolist()),
        spike_posts=tuple(found.spike_posts.tolist()),
        prediction=found.prediction,
        lead=found.lead,
        counters=found.counters,
        cycles=1000,
        accesses=presentation_accesses(
            shapes,
            found.counters,
            learn=learn,
            number=number,
            views=scenario.network.group_count,
        ),
    )
    after = network.state.copy()
    state: StateArrays = {}
    for field in names - {"votes", "store", "presentation"}:
        state[field] = getattr(after, field).astype(np.int64)
    state["presentation"] = np.array([after.presentation])
    state["votes"] = readout.votes.astype(np.int64)
    if "store" in names:
        assert shapes.store is not None
        image = shapes.store.pack(after.weights, after.alive)
        state["store"] = np.array([word for _, word in shapes.store.writes(image)])
    return Record(
        scenario=scenario,
        shapes=shapes,
        before=before,
        after=after,
        stimulus=stimulus,
        presentation=found,
        number=number,
        learn=learn,
        outcome=outcome,
        state=state,
    )
