"""State: what it is at first, what must always hold, and how two are compared."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import LiftPruning, SoftPruning
from prunus_model.spec.state import NO_STEP, STATE_DTYPES, State

CONFIG = NetworkConfig(
    inputs=3, neurons=2, weight_bits=4, encoder=EncoderParams(steps=10), pruning=SoftPruning()
)

#: Variables that a network has that is neither pruned by lift nor a feed-forward layer.
FILLED = [name for name in STATE_DTYPES if name not in ("input_rate", "bias")]


def small() -> State:
    """A state in which something is pruned and something frozen."""
    return State(
        weights=np.array([[15, 0], [0, 7], [3, 0]], np.uint8),
        alive=np.array([[True, True], [False, True], [True, True]]),
        frozen=np.array([[False, True], [False, False], [False, False]]),
        theta=np.array([0, 2**24 - 1], np.int32),
        strength=np.array([18, 7], np.int32),
        post_count=np.array([0, 65535], np.int32),
        active_count=np.array([0, 65535], np.int32),
        v=np.array([0, 2**24 - 1], np.int32),
        v_fire=np.array([0, 2**23 - 1], np.int32),
        last_step=np.array([-1, 0, 9], np.int16),
        input_rate=np.zeros(0, np.int32),
        presentation=2**32 - 1,
    )


@pytest.mark.parametrize("name", [name for name in PRESETS if "groups" not in PRESETS[name]])
def test_state_before_training_is_that_of_the_semantics(name: str) -> None:
    config = NetworkConfig.named(name)
    state = State.initial(config)
    groups, one = config.group_count, (config.inputs, config.neurons)
    shape = (groups * config.inputs, config.neurons)
    high = {8: 76, 4: 4}[config.weight_bits]  # (3 << bits) // 10
    weights = [np.random.default_rng(config.seed + g).integers(0, high, one) for g in range(groups)]
    assert np.array_equal(state.weights, np.concatenate(weights))
    assert np.array_equal(state.strength, np.concatenate([own.sum(axis=0) for own in weights]))
    assert state.alive.shape == shape
    assert state.alive.all()
    assert state.frozen.shape == shape
    assert not state.frozen.any()
    for name in ("theta", "post_count", "active_count", "v_fire"):
        assert getattr(state, name).tolist() == [0] * groups * config.neurons, name
    assert state.v.tolist() == [0] * config.neurons
    assert state.last_step.tolist() == [NO_STEP] * config.inputs == [-1] * config.inputs
    assert state.presentation == 0
    state.check(config)


@pytest.mark.parametrize(
    ("weight_bits", "high"),
    [(1, 2), (2, 2), (3, 2), (4, 4), (5, 9), (6, 19), (7, 38), (8, 76)],
    ids=[f"{bits} bits" for bits in range(1, 9)],
)
def test_initial_weights_fill_the_lower_three_tenths(weight_bits: int, high: int) -> None:
    config = NetworkConfig(inputs=100, neurons=20, seed=3, weight_bits=weight_bits)
    weights = np.random.default_rng(3).integers(0, high, (100, 20))
    assert np.array_equal(State.initial(config).weights, weights)
    assert set(weights.ravel().tolist()) == set(range(high))


def test_initial_weights_depend_on_the_seed() -> None:
    first, second = State.initial(CONFIG), State.initial(replace(CONFIG, seed=2))
    assert not np.array_equal(first.weights, second.weights)


def test_arrays_have_the_types_of_the_table() -> None:
    state = State.initial(CONFIG)
    assert {name: getattr(state, name).dtype.type for name in STATE_DTYPES} == STATE_DTYPES
    assert set(STATE_DTYPES) | {"presentation"} == set(State.__dataclass_fields__)


def test_extremes_of_every_range_are_accepted() -> None:
    small().check(CONFIG)


def test_copy_is_equal_and_independent() -> None:
    state = small()
    copy = state.copy()
    assert state.differences(copy) == []
    for name in STATE_DTYPES:
        getattr(copy, name)[:] = 1
    copy.presentation = 5
    assert state.differences(small()) == []


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        pytest.param(State.copy, [], id="nothing"),
        pytest.param(
            lambda s: s.weights.__setitem__((1, 1), 9), ["weights[1, 1]: 7 and 9"], id="weight"
        ),
        pytest.param(
            lambda s: s.alive.__setitem__((2, 0), False),
            ["alive[2, 0]: True and False"],
            id="pruned synapse",
        ),
        pytest.param(
            lambda s: s.theta.__setitem__(slice(None), 3),
            ["theta[0]: 0 and 3"],
            id="first place only",
        ),
        pytest.param(
            lambda s: (s.v.__setitem__(1, 4), s.last_step.__setitem__(2, 8)),
            [f"v[1]: {2**24 - 1} and 4", "last_step[2]: 9 and 8"],
            id="two variables",
        ),
        pytest.param(
            lambda s: setattr(s, "v_fire", np.zeros(3, np.int32)),
            ["v_fire: shape (2,) and (3,)"],
            id="shape",
        ),
        pytest.param(
            lambda s: setattr(s, "presentation", 4),
            [f"presentation: {2**32 - 1} and 4"],
            id="presentation",
        ),
    ],
)
def test_differences_name_each_variable_and_its_first_place(
    change: Callable[[State], object], lines: list[str]
) -> None:
    other = small()
    change(other)
    assert small().differences(other) == lines


@pytest.mark.parametrize("name", FILLED)
def test_difference_in_any_variable_is_found(name: str) -> None:
    other = small()
    array = getattr(other, name)
    last = tuple(np.array(array.shape) - 1)
    array[last] = not array[last] if array.dtype == np.bool_ else array[last] ^ 1
    (line,) = small().differences(other)
    assert line.startswith(f"{name}[{', '.join(map(str, last))}]: ")


@pytest.mark.parametrize("name", FILLED)
def test_wrong_type_is_refused(name: str) -> None:
    state = small()
    setattr(state, name, getattr(state, name).astype(np.float64))
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == f"{name} must be {np.dtype(STATE_DTYPES[name])}, not float64"


@pytest.mark.parametrize("name", FILLED)
def test_wrong_shape_is_refused(name: str) -> None:
    state = small()
    array = getattr(state, name)
    setattr(state, name, array[1:])
    shape, fewer = array.shape, array[1:].shape
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == f"{name} must have shape {shape}, not {fewer}"


def test_transposed_weights_are_refused() -> None:
    state = small()
    state.weights = state.weights.T.copy()
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == "weights must have shape (3, 2), not (2, 3)"


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("weights", (1, 1), 16, "weights[1, 1] must be in 0..15, not 16"),
        ("theta", 1, 2**24, "theta[1] must be in 0..16777215, not 16777216"),
        ("theta", 0, -1, "theta[0] must be in 0..16777215, not -1"),
        ("post_count", 1, 65536, "post_count[1] must be in 0..65535, not 65536"),
        ("post_count", 0, -1, "post_count[0] must be in 0..65535, not -1"),
        ("active_count", 1, 65536, "active_count[1] must be in 0..65535, not 65536"),
        ("active_count", 0, -1, "active_count[0] must be in 0..65535, not -1"),
        ("v", 1, 2**24, "v[1] must be in 0..16777215, not 16777216"),
        ("v", 0, -1, "v[0] must be in 0..16777215, not -1"),
        ("v_fire", 1, 2**23, "v_fire[1] must be in 0..8388607, not 8388608"),
        ("v_fire", 0, -1, "v_fire[0] must be in 0..8388607, not -1"),
        ("last_step", 2, 10, "last_step[2] must be in -1..9, not 10"),
        ("last_step", 0, -2, "last_step[0] must be in -1..9, not -2"),
        ("weights", (1, 0), 1, "weights[1, 0] must be 0 because it is pruned"),
        ("weights", (0, 1), 1, "weights[0, 1] must be 0 because it is pruned"),
        ("frozen", (1, 0), True, "frozen must be False where alive is False"),
        ("strength", 1, 8, "strength[1] must be the sum of its weights"),
        ("strength", 0, 17, "strength[0] must be the sum of its weights"),
        ("weights", (0, 0), 14, "strength[0] must be the sum of its weights"),
    ],
    ids=[
        "weight above 4 bits",
        "theta above 24 bits",
        "theta negative",
        "spike count above 16 bits",
        "spike count negative",
        "active count above 16 bits",
        "active count negative",
        "potential above 24 bits",
        "potential negative",
        "threshold above 23 bits",
        "threshold negative",
        "step past the last",
        "step before never",
        "pruned synapse with a weight",
        "frozen synapse with a weight",
        "frozen and pruned",
        "strength too high",
        "strength too low",
        "weight changed without strength",
    ],
)
def test_bad_value_is_refused_with_its_place(
    name: str, place: int | tuple[int, int], value: int, message: str
) -> None:
    state = small()
    getattr(state, name)[place] = value
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == message


def test_first_of_many_bad_values_is_named() -> None:
    state = small()
    state.theta[:] = [-3, -4]
    state.v[:] = -5
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == "theta[0] must be in 0..16777215, not -3"


@pytest.mark.parametrize("presentation", [-1, 2**32], ids=["negative", "above 32 bits"])
def test_presentation_out_of_range_is_refused(presentation: int) -> None:
    state = small()
    state.presentation = presentation
    with pytest.raises(ValueError) as info:
        state.check(CONFIG)
    assert str(info.value) == f"presentation must be in 0..4294967295, not {presentation}"


def test_frozen_synapses_without_soft_pruning_are_refused() -> None:
    with pytest.raises(ValueError) as info:
        small().check(NetworkConfig(inputs=3, neurons=2, weight_bits=4))
    assert str(info.value) == "frozen must be all False for a policy other than soft"


def test_wider_network_may_have_larger_potentials() -> None:
    config = NetworkConfig(inputs=32897, neurons=1)
    state = State.initial(config)
    state.v[0] = 2**25 - 1
    state.check(config)
    state.v[0] = 2**25
    with pytest.raises(ValueError) as info:
        state.check(config)
    assert str(info.value) == f"v[0] must be in 0..{2**25 - 1}, not {2**25}"


def test_rates_of_inputs_are_there_only_for_pruning_by_lift() -> None:
    config = replace(CONFIG, pruning=LiftPruning())
    state = State.initial(config)
    assert state.input_rate.tolist() == [0, 0, 0]
    state.input_rate[:] = [0, 65535, 9]
    state.check(config)
    assert state.copy().input_rate.tolist() == [0, 65535, 9]
    state.input_rate[2] = 65536
    with pytest.raises(ValueError, match=r"input_rate\[2\] must be in 0..65535, not 65536"):
        state.check(config)
    assert State.initial(CONFIG).input_rate.shape == (0,)
    with pytest.raises(ValueError, match=r"input_rate must have shape \(3,\), not \(0,\)"):
        State.initial(CONFIG).check(config)
