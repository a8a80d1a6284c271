"""What goes into a presentation is checked; what comes out is counted."""

import re
from typing import Any

import numpy as np
import pytest

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.presentation import (
    Presentation,
    check_events,
    check_exits,
    check_levels,
    check_votes,
)
from prunus_model.spec.readout import UNDECIDED

CONFIG = NetworkConfig(inputs=5, neurons=2, encoder=EncoderParams(steps=3))


def test_events_become_one_array_for_each_step() -> None:
    arrays = check_events([[4, 0], (2,)], CONFIG)
    assert [array.tolist() for array in arrays] == [[4, 0], [2], []]
    assert [array.dtype for array in arrays] == [np.int64] * 3


@pytest.mark.parametrize(
    "events",
    [[], [[]], [[], [], []], [[0, 1, 2, 3, 4]] * 3, [np.array([4, 2], np.uint16)]],
    ids=["no steps", "one silent step", "all steps silent", "all inputs always", "an array"],
)
def test_good_events_keep_their_inputs(events: Any) -> None:
    arrays = check_events(events, CONFIG)
    silent: list[list[int]] = [[]] * (3 - len(events))
    assert [array.tolist() for array in arrays] == [list(pres) for pres in events] + silent


@pytest.mark.parametrize(
    ("events", "message"),
    [
        pytest.param([[]] * 4, "Events must have at most 3 steps, not 4", id="too many steps"),
        pytest.param(
            [[0], [1, 5, 2]],
            "Events of step 1 must be inputs 0..4, but got 1..5",
            id="one above the last input",
        ),
        pytest.param(
            [[-1, 0]], "Events of step 0 must be inputs 0..4, but got -1..0", id="negative"
        ),
        pytest.param(
            [[], [], [3, 1, 3]],
            "Events of step 2 must name each input at most once",
            id="twice in a step",
        ),
        pytest.param(
            [[3, 3], [5]],
            "Events of step 0 must name each input at most once",
            id="first mistake first",
        ),
    ],
)
def test_bad_events_are_refused(events: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError) as info:
        check_events(events, CONFIG)
    assert str(info.value) == message


def test_same_input_in_two_steps_is_no_mistake() -> None:
    assert [array.tolist() for array in check_events([[1], [1], [1]], CONFIG)] == [[1]] * 3


@pytest.mark.parametrize(
    ("shape", "many"),
    [((5,), False), ((1, 5), True), ((0, 5), True)],
    ids=["one image", "a batch", "an empty batch"],
)
def test_good_levels_are_accepted(shape: tuple[int, ...], many: bool) -> None:
    check_levels(np.zeros(shape, np.uint8), CONFIG, many=many)


@pytest.mark.parametrize(
    ("levels", "many", "error", "message"),
    [
        pytest.param(
            np.zeros(5, np.int64),
            False,
            TypeError,
            "Levels must be an array of uint8, not int64",
            id="another integer",
        ),
        pytest.param(
            [0] * 5, False, TypeError, "Levels must be an array of uint8, not list", id="list"
        ),
        pytest.param(
            None, True, TypeError, "Levels must be an array of uint8, not NoneType", id="nothing"
        ),
        pytest.param(
            np.zeros(6, np.uint8),
            False,
            ValueError,
            "Levels must have shape (5,), not (6,)",
            id="too long",
        ),
        pytest.param(
            np.zeros((1, 5), np.uint8),
            False,
            ValueError,
            "Levels must have shape (5,), not (1, 5)",
            id="batch for one image",
        ),
        pytest.param(
            np.zeros(5, np.uint8),
            True,
            ValueError,
            "Levels must have shape (n, 5), not (5,)",
            id="one image for a batch",
        ),
        pytest.param(
            np.zeros((5, 4), np.uint8),
            True,
            ValueError,
            "Levels must have shape (n, 5), not (5, 4)",
            id="transposed",
        ),
        pytest.param(
            np.zeros((2, 3, 5), np.uint8),
            True,
            ValueError,
            "Levels must have shape (n, 5), not (2, 3, 5)",
            id="one axis too many",
        ),
    ],
)
def test_bad_levels_are_refused(
    levels: Any, many: bool, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as info:
        check_levels(levels, CONFIG, many=many)
    assert str(info.value) == message


@pytest.mark.parametrize("stop_after", [0, 1, 255, 1000], ids="after {}".format)
def test_good_early_exit_is_accepted(stop_after: int) -> None:
    check_exits(stop_after, 0)


def test_negative_early_exit_is_refused() -> None:
    with pytest.raises(ValueError) as info:
        check_exits(-1, 0)
    assert str(info.value) == "Early exit must be after 0 (never) or more spikes, not -1"


@pytest.mark.parametrize("margin", [0, 1, 65025], ids="margin {}".format)
def test_good_margin_is_accepted(margin: int) -> None:
    check_exits(0, margin)


def test_negative_margin_is_refused() -> None:
    with pytest.raises(ValueError) as info:
        check_exits(0, -1)
    assert str(info.value) == "Margin must be 0 (never) or more votes, not -1"


@pytest.mark.parametrize(
    ("exits", "error", "message"),
    [
        (
            (2**32, 0),
            ValueError,
            "Early exit must be after 0 (never) or more spikes, up to 32 bits",
        ),
        ((0, 10**30), ValueError, "Margin must be 0 (never) or more votes, up to 32 bits, not 1"),
        ((0, 2.5), TypeError, "'float' object cannot be interpreted as an integer"),
    ],
)
def test_exits_that_are_too_large_or_no_integers_are_refused(
    exits: tuple[Any, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        check_exits(*exits)


def test_votes_default_to_0_and_are_returned_as_they_are() -> None:
    none = check_votes(None, CONFIG)
    assert none.dtype == np.uint8
    assert none.shape == (CONFIG.neurons, CONFIG.readout.classes)
    assert not none.any()
    most = none + np.uint8(15)
    assert check_votes(most, CONFIG) is most


@pytest.mark.parametrize(
    ("votes", "error", "message"),
    [
        pytest.param(np.zeros((10, 10)), TypeError, "an array of uint8, not float64", id="float"),
        pytest.param(
            np.zeros((9, 10), np.uint8), ValueError, "have shape (10, 10), not (9, 10)", id="shape"
        ),
        pytest.param(np.full((10, 10), 16, np.uint8), ValueError, "at most 15, not 16", id="size"),
    ],
)
def test_bad_votes_are_refused(votes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as info:
        check_votes(votes, NetworkConfig.named("tiny"))
    assert message in str(info.value)


def shown(steps: Any, posts: Any) -> Presentation:
    return Presentation(
        spike_steps=steps, spike_posts=posts, counters=Counters(), prediction=UNDECIDED, lead=0
    )


def test_output_spikes_are_counted_for_each_neuron() -> None:
    presentation = shown(np.arange(4), np.array([2, 0, 2, 2]))
    got = presentation.spike_counts(5)
    assert got.tolist() == [1, 0, 3, 0, 0]
    assert got.dtype == np.uint8


def test_longest_presentation_of_one_neuron_is_counted() -> None:
    posts = np.zeros(255, np.int64)
    presentation = shown(posts, posts)
    assert presentation.spike_counts(1).tolist() == [255]
    silent = shown(posts[:0], posts[:0])
    assert silent.spike_counts(2).tolist() == [0, 0]


@pytest.mark.parametrize("events", [[[1.9]], [["1"]]], ids=["float", "text"])
def test_events_that_are_no_integers_are_refused(events: Any) -> None:
    with pytest.raises(TypeError, match=r"^Events of step 0 must be integers, not "):
        check_events(events, NetworkConfig.named("tiny"))
