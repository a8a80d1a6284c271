"""Groups: where windows are, which levels each view sees, every mistake in its words."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import DARK, VIEWS_MAX, GroupsParams
from prunus_strategies import windows


def small(**values: Any) -> GroupsParams:
    """Windows of 3 x 2 pixels (width x height) in an image of 8 x 7."""
    size = {"image_width": 8, "image_height": 7, "window_width": 3, "window_height": 2}
    return GroupsParams(**size | values)


@pytest.mark.parametrize(
    ("stride", "rows", "columns"),
    [
        (1, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        (2, [0, 2, 4], [0, 2, 4]),
        (3, [0, 3], [0, 3]),
        (5, [0, 5], [0, 5]),
        (6, [0], [0]),
        (65536, [0], [0]),
    ],
    ids="stride {}".format,
)
def test_grid_by_stride_begins_in_the_corner(
    stride: int, rows: list[int], columns: list[int]
) -> None:
    groups = small(stride=stride)
    assert groups.places() == [(row, column) for row in rows for column in columns]
    assert groups.group_count == len(rows) * len(columns)


@pytest.mark.parametrize(
    ("count", "rows", "columns"),
    [
        (1, [2], [2]),
        (2, [0, 5], [0, 5]),
        (3, [0, 2, 5], [0, 2, 5]),
        (4, [0, 1, 3, 5], [0, 1, 3, 5]),
        (6, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
    ],
    ids="{} by itself".format,
)
def test_grid_by_count_goes_from_edge_to_edge(
    count: int, rows: list[int], columns: list[int]
) -> None:
    groups = small(count=count)
    assert groups.places() == [(row, column) for row in rows for column in columns]
    assert groups.group_count == count**2


def test_grid_of_an_image_that_is_no_square() -> None:
    wide = small(image_width=12, stride=4)
    assert wide.places() == [(0, 0), (0, 4), (0, 8), (4, 0), (4, 4), (4, 8)]
    assert small(image_width=12, count=2).places() == [(0, 0), (0, 9), (5, 0), (5, 9)]


def test_windows_stand_where_they_are_put() -> None:
    places = ((5, 5), (0, 0), (5, 5), (2, 1))
    groups = small(positions=places)
    assert groups.places() == list(places)
    assert (groups.group_count, groups.window_inputs) == (4, 6)


def test_from_the_centre_outwards_the_nearest_first_and_equals_as_given() -> None:
    # The middle of the window is at (row + 1, column + 1.5), that of the image at (3.5, 4).
    places = ((0, 0), (5, 5), (2, 2), (3, 3), (3, 2), (2, 3), (0, 5))
    assert small(positions=places, order="centre").places() == [
        (2, 2),
        (3, 3),
        (3, 2),
        (2, 3),
        (0, 0),
        (5, 5),
        (0, 5),
    ]
    # In a wide image the middles are at (3.5, 1.5 ... 10.5), that of the image at (3.5, 6).
    wide = small(image_width=12, positions=((2, 0), (5, 5), (2, 9), (2, 4)), order="centre")
    assert wide.places() == [(2, 4), (5, 5), (2, 0), (2, 9)]
    grid = GroupsParams(window_width=12, window_height=12, stride=8, order="centre")
    assert grid.places() == [
        (8, 8),
        *[(0, 8), (8, 0), (8, 16), (16, 8)],
        *[(0, 0), (0, 16), (16, 0), (16, 16)],
    ]


def test_inputs_see_their_window_row_by_row() -> None:
    groups = small(positions=((0, 0), (5, 5)))
    assert groups.view_indices(1).tolist() == [
        [0, 1, 2, 8, 9, 10],
        [45, 46, 47, 53, 54, 55],
    ]


def test_second_channel_follows_the_first() -> None:
    groups = small(positions=((0, 0),), looks=((0, 0), (0, -1)))
    assert groups.view_indices(2).tolist() == [
        [0, 1, 2, 8, 9, 10, 56, 57, 58, 64, 65, 66],
        [-1, 0, 1, -1, 8, 9, -1, 56, 57, -1, 64, 65],
    ]


def test_looks_shift_all_windows_and_see_nothing_beyond_the_image() -> None:
    groups = small(positions=((0, 0), (5, 5)), looks=((0, 0), (1, 1), (-1, 0)))
    assert groups.view_indices(1)[2:].tolist() == [
        [9, 10, 11, 17, 18, 19],
        [54, 55, -1, -1, -1, -1],
        [-1, -1, -1, 0, 1, 2],
        [37, 38, 39, 45, 46, 47],
    ]


def test_indices_are_seen_as_given() -> None:
    indices = ((55, 3, DARK), (0, DARK, DARK))
    groups = GroupsParams(image_width=8, image_height=7, indices=indices)
    assert groups.view_indices(1).tolist() == [[55, 3, -1], [0, -1, -1]]
    assert (groups.group_count, groups.window_inputs) == (2, 3)
    with pytest.raises(ValueError, match=r"^groups that are given by indices have no windows$"):
        groups.places()


@given(groups=windows(), channels=st.integers(1, 2))
def test_views_see_what_two_loops_say(groups: GroupsParams, channels: int) -> None:
    expected = []
    for down, right in groups.looks:
        for top, left in groups.places():
            seen = []
            for channel in range(channels):
                for row in range(top + down, top + down + groups.window_height):
                    for column in range(left + right, left + right + groups.window_width):
                        inside = 0 <= row < groups.image_height and 0 <= column < groups.image_width
                        at = (channel * groups.image_height + row) * groups.image_width + column
                        seen.append(at if inside else -1)
            expected.append(seen)
    got = groups.view_indices(channels)
    assert got.dtype == np.int64
    assert got.tolist() == expected
    assert len(expected) == groups.group_count * len(groups.looks)
    # Unshifted windows lie in the image.
    assert got[: groups.group_count].min() >= 0


@given(groups=windows())
def test_order_changes_nothing_but_the_order(groups: GroupsParams) -> None:
    places = groups.places()
    given = GroupsParams(
        **{name: getattr(groups, name) for name in GroupsParams.__dataclass_fields__}
        | {"order": "given"}
    ).places()
    assert sorted(places) == sorted(given)
    if groups.order == "centre":
        far = [
            (2 * row + groups.window_height - groups.image_height) ** 2
            + (2 * column + groups.window_width - groups.image_width) ** 2
            for row, column in places
        ]
        assert far == sorted(far)


SIZE = "image_width = 8\nimage_height = 7\nwindow_width = 3\nwindow_height = 2\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            SIZE,
            "groups must have one of stride, count, positions and indices, not none",
            id="no place",
        ),
        pytest.param(
            SIZE + "stride = 1\npositions = [[0, 0]]",
            "groups must have one of stride, count, positions and indices, not stride and "
            "positions",
            id="two places",
        ),
        pytest.param(
            "image_width = 300\nimage_height = 300\nstride = 1",
            "groups.image_width times image_height must be at most 65536, not 90000",
            id="image too large",
        ),
        pytest.param(
            SIZE.replace("window_width = 3", "window_width = 9") + "stride = 1",
            "groups.window must lie in the image of 8 x 7 pixels (width x height), but is 9 x 2",
            id="window too wide",
        ),
        pytest.param(
            SIZE.replace("window_height = 2", "window_height = 8") + "count = 2",
            "groups.window must lie in the image of 8 x 7 pixels (width x height), but is 3 x 8",
            id="window too high",
        ),
        pytest.param(
            SIZE + "positions = [[5, 5], [6, 0]]",
            "groups.positions must be rows 0..5 and columns 0..5 for the window to lie in the "
            "image, not [6, 0]",
            id="window below the image",
        ),
        pytest.param(
            SIZE + "positions = [[0, 6]]",
            "groups.positions must be rows 0..5 and columns 0..5 for the window to lie in the "
            "image, not [0, 6]",
            id="window right of the image",
        ),
        pytest.param(
            SIZE + "positions = [[0, -1]]",
            "groups.positions must be rows 0..5 and columns 0..5 for the window to lie in the "
            "image, not [0, -1]",
            id="window left of the image",
        ),
        pytest.param(
            SIZE + "stride = 1\nlooks = [[0, 1]]",
            "groups.looks must begin with [0, 0], not [0, 1]",
            id="first look shifted",
        ),
        pytest.param(
            SIZE + "stride = 1\nlooks = [[0, 0], [0, -8]]",
            "groups.looks must be shifted by less than the image, not [0, -8]",
            id="look beside the image",
        ),
        pytest.param(
            SIZE + "stride = 1\nlooks = [[0, 0], [7, 0]]",
            "groups.looks must be shifted by less than the image, not [7, 0]",
            id="look below the image",
        ),
        pytest.param(
            SIZE + "count = 65",
            "groups must have at most 4096 views (groups times looks), not 4225",
            id="too many groups",
        ),
        pytest.param(
            SIZE + "count = 64\nlooks = [[0, 0], [1, 0]]",
            "groups must have at most 4096 views (groups times looks), not 8192",
            id="too many views",
        ),
        pytest.param(
            "indices = [[0, 1], [2]]",
            "groups.indices must be equally many for each group, 2 as for the first, but group 1 "
            "has 1 (fill up with -1)",
            id="groups of different size",
        ),
        pytest.param(
            "indices = [[0, 1], [-1, -1]]",
            "groups.indices must let group 1 see something",
            id="group that sees nothing",
        ),
        pytest.param(
            "indices = [[0, -2]]",
            "groups.indices of group 0 must be 0 or more, each once, or -1 for none",
            id="negative index",
        ),
        pytest.param(
            "indices = [[0, 1], [5, 5]]",
            "groups.indices of group 1 must be 0 or more, each once, or -1 for none",
            id="index twice",
        ),
        pytest.param(
            "indices = [[0]]\nlooks = [[0, 0], [0, 1]]",
            "groups.looks and order need windows; groups that are given by indices have none",
            id="looks without windows",
        ),
        pytest.param(
            "indices = [[0]]\norder = 'centre'",
            "groups.looks and order need windows; groups that are given by indices have none",
            id="order without windows",
        ),
        pytest.param(
            "indices = [[784, 0]]", "groups.indices must be below 784, not 784", id="no such level"
        ),
        pytest.param("stride = 0", "groups.stride must be at least 1, not 0", id="stride 0"),
        pytest.param("count = 0", "groups.count must be at least 1, not 0", id="count 0"),
        pytest.param("count = 4097", "groups.count must be at most 4096, not 4097", id="count"),
        pytest.param(
            "order = 'x'", "groups.order must be 'given' or 'centre', not 'x'", id="order"
        ),
        pytest.param("strides = 1", "Key 'groups.strides' is unknown", id="unknown key"),
    ],
)
def test_mistake_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_toml(f"inputs = 6\n[groups]\n{text}", source="here")
    assert str(info.value) == f"here: {message}"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("positions = []", "here: groups.positions must"),
        ("indices = []", "here: groups.indices must"),
        ("indices = [[]]", "here: groups.indices.0 must"),
        ("positions = [[0]]", "here: groups.positions.0"),
        ("looks = []", "here: groups.looks must"),
        ("stride = 1.5", "here: groups.stride must be an integer"),
    ],
)
def test_empty_lists_are_refused_in_one_line(text: str, start: str) -> None:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_toml(f"inputs = 6\n[groups]\n{text}", source="here")
    assert str(info.value).startswith(start)
    assert "\n" not in str(info.value)


def test_as_many_views_as_there_may_be() -> None:
    assert small(image_width=66, image_height=65, count=64).group_count == VIEWS_MAX
