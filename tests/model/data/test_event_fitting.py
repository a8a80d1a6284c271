"""What a configuration takes from events, and what it refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_cli import tiny_windows
from prunus_data import message_of
from prunus_events import write_event_digits
from prunus_model.common.errors import ConfigError
from prunus_model.data.events.fitting import described, fitted, takes_events
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EventsParams

DEMO = NetworkConfig.named("demo")


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Events of 12 x 6 pixels: no recording has both sides, and one split has no polarities."""
    np.savez(tmp_path / "train.npz", t=[0, 1], x=[3, 11], p=[1, 0], labels=[4])
    test = {"t": [0, 1, 0], "x": [1, 2, 0], "y": [0, 5, 0], "offsets": [0, 2, 3], "labels": [2, 1]}
    np.savez(tmp_path / "test.npz", **test)  # type: ignore[arg-type]
    return str(tmp_path)


def test_frames_are_those_of_the_files_or_of_the_events(data: str) -> None:
    assert described(data) == (EventsParams(width=12, height=6), 5)
    path = Path(data, "train.npz")
    np.savez(path, t=[0], x=[1], p=[1], labels=[0], width=99, height=3)
    assert described(data) == (EventsParams(width=99, height=6), 3)
    np.savez(path, t=[0], x=[70_000], labels=[0])
    assert message_of(lambda: described(data)) == (
        f"Frame of {data} must have sides of at most 65536 pixels"
    )


def test_events_without_polarities_are_one_channel(tmp_path: Path) -> None:
    folder = write_event_digits(tmp_path / "ev", train=30, test=20)
    assert described(str(folder)) == (EventsParams(width=7, height=7, polarity="merged"), 10)


def test_sizes_come_from_the_data(data: str) -> None:
    config, told = fitted(DEMO, data, said={})
    assert (config.inputs, config.readout.classes) == (144, 5)
    assert config.encoder.events == EventsParams(width=12, height=6)
    assert told == "Events of 12 x 6 pixels, on and off: 144 inputs, 5 classes"
    # All else stays.
    encoder = replace(config.encoder, events=None)
    assert replace(config, inputs=784, encoder=encoder, readout=DEMO.readout) == DEMO


@pytest.mark.parametrize(
    ("said", "events", "inputs"),
    [
        ({"scale": 2}, {"scale": 2}, 36),
        ({"width": 14, "height": 6}, {"width": 14}, 168),
        ({"height": 9}, {"height": 9}, 216),
        ({"polarity": "merged", "step_us": 7}, {"polarity": "merged", "step_us": 7}, 72),
    ],
)
def test_what_is_said_stays(
    data: str, said: dict[str, Any], events: dict[str, Any], inputs: int
) -> None:
    given = {f"encoder.events.{key}": value for key, value in said.items()}
    more = {"readout.classes": 6, "inputs": inputs, "neurons": 100}
    for known in (given, given | more):
        config, _ = fitted(DEMO, data, said=known)
        assert config.encoder.events == EventsParams(**({"width": 12, "height": 6} | events))
        assert (config.inputs, config.readout.classes) == (inputs, known.get("readout.classes", 5))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("inputs", 784, "have 144 inputs, not 784: set inputs to 144"),
        ("readout.classes", 4, "have 5 classes, not 4: set readout.classes to 5"),
        (
            "encoder.events.width",
            11,
            "a width of 12 pixels, not 11: set encoder.events.width to 12",
        ),
        ("encoder.events.height", 5, "height of 6 pixels, not 5: set encoder.events.height to 6"),
        (
            "encoder.events.width",
            9000,
            "must have at most 65536 inputs, not 108000: set encoder.events.scale to more than 1",
        ),
    ],
)
def test_what_is_said_and_contradicts_is_told_with_the_key(
    data: str, key: str, value: int, message: str
) -> None:
    told = message_of(lambda: fitted(DEMO, data, said={key: value}))
    assert told.startswith(f"Events of {data} ")
    assert told.endswith(message)


def test_groups_keep_their_geometry_and_see_the_channels_of_the_data(tmp_path: Path) -> None:
    windows = tiny_windows()
    folder = str(write_event_digits(tmp_path / "ev", train=30, test=20))
    config, _ = fitted(windows, folder, said={})
    assert (config.inputs, config.groups) == (windows.inputs, windows.groups)
    config, _ = fitted(windows, folder, said={"encoder.events.polarity": "separate"})
    assert config.inputs == 2 * windows.inputs
    with pytest.raises(ConfigError, match="image_width and image_height must be for 16 inputs"):
        fitted(windows, folder, said={"encoder.events.scale": 2})


def test_data_or_a_key_say_that_events_are_taken(data: str) -> None:
    assert takes_events(data, ())
    assert takes_events("sample", {"encoder.events.scale"})
    assert takes_events("sample", {"encoder.events"})
    assert not takes_events("sample", {"encoder.eventsx", "inputs"})
