"""The scoreboard without a simulator: whatever value of a core differs, it is named."""

from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from prunus_model.reference.network import Network
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import State
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.counts.presentation import presentation_accesses
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.build import shapes_of
from prunus_sim.cosim.mismatch import Mismatch
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.outcome_mismatches import spike_mismatch
from prunus_sim.cosim.replay import Replay
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.registry import SCENARIOS
from prunus_sim.cosim.scoreboard import Scoreboard

#: State variables of soft pruning, which no hardware has, and of feed-forward layers.
NOT_IN_HARDWARE = {"frozen", "active_count", "bias"}
EVERYTHING = {field.name for field in fields(State)} - NOT_IN_HARDWARE
INFERENCE = {"v", "v_fire", "presentation"}
COUNTED = [name for name in COUNTERS if name != "frozen_sops"]  # no other variable shows them
ACCESSES = [field.name for field in fields(Accesses)]
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


VARIABLES = [(kind, name) for kind, (_, names) in KINDS.items() for name in sorted(names)]


@pytest.mark.parametrize("kind", KINDS)
def test_reference_equals_itself(kind: str) -> None:
    found = record(kind)
    assert found.compare() is None
    board, _ = found.scoreboard()
    assert board.compare_state(found.number, found.state, "backdoor") is None
    assert board.compared == sum(array.size for array in found.state.values())


UNIT_OF = {
    "weights": "stdp",
    "alive": "pruning",
    "last_step": "trace",
    "input_rate": "lift",
    "v": "array",
    "presentation": "stream_key",
    "votes": "readout",
    "store": "packed",
    **dict.fromkeys(("theta", "strength", "post_count", "v_fire"), "threshold"),
}


@pytest.mark.parametrize(("kind", "name"), VARIABLES)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_any_state_variable_that_differs_is_named(kind: str, name: str, place: str) -> None:
    found = record(kind)
    board, _ = found.scoreboard()
    right = found.state[name]
    flat = {"first": 0, "middle": right.size // 2, "last": right.size - 1}[place]
    at = tuple(int(k) for k in np.unravel_index(flat, right.shape))
    wrong = right.copy()
    wrong[at] ^= 1
    mismatch = board.compare_state(found.number, found.state | {name: wrong}, "backdoor")
    unit = UNIT_OF[name]
    assert str(mismatch) == (
        f"Cosim mismatch in presentation {found.number}, step -1, unit {unit}: "
        f"{name}[{', '.join(map(str, at))}] (backdoor) must be {right[at]}, not {wrong[at]}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_state_that_lacks_a_variable_or_has_another_shape_is_refused(kind: str) -> None:
    found = record(kind)
    board, _ = found.scoreboard()
    for name, array in found.state.items():
        rest = {other: words for other, words in found.state.items() if other != name}
        with pytest.raises(AssertionError, match=r"^state must be \["):
            board.compare_state(found.number, rest, "port")
        with pytest.raises(AssertionError, match=rf"^{name} must have shape "):
            board.compare_state(found.number, found.state | {name: array[:-1]}, "port")


def test_step_is_that_in_which_the_model_last_changed_the_value() -> None:
    found = record("learning")
    board, _ = found.scoreboard()
    replay = Replay(found.shapes, found.before, found.stimulus, request(learn=True))
    spikes = dict(zip(found.outcome.spike_posts, found.outcome.spike_steps, strict=True))
    for post, step in spikes.items():
        theta = found.state["theta"].copy()
        theta[post] += 1
        got = found.state | {"theta": theta}
        mismatch = board.compare_state(found.number, got, "backdoor", replay)
        assert mismatch is not None
        assert (mismatch.step, mismatch.what) == (step, f"theta[{post}] (backdoor)")


def test_step_of_a_group_is_counted_through_all_views() -> None:
    found = record("groups")
    network = found.scenario.network
    board, _ = found.scoreboard()
    replay = Replay(found.shapes, found.before, found.stimulus, request(learn=True))
    last = {step.post: k for k, step in enumerate(replay.steps)}
    assert len(replay.steps) == 4 * network.encoder.steps
    neurons = [post for post in last if post >= 0]
    assert len({neuron // network.neurons for neuron in neurons}) > 2
    for neuron in neurons:
        group, post = divmod(neuron, network.neurons)
        # Pruned long ago, and yet changed now: only a sweep of its neuron can have done that.
        at = (group * network.inputs, post)
        places: dict[str, tuple[int, ...]] = {"theta": (neuron,), "alive": at, "weights": at}
        if group == 3:
            # Of the group shown last.
            places["v"] = (post,)
        for name, place in places.items():
            wrong = found.state[name].copy()
            wrong[place] ^= 1
            got = found.state | {name: wrong}
            mismatch = board.compare_state(found.number, got, "backdoor", replay)
            assert mismatch is not None
            first = next(k for k, step in enumerate(replay.steps) if step.post == neuron)
            assert first <= mismatch.step <= last[neuron]


def test_views_that_were_shown_too_many_or_left_out_are_named() -> None:
    found = record("groups")
    steps = found.scenario.network.encoder.steps
    for more in (-steps, steps):
        counters = found.outcome.counters
        wrong = replace(counters, steps=counters.steps + more, input_spikes=0)
        assert named(found.compare(counters=wrong)) == ("views", "views")
    one = replace(found.outcome.counters, steps=found.outcome.counters.steps - 1)
    assert named(found.compare(counters=one)) == ("sequencer", "steps")


def test_first_in_time_of_two_mismatches_is_named() -> None:
    found = record("learning")
    board, _ = found.scoreboard()
    replay = Replay(found.shapes, found.before, found.stimulus, request(learn=True))
    spikes = dict(zip(found.outcome.spike_posts, found.outcome.spike_steps, strict=True))
    early, late = min(spikes, key=spikes.__getitem__), max(spikes, key=spikes.__getitem__)
    assert spikes[early] < spikes[late]
    # The strength is compared after theta, but went wrong before.
    theta, strength = found.state["theta"].copy(), found.state["strength"].copy()
    theta[late] += 1
    strength[early] += 1
    got = found.state | {"theta": theta, "strength": strength}
    mismatch = board.compare_state(found.number, got, "backdoor", replay)
    assert named(mismatch)[1] == f"strength[{early}] (backdoor)"


def test_first_in_order_of_causes_is_named_if_the_step_is_the_same() -> None:
    found = record("learning")
    order = ("last_step", "weights", "theta", "v_fire", "v")
    for cause, effect in pairwise(order):
        board, _ = found.scoreboard()
        wrong = {name: found.state[name] ^ 1 for name in (effect, cause)}
        mismatch = board.compare_state(found.number, found.state | wrong, "backdoor")
        assert named(mismatch)[1].startswith(f"{cause}[0")


def test_threshold_is_the_cause_of_a_wrong_spike_unless_it_is_that_of_the_spike() -> None:
    found = record("learning")
    board, expected = found.scoreboard()
    replay = Replay(found.shapes, found.before, found.stimulus, request(learn=True))
    posts = found.outcome.spike_posts
    other = next(p for p in range(found.scenario.network.neurons) if p not in posts)
    outcome = replace(found.outcome, spike_posts=(other, *posts[1:]))
    wrong = spike_mismatch(found.number, expected, outcome)
    assert wrong is not None
    for post in range(found.scenario.network.neurons):
        v_fire = found.state["v_fire"].copy()
        v_fire[post] += 1
        # Whatever else differs is an effect.
        got = found.state | {"v_fire": v_fire, "weights": found.state["weights"] ^ 1}
        mismatch = board.compare_thresholds(found.number, got, replay, but=wrong)
        if post in (other, posts[0]):
            assert mismatch is None
        else:
            assert named(mismatch) == ("threshold", f"v_fire[{post}] (backdoor)")


def test_synapse_that_was_pruned_by_mistake_is_the_fault_of_pruning() -> None:
    found = record("learning")
    board, _ = found.scoreboard()
    at = tuple(int(k) for k in np.argwhere(found.state["weights"] > 0)[0])
    weights, alive = found.state["weights"].copy(), found.state["alive"].copy()
    assert alive[at]
    weights[at], alive[at] = 0, 0
    got = found.state | {"weights": weights, "alive": alive}
    mismatch = board.compare_state(found.number, got, "port")
    assert named(mismatch) == ("pruning", f"alive[{at[0]}, {at[1]}] (port)")


def test_unit_may_be_given() -> None:
    found = record("learning")
    board, _ = found.scoreboard()
    got = found.state | {"v": found.state["v"] ^ 1}
    mismatch = board.compare_state(found.number, got, "port", unit="memory_port")
    assert named(mismatch)[0] == "memory_port"


@pytest.mark.parametrize("kind", KINDS)
def test_any_output_spike_that_differs_is_named(kind: str) -> None:
    found = record(kind)
    steps, posts = list(found.outcome.spike_steps), list(found.outcome.spike_posts)
    for k, (step, post) in enumerate(zip(steps, posts, strict=True)):
        where = f"Cosim mismatch in presentation {found.number}, step {step}, unit array: "
        where += f"output spike {k} (step, post) must be ({step}, {post}), not "
        for wrong in ((step, post ^ 1), (step + 1, post)):
            mismatch = found.compare(
                spike_steps=(*steps[:k], wrong[0], *steps[k + 1 :]),
                spike_posts=(*posts[:k], wrong[1], *posts[k + 1 :]),
            )
            assert str(mismatch) == f"{where}{wrong}"
    short = found.compare(spike_steps=tuple(steps[:-1]), spike_posts=tuple(posts[:-1]))
    assert short is not None
    assert (short.expected, short.got) == ((steps[-1], posts[-1]), None)
    more = found.compare(spike_steps=(*steps, 9), spike_posts=(*posts, 0))
    assert more is not None
    assert (more.step, more.expected, more.got) == (9, None, (9, 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COUNTED)
def test_any_counter_that_differs_is_named(kind: str, name: str) -> None:
    found = record(kind)
    right = getattr(found.outcome.counters, name)
    counters = replace(found.outcome.counters, **{name: right + 1})
    units = {"steps": "sequencer", "inhibited_steps": "array", "forward_dense": "refractory"}
    unit = units.get(name, "counters")
    assert str(found.compare(counters=counters)) == (
        f"Cosim mismatch in presentation {found.number}, "
        f"step {found.presentation.counters.steps - 1}, unit {unit}: "
        f"{name} must be {right}, not {right + 1}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_that_differs_is_named(kind: str) -> None:
    found = record(kind)
    right = found.outcome.prediction
    for wrong in {*range(found.scenario.network.readout.classes), UNDECIDED} - {right}:
        assert str(found.compare(prediction=wrong)) == (
            f"Cosim mismatch in presentation {found.number}, "
            f"step {found.presentation.counters.steps - 1}, unit readout: "
            f"prediction must be {right}, not {wrong}"
        )
    right = found.outcome.lead
    assert str(found.compare(lead=right + 1)) == (
        f"Cosim mismatch in presentation {found.number}, "
        f"step {found.presentation.counters.steps - 1}, unit readout: "
        f"lead must be {right}, not {right + 1}"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACCESSES)
def test_any_count_of_accesses_that_differs_is_named(kind: str, name: str) -> None:
    found = record(kind)
    assert found.outcome.accesses is not None
    right = getattr(found.outcome.accesses, name)
    mismatch = found.compare(accesses=replace(found.outcome.accesses, **{name: right + 1}))
    assert mismatch is not None
    assert (mismatch.what, mismatch.expected, mismatch.got) == (name, right, right + 1)
    if name.startswith(("row_reads", "row_writes", "weight_")):
        assert mismatch.unit == ("packed" if kind.startswith("packed") else "dense")
    if name.startswith(("queue_", "vote_", "theta_", "v_")):
        units = {"queue": "broadcast_fifo", "vote": "readout", "theta": "threshold", "v": "array"}
        unit = units[name.partition("_")[0]]
        assert mismatch.unit == ("threshold" if name.startswith("v_fire") else unit)


@pytest.mark.parametrize("kind", KINDS)
def test_cause_is_named_before_its_effects(kind: str) -> None:
    found = record(kind)
    right = found.outcome.counters
    # An input spike too many, and all that follows.
    counters = replace(
        right,
        input_spikes=right.input_spikes + 1,
        integrated_spikes=right.integrated_spikes + 1,
        forward_sops=right.forward_sops + 3,
    )
    posts = tuple(post ^ 1 for post in found.outcome.spike_posts)
    mismatch = found.compare(counters=counters, spike_posts=posts, prediction=UNDECIDED)
    assert named(mismatch) == ("rate", "input_spikes")
    # Synapses of the right input spikes.
    counters = replace(right, forward_sops=right.forward_sops + 3)
    mismatch = found.compare(counters=counters, spike_posts=posts, prediction=UNDECIDED)
    assert mismatch is not None
    store = "packed" if kind.startswith("packed") else "dense"
    assert (mismatch.unit, mismatch.what) == (store, "forward_sops")
    # Words that a queue lost, for a lane.
    assert found.outcome.accesses is not None
    accesses = found.outcome.accesses
    lost = replace(accesses, queue_reads=accesses.queue_reads - 1)
    mismatch = found.compare(accesses=lost, counters=counters, spike_posts=posts)
    assert named(mismatch) == ("broadcast_fifo", "queue_reads")
