"""Redundant inputs: the checkerboard, the half, the start; and how co-activity follows."""

import numpy as np
import pytest

from prunus_model.reference.redundancy import redundant_inputs, update_coactivity
from prunus_model.spec.pruning import RedundancyParams

#: Largest co-activity.
ALWAYS = 65535


@pytest.mark.parametrize(
    ("image_width", "expected"),
    [
        (1, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
        (2, [0, 1, 1, 0, 0, 1, 1, 0, 0]),
        (3, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
        (4, [0, 1, 0, 1, 1, 0, 1, 0, 0]),
        (9, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
        (65536, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
    ],
)
def test_redundant_inputs_are_on_odd_sites_of_the_checkerboard(
    image_width: int, expected: list[int]
) -> None:
    params = RedundancyParams(shift=8, image_width=image_width)
    assert redundant_inputs(np.full(9, ALWAYS), 0, params).astype(int).tolist() == expected


def test_an_input_is_redundant_from_a_half_on_and_not_too_early() -> None:
    params = RedundancyParams(shift=8, image_width=1, start=7)
    coactivity = np.array([ALWAYS, 32767, ALWAYS, 32768, ALWAYS, ALWAYS, ALWAYS, 0])
    expected = [False, False, False, True, False, True, False, False]
    assert redundant_inputs(coactivity, 7, params).tolist() == expected
    assert redundant_inputs(coactivity, 8, params).tolist() == expected
    assert not redundant_inputs(coactivity, 6, params).any()


@pytest.mark.parametrize("shift", [1, 8, 15])
def test_coactivity_stays_in_range_and_changes_only_after_a_recent_input(shift: int) -> None:
    top = ALWAYS >> shift
    for ends, recent, expected in (
        ([0, 0, ALWAYS], [True, True, True], [0, top, ALWAYS]),
        ([0, ALWAYS, 0], [True, False, False], [0, ALWAYS - top, 0]),
        ([0, 0, ALWAYS], [False, True, False], [0, 0, ALWAYS - top]),
        ([ALWAYS, 7, 7], [False, False, True], [ALWAYS, 7, 7]),
    ):
        assert update_coactivity(np.array(ends), np.array(recent), shift).tolist() == expected
