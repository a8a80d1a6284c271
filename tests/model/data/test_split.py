"""Splits: what they are, what is taken out of them, and every message about what is refused."""

import struct
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from prunus_data import grey, message_of, sha256, small_split
from prunus_model.data.split import check_for
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams, EncoderParams
from prunus_model.spec.readout import ReadoutParams


def test_split_is_read_only_and_leaves_the_callers_arrays_alone() -> None:
    images = grey(3).reshape(3, 6)
    split = small_split(images=images)
    images[0, 0] = 9
    assert split.images[0, 0] == 9
    with pytest.raises(ValueError, match="read-only"):
        split.images[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        split.__setattr__("name", "other")


def test_sha256_covers_shape_images_and_labels_only() -> None:
    split = small_split()
    plain = struct.pack("<qq", 3, 6) + bytes(range(18)) + bytes([1, 2, 3])
    assert split.sha256 == sha256(plain)
    assert small_split(name="other", image_shape=(1, 6)).sha256 == split.sha256
    others = [
        small_split(labels=np.array([1, 2, 4], np.uint8)),
        small_split(images=grey(3, start=1).reshape(3, 6)),
        split.head(2),
    ]
    assert len({split.sha256, *(other.sha256 for other in others)}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"images": np.zeros((3, 6))},
            "Array images must be uint8 with 2 dimensions, not float64 with 2",
            id="float images",
        ),
        pytest.param(
            {"images": grey(3)},
            "Array images must be uint8 with 2 dimensions, not uint8 with 3",
            id="images not flat",
        ),
        pytest.param(
            {"labels": np.zeros(3, np.int64)},
            "Array labels must be uint8 with 1 dimensions, not int64 with 1",
            id="wide labels",
        ),
        pytest.param(
            {"images": np.asfortranarray(grey(3).reshape(3, 6))},
            "Array images must be C-contiguous",
            id="column by column",
        ),
    ],
)
def test_split_of_wrong_arrays_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        small_split(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"images": np.zeros((0, 6), np.uint8), "labels": np.zeros(0, np.uint8)},
            "Data set must hold at least one image of at least one pixel, not 0 x 6",
            id="no image",
        ),
        pytest.param(
            {"images": np.zeros((3, 0), np.uint8)},
            "Data set must hold at least one image of at least one pixel, not 3 x 0",
            id="no pixel",
        ),
        pytest.param(
            {"labels": np.zeros(2, np.uint8)},
            "Images and labels of set must be equally many, but got 3 images, 2 labels",
            id="fewer labels",
        ),
        pytest.param(
            {"image_shape": (2, 2)},
            "Image shape of set must have 6 pixels, not 2 x 2",
            id="another shape",
        ),
        pytest.param(
            {"image_shape": (-2, -3)},
            "Image shape of set must have 6 pixels, not -2 x -3",
            id="negative shape",
        ),
    ],
)
def test_split_of_wrong_sizes_is_refused(changes: dict[str, Any], message: str) -> None:
    assert message_of(lambda: small_split(**changes)) == message


def test_take_returns_the_images_of_its_name() -> None:
    part = small_split().take(1, 2)
    assert (part.name, len(part), part.image_shape) == ("set[1:3]", 2, (2, 3))
    assert part.images.tolist() == [list(range(6, 12)), list(range(12, 18))]
    assert part.labels.tolist() == [2, 3]
    assert small_split().head(1).labels.tolist() == [1]


def test_head_of_everything_is_the_split_itself() -> None:
    split = small_split()
    assert split.head(3) is split


@pytest.mark.parametrize(
    ("first", "count", "message"),
    [
        (0, 4, "Number of images taken from set must be in 1..3, not 4"),
        (0, 0, "Number of images taken from set must be in 1..3, not 0"),
        (2, 2, "Number of images taken from set from image 2 on must be in 1..1, not 2"),
        (3, 1, "First image taken from set must be in 0..2, not 3"),
        (-1, 1, "First image taken from set must be in 0..2, not -1"),
    ],
    ids=["too many", "none", "beyond the end", "start beyond the end", "negative start"],
)
def test_taking_more_than_there_is_is_refused(first: int, count: int, message: str) -> None:
    assert message_of(lambda: small_split().take(first, count)) == message


def test_check_for_accepts_only_matching_pixels_and_labels() -> None:
    def check(inputs: int, classes: int, contrast: ContrastParams | None = None) -> None:
        config = NetworkConfig(
            inputs=inputs,
            readout=ReadoutParams(classes=classes),
            encoder=EncoderParams(contrast=contrast),
        )
        check_for(small_split(), config)

    check(6, 4)
    assert message_of(lambda: check(784, 10)) == (
        "Images of set must have 784 pixels for this configuration, not 6"
    )
    assert message_of(lambda: check(6, 3)) == (
        "Labels of set must be in 0..2 for this configuration, not 3"
    )
    contrast = ContrastParams(image_width=3)
    check(12, 4, contrast)
    assert message_of(lambda: check(6, 4, contrast)) == (
        "Images of set must have 3 pixels for this configuration, not 6 "
        "(encoder.contrast: set inputs to 12)"
    )
