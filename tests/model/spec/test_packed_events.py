from typing import Any

import numpy as np
import pytest

from prunus_model.spec.packed_events import PackedEvents

LISTS = [[[4, 0], [2]], [[], [1]], [[3], []]]
EVENTS = PackedEvents.of(LISTS, inputs=5, steps=3)


def lists(events: PackedEvents, number: int) -> list[list[int]]:
    return [pres.tolist() for pres in events.lists(number)]


def test_lists_go_in_and_out_and_missing_steps_are_silent() -> None:
    assert [lists(EVENTS, n) for n in range(3)] == [[*one, []] for one in LISTS]
    assert EVENTS.counts.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert (len(EVENTS), EVENTS.steps, str(EVENTS.pres.dtype)) == (3, 3, "uint16")


def test_some_of_them_by_slice_and_by_number() -> None:
    assert lists(EVENTS[1:], 0) == [[], [1], []]
    chosen = EVENTS[np.array([2, 0, 2])]
    assert [lists(chosen, n) for n in range(3)] == [lists(EVENTS, n) for n in (2, 0, 2)]


def test_a_view_sees_the_events_of_its_inputs_by_its_own_numbers() -> None:
    indices = np.array([3, -1, 4, 0])
    seen = EVENTS.view(indices)
    assert [lists(seen, n) for n in range(3)] == [[[2, 3], [], []], [[], [], []], [[0], [], []]]
    assert (seen.inputs, str(seen.pres.dtype)) == (4, "uint16")
    assert lists(EVENTS[1:].view(indices), 1) == [[0], [], []]


def test_many_inputs_take_wider_numbers() -> None:
    events = PackedEvents.of([[[65536]]], inputs=65537, steps=1)
    assert (str(events.pres.dtype), lists(events, 0)) == ("uint32", [[65536]])


@pytest.mark.parametrize(
    ("first", "pres", "error", "message"),
    [
        ([[0, 2]], [0, 5], ValueError, r"presentation 0 must be inputs 0..4, but got 5"),
        ([[0, 1], [1, 3]], [0, 2, 2], ValueError, r"presentation 1 must name each input"),
        ([[0, 3]], [2, 0, 2], ValueError, r"presentation 0 must name each input"),
        ([[0, 3]], [1, 2], ValueError, r"Bounds of steps must be in 0..2, not 0..3"),
        ([[-1, 1]], [1, 2], ValueError, r"Bounds of steps must be in 0..2, not -1..1"),
        ([[0, 2, 1]], [1, 2], ValueError, r"Bounds of steps must be in order"),
        ([[0]], [], TypeError, r"shape \(n, steps \+ 1\), not int64 of \(1, 1\)"),
        ([0, 1], [1], TypeError, r"shape \(n, steps \+ 1\), not int64 of \(2,\)"),
        ([[0, 1]], [[1]], TypeError, r"pres must be uint16 with 1 dimension, not uint16 with 2"),
    ],
)
def test_what_is_contradictory_is_refused(
    first: Any, pres: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        PackedEvents(first=np.array(first), pres=np.array(pres, dtype=np.uint16), inputs=5)


def test_the_type_follows_from_the_number_of_inputs() -> None:
    with pytest.raises(TypeError, match="pres must be uint32 with 1 dimension, not uint16"):
        PackedEvents(first=np.array([[0, 1]]), pres=np.array([1], dtype=np.uint16), inputs=65537)


def test_an_input_may_spike_in_every_step() -> None:
    assert lists(PackedEvents.of([[[1], [1]]], inputs=2, steps=2), 0) == [[1], [1]]
