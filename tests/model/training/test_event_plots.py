"""Histograms of events: what is drawn is what the events say."""

from typing import Any

import numpy as np

from prunus_events import recording
from prunus_model.data.events.split import bin_recordings
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.training.event_plots import histograms


def axes_of(figure: Any) -> dict[str, Any]:
    return {axis.get_title(): axis for axis in figure.findobj() if hasattr(axis, "get_xlim")}


def test_events_by_step_channel_and_class() -> None:
    params = EventsParams(width=3, height=2)
    recordings = [
        recording([0, 0, 9], [0, 1, 2], [0, 1, 1], [1, 0, 1], label=4),
        recording([0, 9], [0, 0], [0, 0], [1, 1], label=7),
    ]
    encoder = EncoderParams(steps=2, events=params)
    drawn = axes_of(histograms(bin_recordings("$x$", recordings, encoder)))
    on, off = drawn["Events in each step"].lines
    assert (on.get_label(), on.get_ydata().tolist()) == ("on", [1.0, 1.0])
    assert (off.get_label(), off.get_ydata().tolist()) == ("off", [0.5, 0.0])
    bars = [bar.get_height() for bar in drawn["Events of a recording"].patches]
    assert (sum(bars), bars[0], bars[-1]) == (2, 1, 1)
    (four,) = drawn["class 4"].images
    assert four.get_array().tolist() == [[1, 0, 0], [0, 1, 1]]
    (seven,) = drawn["class 7"].images
    assert seven.get_array().tolist() == [[2, 0, 0], [0, 0, 0]]


def test_a_single_row_is_drawn_over_time() -> None:
    params = EventsParams(width=3, height=1, polarity="merged")
    recordings = [recording([0, 5, 9], [0, 2, 2], label=1), recording([0, 9], [0, 1], label=1)]
    split = bin_recordings("x", recordings, EncoderParams(steps=2, events=params))
    drawn = axes_of(histograms(split))
    (picture,) = drawn["class 1"].images
    assert picture.get_array().tolist() == [[1, 0], [0, 0.5], [0, 0.5]]
    (line,) = drawn["Events in each step"].lines
    assert np.array_equal(line.get_ydata(), [1, 1])
