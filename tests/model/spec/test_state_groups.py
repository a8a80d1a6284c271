"""State of a network of groups: one group after the other."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import LiftPruning
from prunus_model.spec.state import STATE_DTYPES, State, strengths

GROUPS = GroupsParams(image_width=5, image_height=1, indices=((0, 1, 2), (2, 3, 4)))
CONFIG = NetworkConfig(
    inputs=3, neurons=2, seed=2**32 - 1, weight_bits=4, groups=GROUPS, pruning=LiftPruning()
)
#: Variables of the group shown last.
SHARED = ("v", "last_step")


def numbered() -> State:
    """A state in which every value is another."""
    state = State.initial(CONFIG)
    for name in STATE_DTYPES:
        array = getattr(state, name)
        if array.dtype != np.bool_:
            array[...] = np.arange(array.size).reshape(array.shape)
    state.alive[4, 1] = False
    state.frozen[1, 0] = True
    state.presentation = 7
    return state


def test_each_group_begins_as_a_network_with_its_own_seed() -> None:
    state = State.initial(CONFIG)
    for group, seed in enumerate((2**32 - 1, 0)):
        alone = State.initial(replace(CONFIG, groups=None, seed=seed))
        assert state.group(group, CONFIG).differences(alone) == []
    assert state.weights.shape == (6, 2)
    assert not np.array_equal(state.weights[:3], state.weights[3:])
    state.check(CONFIG)


def test_a_group_is_a_part_of_the_state_and_no_copy() -> None:
    state = numbered()
    second = state.group(1, CONFIG)
    assert second.weights.tolist() == [[6, 7], [8, 9], [10, 11]]
    assert second.alive.tolist() == [[True, True], [True, False], [True, True]]
    assert not second.frozen.any()
    assert state.group(0, CONFIG).frozen.tolist() == [[False, False], [True, False], [False, False]]
    for name in ("theta", "strength", "post_count", "active_count", "v_fire"):
        assert getattr(second, name).tolist() == [2, 3], name
    for name in SHARED:
        assert np.shares_memory(getattr(second, name), getattr(state, name)), name
    assert second.presentation == 7
    for name in STATE_DTYPES:
        getattr(second, name)[...] = 0
    first = numbered().group(0, CONFIG)
    for name in set(STATE_DTYPES) - set(SHARED):
        assert np.array_equal(getattr(state.group(0, CONFIG), name), getattr(first, name)), name
        assert not getattr(state.group(1, CONFIG), name).any(), name
    assert state.differences(numbered())


def test_strengths_are_sums_over_the_rows_of_a_group() -> None:
    weights = np.arange(12, dtype=np.uint8).reshape(6, 2)
    assert strengths(weights, CONFIG).tolist() == [6, 9, 24, 27]
    assert strengths(weights, CONFIG).dtype == np.int32


def test_synapses_that_learn_are_counted_by_neuron() -> None:
    assert numbered().plastic_counts(CONFIG).tolist() == [2, 3, 3, 2]
    alone = replace(CONFIG, groups=None)
    assert numbered().group(1, CONFIG).plastic_counts(alone).tolist() == [3, 2]


@pytest.mark.parametrize("name", [name for name in STATE_DTYPES if name != "bias"])
def test_variables_of_one_group_alone_are_refused(name: str) -> None:
    alone = State.initial(replace(CONFIG, groups=None))
    state = State.initial(CONFIG)
    if name in SHARED:
        setattr(state, name, np.tile(getattr(state, name), 2))
    else:
        setattr(state, name, getattr(alone, name))
    shape = getattr(State.initial(CONFIG), name).shape
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == f"{name} must have shape {shape}, not {getattr(state, name).shape}"


def test_wrong_strength_of_a_later_group_is_named() -> None:
    state = State.initial(CONFIG)
    state.strength[3] += 1
    with pytest.raises(ValueError, match=r"^strength\[3\] must be the sum of its weights$"):
        state.check(CONFIG)
