"""The simulator of saccades: what it writes is read, and follows from the image alone."""

import numpy as np
import pytest

from prunus_model.common.errors import DataError
from prunus_model.data.datasets import load
from prunus_model.data.events import nmnist, saccades

SAMPLE = load("sample", "test").head(3)
IMAGES = SAMPLE.images.reshape(-1, 28, 28)


def test_events_are_in_the_format_of_nmnist() -> None:
    for k, made in enumerate(saccades.simulate(IMAGES, SAMPLE.labels, name="sample")):
        assert (made.name, made.label) == (f"sample[{k}]", SAMPLE.labels[k])
        again = nmnist.parse(nmnist.pack(made.t, made.x, made.y, made.p), "a", label=made.label)
        for name in "txyp":
            assert getattr(again, name).tolist() == getattr(made, name).tolist()
        assert again.frame == made.frame == (34, 34)
        assert made.t[-1] < 300_000
        # As many as N-MNIST has: its mean is some 4,000.
        assert 2_000 < len(made) < 8_000


def test_an_image_makes_the_same_events_alone_and_among_others() -> None:
    many = list(saccades.simulate(IMAGES, SAMPLE.labels, name="x"))
    (one,) = saccades.simulate(IMAGES[2:], SAMPLE.labels[2:], name="x")
    for name in "txyp":
        assert getattr(one, name).tolist() == getattr(many[2], name).tolist()


def test_at_the_end_each_pixel_is_where_it_began() -> None:
    # The path is closed: brightness that came with on events went with as many off events.
    (made,) = saccades.simulate(IMAGES[:1], SAMPLE.labels[:1], name="x")
    sums = np.zeros((34, 34), dtype=np.int64)
    np.add.at(sums, (made.y, made.x), 2 * made.p - 1)
    assert np.abs(sums).max() <= 1


def test_a_bright_point_goes_along_the_path() -> None:
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, 10, 10] = 255
    (made,) = saccades.simulate(image, np.zeros(1, dtype=np.uint8), name="x")
    on = made.p == 1
    # 3 to the right and 6 down, 3 to the right and 6 up, 6 to the left.
    for start, end, x, y in ((90, 100, 13, 16), (190, 200, 16, 10), (290, 300, 10, 10)):
        now = on & (made.t >= start * 1000) & (made.t < end * 1000)
        assert np.abs(made.x[now] - x).max() <= 1
        assert np.abs(made.y[now] - y).max() <= 1
    assert (made.x.min(), made.x.max(), made.y.min(), made.y.max()) == (10, 16, 10, 16)


def test_small_images_stand_in_the_middle_and_large_ones_are_refused() -> None:
    image = np.full((1, 2, 4), 200, dtype=np.uint8)
    (made,) = saccades.simulate(image, np.zeros(1, dtype=np.uint8), name="x")
    assert (made.x.min(), made.x.max(), made.y.min(), made.y.max()) == (12, 21, 13, 20)
    with pytest.raises(ValueError, match="must be at most 28 x 28 pixels, not 29 x 28"):
        next(saccades.simulate(np.zeros((1, 28, 29), np.uint8), np.zeros(1, np.uint8), name="x"))


def test_an_image_without_contrast_has_no_events() -> None:
    dark = np.zeros((1, 28, 28), dtype=np.uint8)
    with pytest.raises(DataError, match=r"Recording x\[0\] must have at least one event"):
        list(saccades.simulate(dark, np.zeros(1, dtype=np.uint8), name="x"))
