"""The plain simulation, by hand: forward Euler of NIR's equations."""

from dataclasses import replace

import numpy as np

from prunus_model.exchange.simulate import FloatLayer, simulate


def layer(**changes: object) -> FloatLayer:
    """Two neurons, two inputs, nothing leaks."""
    values = {
        "weight": np.array([[1.0, 0.0], [0.0, 2.0]]),
        "bias": np.zeros(2),
        "leak": np.zeros(2),
        "gain": np.ones(2),
        "v_leak": np.zeros(2),
        "v_threshold": np.array([1.5, 3.5]),
        "v_reset": np.zeros(2),
    }
    return FloatLayer(**(values | changes))  # type: ignore[arg-type]


def show(one: FloatLayer, *steps: tuple[int, int]) -> list[list[int]]:
    spikes = np.array([steps], dtype=np.bool_)
    return simulate(one, spikes)[0].astype(int).tolist()  # type: ignore[no-any-return]


def test_weights_add_up_until_the_threshold() -> None:
    # 1, 2 > 1.5 | 1; 2, 4 > 3.5 | 2
    assert show(layer(), (1, 1), (1, 1), (1, 1)) == [[0, 0], [1, 1], [0, 0]]


def test_threshold_must_be_exceeded() -> None:
    at = layer(v_threshold=np.array([2.0, 4.0]))
    assert show(at, (1, 1), (1, 1), (1, 1)) == [[0, 0], [0, 0], [1, 1]]


def test_potential_leaks_to_its_rest() -> None:
    # 0.5 * (4 - 0) = 2, then 2 + 0.5 * (4 - 2) = 3, then 3.5, then 3.75 > 3.5
    leaking = layer(leak=np.array([0.5, 0.5]), v_leak=np.array([4.0, 4.0]))
    assert show(leaking, (0, 0), (0, 0), (0, 0), (0, 0)) == [*[[1, 0]] * 3, [1, 1]]
    slow = replace(leaking, v_threshold=np.array([3.2, 3.4]))
    assert show(slow, (0, 0), (0, 0), (0, 0), (0, 0)) == [[0, 0], [0, 0], [1, 1], [0, 0]]


def test_leak_is_of_the_potential_before_the_input() -> None:
    # 1, then 1 - 0.5 + 1 = 1.5, then 1.75
    one = layer(leak=np.array([0.5, 0.0]), v_threshold=np.array([1.5, 9.0]))
    assert show(one, (1, 0), (1, 0), (1, 0)) == [[0, 0], [0, 0], [1, 0]]


def test_gain_is_of_the_current_and_bias_is_one() -> None:
    one = layer(bias=np.array([0.25, 0.0]), gain=np.array([2.0, 1.0]))
    # 0.5, 1, 1.5, 2
    assert show(one, *[(0, 0)] * 4) == [[0, 0], [0, 0], [0, 0], [1, 0]]


def test_reset_is_to_a_value() -> None:
    one = layer(v_reset=np.array([-1.0, 0.0]))
    # 1, 2 -> -1, 0, 1, 2 -> -1
    assert [row[0] for row in show(one, *[(1, 0)] * 5)] == [0, 1, 0, 0, 1]


def test_spike_reaches_the_others_a_step_later() -> None:
    # Column 0: from neuron 0. Neuron 1: 2, 4 > 3.5 | 2 - 3 = -1, 1, 3, 5
    one = layer(recurrent=np.array([[0.0, 0.0], [-3.0, 0.0]]))
    found = show(one, (1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0, 1))
    assert [row[0] for row in found] == [0, 1, 0, 0, 0, 0]
    assert [row[1] for row in found] == [0, 1, 0, 0, 0, 1]
    back = layer(recurrent=np.array([[0.0, 5.0], [0.0, 0.0]]))
    assert show(back, (0, 1), (0, 1), (0, 0)) == [[0, 0], [0, 1], [1, 0]]


def test_presentations_do_not_meet() -> None:
    one = layer(recurrent=np.array([[0.0, -9.0], [-9.0, 0.0]]))
    rng = np.random.default_rng(1)
    spikes = rng.random((5, 20, 2)) < 0.5
    together = simulate(one, spikes)
    assert together.any()
    for number in range(5):
        assert np.array_equal(simulate(one, spikes[number : number + 1])[0], together[number])
