"""Labelled events, binned: what a network is trained and tested with."""

from dataclasses import replace
from pathlib import Path

import pytest

from prunus_cli import digits
from prunus_events import event_digits, recording, structured, write_event_digits
from prunus_model.common.errors import ConfigError, DataError
from prunus_model.data.doubts import doubts, training_doubts
from prunus_model.data.events.split import (
    EventSplit,
    bin_recordings,
    from_tonic,
    load_events,
    load_for,
    stimuli,
)
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams
from prunus_model.spec.readout import ReadoutParams

PARAMS = EventsParams(width=7, height=7, polarity="merged")
ENCODER = EncoderParams(steps=16, events=PARAMS)
CONFIG = replace(NetworkConfig.named("tiny"), encoder=ENCODER)
TWO = [recording([0, 8, 15], [1, 2, 1], label=3), recording([5, 9], [4, 4], label=9)]


def split() -> EventSplit:
    return bin_recordings("two", TWO, ENCODER)


def test_recordings_are_packed_with_their_labels() -> None:
    found = split()
    assert found.labels.tolist() == [3, 9]
    assert (len(found), found.events.inputs, found.image_shape) == (2, 49, (7, 7))
    assert {k: p.tolist() for k, p in enumerate(found.events.lists(0)) if len(p)} == {
        0: [1],
        8: [2],
        15: [1],
    }
    assert stimuli(found, CONFIG) is found.events


def test_the_identity_is_of_what_is_shown() -> None:
    found = split()
    others = [
        bin_recordings("two", TWO[::-1], ENCODER),
        bin_recordings("two", [TWO[0], recording([5, 9], [4, 4], label=8)], ENCODER),
        bin_recordings("two", [TWO[0], recording([5, 9], [4, 5], label=9)], ENCODER),
        bin_recordings("two", [TWO[0], recording([5, 5, 9], [4, 5, 4], label=9)], ENCODER),
        bin_recordings("two", TWO, replace(ENCODER, steps=17)),
        bin_recordings("two", TWO[:1], ENCODER),
    ]
    assert len({one.sha256 for one in [found, *others]}) == 7
    assert bin_recordings("other", TWO, ENCODER).sha256 == found.sha256
    late = [replace(one, t=one.t + 77) for one in TWO]
    assert bin_recordings("two", late, ENCODER).sha256 == found.sha256
    assert found.identity == f"events {found.sha256[:12]}"


def test_some_of_them() -> None:
    found = split()
    second = found.take(1, 1)
    assert (second.name, second.labels.tolist()) == ("two[1:2]", [9])
    assert second.sha256 == bin_recordings("x", TWO[1:], ENCODER).sha256
    assert found.head(2) is found
    for first, count in ((0, 3), (2, 1), (-1, 1), (0, 0)):
        with pytest.raises(DataError, match=r"must be some of 0\.\.1, not"):
            found.take(first, count)


def test_a_folder_is_loaded(tmp_path: Path) -> None:
    folder = write_event_digits(tmp_path / "ev", train=30, test=20)
    train, test = (load_events(str(folder), name, ENCODER) for name in ("train", "test"))
    assert (len(train), len(test), train.name) == (30, 20, f"{folder} train")
    assert train.labels.tolist() == digits(30).labels.tolist()
    assert load_for(CONFIG.encoder, str(folder), "test").sha256 == test.sha256


def test_pairs_as_tonic_gives_them() -> None:
    pairs = [(structured([0, 8, 15], [1, 2, 1], [0, 0, 0], [1, 0, 1]), 3)]
    found = from_tonic(pairs, ENCODER, name="tonic")
    assert found.sha256 == bin_recordings("x", TWO[:1], ENCODER).sha256
    with pytest.raises(DataError, match=r"Event 0 of tonic\[0\] must have x in 0..6"):
        from_tonic([(structured([0], [7], [0], [1]), 3)], ENCODER, name="tonic")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, "Recording rec must have a label: a folder for each class, or labels in the file"),
        (256, "Label of rec must be in 0..255, not 256"),
        (-1, "Label of rec must be in 0..255, not -1"),
    ],
)
def test_missing_and_wrong_labels_are_refused(label: int | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bin_recordings("x", [recording([0], [0], label=label)], ENCODER)


def test_contradictions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"encoder\.events must be set to bin events"):
        bin_recordings("x", TWO, EncoderParams())
    with pytest.raises(DataError, match="Data x must hold at least one recording"):
        bin_recordings("x", [], ENCODER)
    with pytest.raises(DataError, match=r"Events of two must be binned as encoder\.events"):
        stimuli(split(), replace(CONFIG, encoder=replace(ENCODER, steps=17)))
    few = replace(CONFIG, readout=replace(CONFIG.readout, classes=9))
    with pytest.raises(DataError, match=r"must be in 0\.\.8 .* \(readout\.classes\), not 9"):
        stimuli(split(), few)
    with pytest.raises(DataError, match="Data digits must be events for this network, not images"):
        stimuli(digits(3), CONFIG)
    with pytest.raises(DataError, match="Data sample must be events for this network"):
        load_for(CONFIG.encoder, "sample", "test")
    folder = write_event_digits(tmp_path / "ev", 3, 3)
    with pytest.raises(DataError, match="must be images for this network, not events"):
        load_for(NetworkConfig.named("tiny").encoder, str(folder), "test")


def test_what_is_odd_is_told() -> None:
    short = replace(ENCODER, events=replace(PARAMS, step_us=1, scale=1))
    found = bin_recordings("two", [*TWO, recording([0, 15, 16, 99], [0] * 4)], short)
    (late,) = doubts(found, short)
    assert late.startswith("2 of 9 events of two are later than the last step and are left out (")
    assert late.endswith("(encoder.events.step_us 1)")
    assert doubts(replace(split(), fallback=True), ENCODER) == [
        "The wanted recordings are missing; those of two are taken instead"
    ]
    config = replace(CONFIG, readout=ReadoutParams(classes=10))
    assert training_doubts(split(), config) == ["Only 2 of 10 classes have recordings in two"]


def test_events_of_images_have_the_times_of_their_steps() -> None:
    events = event_digits(5)
    assert len(events["offsets"]) == 6
    assert events["t"].max() == 5_015_000
