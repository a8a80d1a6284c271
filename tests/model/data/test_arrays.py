"""Axes and labels of arrays, as people have them."""

from pathlib import Path

import numpy as np
import pytest

from prunus_data import message_of, to_npz
from prunus_model.data.datasets import load


def test_colours_become_planes_one_after_the_other(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    split = load(to_npz(tmp_path, images=images, labels=np.array([0, 1])), "train")
    assert (split.image_shape, split.channels) == ((2, 2), 3)
    assert split.images[0].tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    assert split.take(1, 1).channels == 3


def test_one_channel_is_grey(tmp_path: Path) -> None:
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3, 1)
    split = load(to_npz(tmp_path, images=images, labels=np.array([0, 1])), "train")
    assert (split.image_shape, split.channels) == ((2, 3), 1)
    assert split.images.tolist() == images.reshape(2, 6).tolist()


@pytest.mark.parametrize(
    "labels",
    [
        np.array([[2], [0]], np.uint8),
        np.array([[0, 0, 1], [1, 0, 0]]),
        np.array([[0, 0, 1], [1, 0, 0]], np.float32),
        np.array([[False, False, True], [True, False, False]]),
    ],
    ids=["column", "one-hot", "one-hot floats", "one-hot bits"],
)
def test_labels_in_a_column_or_one_hot(tmp_path: Path, labels: np.ndarray) -> None:
    split = load(to_npz(tmp_path, images=np.eye(2, 3, dtype=np.uint8), labels=labels), "train")
    assert split.labels.tolist() == [2, 0]


MOVED = "must have the axis of the 9 images first, as numpy.moveaxis(images, {}, 0) makes it, "
LAST = "must have 1 to 3 channels last, not "


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 5, 9), f"{MOVED.format(2)}(9, 4, 5), not (4, 5, 9)"),
        ((5, 9), f"{MOVED.format(1)}(9, 5), not (5, 9)"),
        ((4, 4, 3, 9), f"{MOVED.format(3)}(9, 4, 4, 3), not (4, 4, 3, 9)"),
        ((9, 3, 4, 5), f"{LAST}(9, 3, 4, 5): numpy.moveaxis(images, 1, 3) makes (9, 4, 5, 3)"),
        ((9, 4, 5, 4), f"{LAST}(9, 4, 5, 4): leave out the transparency, images[..., :3]"),
        ((9, 4, 5, 7), f"{LAST}(9, 4, 5, 7)"),
        (
            (9,),
            (
                "must have shape (n, height, width), (n, height, width, channels) or (n, inputs), "
                "not (9,)"
            ),
        ),
    ],
)
def test_wrong_axes_are_told_with_what_is_right(
    tmp_path: Path, shape: tuple[int, ...], message: str
) -> None:
    path = to_npz(tmp_path, images=np.zeros(shape, np.uint8), labels=np.arange(9) % 2)
    assert message_of(lambda: load(path, "train")) == f"Array images of {path} {message}"


def test_number_of_labels_that_no_axis_has_is_told(tmp_path: Path) -> None:
    path = to_npz(tmp_path, images=np.zeros((3, 2, 2), np.uint8), labels=np.zeros(2, np.uint8))
    assert message_of(lambda: load(path, "train")) == (
        f"Images and labels of {path} must be equally many, but got 3 images, 2 labels"
    )


def test_nan_is_told_with_its_image(tmp_path: Path) -> None:
    images = np.ones((3, 2, 2))
    images[2, 1, 0] = np.nan
    path = to_npz(tmp_path, images=images, labels=np.arange(3))
    assert message_of(lambda: load(path, "test")) == (
        f"Array images of {path} must have finite values, not nan in image 2"
    )


def test_other_usual_names_of_arrays(tmp_path: Path) -> None:
    images, labels = np.eye(2, 4, dtype=np.uint8), np.array([1, 0])
    for names in (("X", "y"), ("data", "target"), ("X_train", "Y_train"), ("Images", "LABELS")):
        split = load(to_npz(tmp_path, **dict(zip(names, (images, labels), strict=True))), "train")
        assert split.labels.tolist() == [1, 0]
