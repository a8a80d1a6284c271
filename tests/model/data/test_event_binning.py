"""The rule by which time becomes steps and places become inputs."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_events import recording
from prunus_model.common.errors import DataError
from prunus_model.data.events.binning import binned
from prunus_model.data.events.recording import Recording
from prunus_model.spec.encoder import EventsParams

LINE = EventsParams(width=4, height=1, polarity="merged")


def lists(recorded: Recording, params: EventsParams, steps: int) -> list[list[int]]:
    found = binned(recorded, params, steps)
    ends = np.cumsum([0, *found.counts])
    return [found.pres[a:b].tolist() for a, b in pairwise(ends)]


def test_a_recording_is_divided_evenly_from_its_first_to_its_last_event() -> None:
    # 10 microseconds, of which each of four steps has two and a half.
    t = [100, 102, 103, 104, 105, 107, 108, 109]
    assert lists(recording(t, [0, 1, 0, 1, 0, 1, 0, 1]), LINE, 4) == [
        [0, 1],
        [0, 1],
        [0, 1],
        [0, 1],
    ]
    found = binned(recording(t, [0, 1, 0, 1, 0, 1, 0, 1]), LINE, 4)
    assert found.counts.tolist() == [2, 2, 2, 2]
    assert lists(recording(t, [0, 0, 0, 1, 1, 1, 2, 2]), LINE, 4) == [[0], [0, 1], [1], [2]]


def test_steps_of_a_width_begin_at_the_first_event_and_later_events_are_left_out() -> None:
    params = EventsParams(width=4, height=1, polarity="merged", step_us=10)
    recorded = recording([7, 16, 17, 26, 27, 37, 99], [0, 1, 2, 3, 0, 1, 2])
    assert lists(recorded, params, 3) == [[0, 1], [2, 3], [0]]
    assert binned(recorded, params, 3).late == 2
    assert binned(recorded, params, 10).late == 0


def test_a_single_moment_is_all_in_the_first_step() -> None:
    assert lists(recording([5, 5, 5], [3, 1, 3]), LINE, 3) == [[1, 3], [], []]


def test_several_events_of_an_input_in_a_step_count_once() -> None:
    recorded = recording([0, 1, 2, 9], [2, 2, 2, 2], p=[1, 0, 1, 1])
    assert lists(recorded, LINE, 2) == [[2], [2]]
    separate = EventsParams(width=4, height=1)
    assert lists(recorded, separate, 2) == [[2, 6], [2]]


def test_inputs_go_by_channel_row_and_column_and_on_comes_first() -> None:
    params = EventsParams(width=5, height=3, scale=2)
    assert (params.columns, params.rows, params.channels, params.inputs) == (3, 2, 2, 12)
    recorded = recording([0] * 5, [0, 4, 1, 2, 4], [0, 0, 1, 2, 2], [1, 1, 0, 1, 0])
    assert lists(recorded, params, 1) == [[0, 2, 4, 6, 11]]


def test_time_stamps_of_a_clock_are_exact() -> None:
    start = 1_605_537_493_718_345
    recorded = recording(
        [start, start + 1_999_999, start + 2_000_000, start + 4_000_000], [0, 1, 2, 3]
    )
    params = EventsParams(width=4, height=1, polarity="merged", step_us=2_000_000)
    assert lists(recorded, params, 3) == [[0, 1], [2], [3]]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0, 4], [0, 0], r"Event 1 of rec must have x in 0..3 \(encoder.events.width 4\), not 4"),
        ([0, -1], [0, 0], r"Event 1 of rec must have x of 0 or more, not -1"),
        ([0, 1], [-2, 0], r"Event 0 of rec must have y of 0 or more, not -2"),
        ([0, 1], [0, 1], r"Event 1 of rec must have y in 0..0 \(encoder.events.height 1\), not 1"),
    ],
)
def test_events_out_of_the_frame_are_refused(x: list[int], y: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        binned(recording([0, 1], x, y), LINE, 2)


@pytest.mark.parametrize("t", [[0, 1 << 55], [-(1 << 62), 1 << 62]])
def test_a_recording_of_ages_is_refused(t: list[int]) -> None:
    with pytest.raises(DataError, match="Recording rec must last less than 36028797018963968"):
        binned(recording(t, [0, 1]), LINE, 255)
    assert lists(recording([0, (1 << 55) - 1], [0, 1]), LINE, 255)[254] == [1]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Recording, EventsParams, int]:
    params = EventsParams(
        width=draw(st.integers(1, 7)),
        height=draw(st.integers(1, 5)),
        scale=draw(st.integers(1, 4)),
        polarity=draw(st.sampled_from(["separate", "merged"])),
        step_us=draw(st.sampled_from([0, 0, 1, 7, 1000])),
    )
    count = draw(st.integers(1, 40))

    def values(most: int) -> Any:
        return draw(st.lists(st.integers(0, most), min_size=count, max_size=count))

    recorded = recording(
        sorted(values(draw(st.sampled_from([3, 50, 10**12])))),
        values(params.width - 1),
        values(params.height - 1),
        values(1),
    )
    return recorded, params, draw(st.integers(1, 255))


@given(given=recordings())
def test_the_rule_event_by_event(given: tuple[Recording, EventsParams, int]) -> None:
    recorded, params, steps = given
    expected: list[set[int]] = [set() for _ in range(steps)]
    late, start, end = 0, int(recorded.t[0]), int(recorded.t[-1])
    for t, x, y, p in zip(*(getattr(recorded, n).tolist() for n in "txyp"), strict=True):
        step = (
            (t - start) // params.step_us
            if params.step_us
            else (t - start) * steps // (end - start + 1)
        )
        off = params.polarity == "separate" and not p
        pre = (off * params.rows + y // params.scale) * params.columns + x // params.scale
        if step < steps:
            expected[step].add(pre)
        late += step >= steps
    assert lists(recorded, params, steps) == [sorted(pres) for pres in expected]
    found = binned(recorded, params, steps)
    assert found.late == late
    assert len(found.counts) == steps
    assert found.pres.max(initial=0) < params.inputs
