"""Integration, winner and leak: values made by hand."""

import numpy as np
import pytest

from prunus_model.reference.membrane import integrate, leak, winner


def test_integration_adds_the_rows_of_the_spiking_inputs() -> None:
    v = np.array([1000, 0])
    weights = np.array([[1, 2], [10, 20], [100, 200]], np.uint8)
    assert integrate(v, weights, np.array([True, False, True])).tolist() == [1101, 202]
    assert integrate(v, weights, np.array([False, True, False])).tolist() == [1010, 20]
    assert integrate(v, weights, np.array([False, False, False])).tolist() == [1000, 0]
    assert v.tolist() == [1000, 0]


def test_integration_of_many_heavy_inputs_does_not_wrap() -> None:
    weights = np.full((784, 1), 255, np.uint8)
    v = integrate(np.array([2**23 - 2]), weights, np.ones(784, np.bool_))
    assert v.tolist() == [2**23 - 2 + 784 * 255]
    assert v.dtype == np.int64


@pytest.mark.parametrize(
    ("v", "v_fire", "post"),
    [
        pytest.param([4], [5], -1, id="one below the threshold"),
        pytest.param([5], [5], 0, id="at the threshold"),
        pytest.param([6], [5], 0, id="one above the threshold"),
        pytest.param([4, 9, 9], [5, 8, 8], 1, id="tie goes to the lowest"),
        pytest.param([5, 5, 5], [5, 5, 5], 0, id="tie of all at margin 0"),
        pytest.param([4, 5, 4], [5, 5, 5], 1, id="margin 0 wins over margin -1"),
        pytest.param([4, 4, 4], [5, 5, 5], -1, id="tie of all at margin -1"),
        pytest.param([100, 7], [98, 4], 1, id="margin counts, not the potential"),
        pytest.param([7, 100], [4, 98], 0, id="margin counts, not the highest index"),
        pytest.param([0, 0], [1, 0], 1, id="threshold of 0 fires at rest"),
        pytest.param([0], [2**23 - 1], -1, id="at rest, highest threshold"),
        pytest.param([2**23 - 2], [2**23 - 1], -1, id="one below the highest threshold"),
        pytest.param([2**23 - 1], [2**23 - 1], 0, id="at the highest threshold"),
        pytest.param([2**24 - 1, 0], [0, 2**23 - 1], 0, id="largest margin"),
    ],
)
def test_winner(v: list[int], v_fire: list[int], post: int) -> None:
    got = winner(np.array(v), np.array(v_fire))
    assert got == post
    assert type(got) is int


@pytest.mark.parametrize(
    ("before", "shift", "after"),
    [
        pytest.param(1000, 0, 1000, id="no leak"),
        pytest.param(0, 0, 0, id="no leak of nothing"),
        pytest.param(1000, 1, 500, id="half"),
        pytest.param(1001, 1, 501, id="what leaks is floored"),
        pytest.param(1, 1, 1, id="1 never leaks"),
        pytest.param(63, 6, 63, id="just too little to leak"),
        pytest.param(64, 6, 63, id="just enough to leak"),
        pytest.param(127, 6, 126, id="still leaks 1"),
        pytest.param(128, 6, 126, id="leaks 2"),
        pytest.param(2**23 - 1, 23, 2**23 - 1, id="largest shift leaks nothing below threshold"),
        pytest.param(2**23, 23, 2**23 - 1, id="largest shift leaks 1"),
    ],
)
def test_leak(before: int, shift: int, after: int) -> None:
    v = np.array([before])
    assert leak(v, shift).tolist() == [after]
    assert v.tolist() == [before]
