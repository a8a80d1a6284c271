"""The scoreboard without a simulator: whatever value of a core differs, it is named."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from prunus_record import KINDS, named, record, request
from prunus_sim.cosim.outcome_mismatches import spike_mismatch
from prunus_sim.cosim.replay import Replay

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
