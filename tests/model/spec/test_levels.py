"""Contrasts: against means that are summed pixel by pixel."""

import numpy as np
import pytest

from prunus_model.spec import levels as module
from prunus_model.spec.encoder import ContrastParams, EncoderParams
from prunus_model.spec.levels import contrasts, levels


def expected(image: list[int], width: int, window: int) -> list[int]:
    """The text of the semantics, one pixel at a time."""
    height, half = len(image) // width, window // 2
    on, off = [], []
    for row in range(height):
        for column in range(width):
            around = [
                image[y * width + x]
                for y in range(row - half, row + half + 1)
                for x in range(column - half, column + half + 1)
                if 0 <= y < height and 0 <= x < width
            ]
            mean, pixel = sum(around) // len(around), image[row * width + column]
            on.append(max(0, pixel - mean))
            off.append(max(0, mean - pixel))
    return on + off


@pytest.mark.parametrize("window", [3, 5, 11, 255], ids="window {}".format)
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 9), (9, 1), (6, 8), (13, 12)], ids="{}".format
)
def test_contrasts_are_those_of_the_text(height: int, width: int, window: int) -> None:
    rng = np.random.default_rng(height * width + window)
    images = rng.integers(0, 256, (3, height * width)).astype(np.uint8)
    images[1] = 255 * (images[1] > 128)
    got = contrasts(images, ContrastParams(image_width=width, window=window))
    assert got.dtype == np.uint8
    assert got.tolist() == [expected(image, width, window) for image in images.tolist()]


def test_means_of_the_largest_image_do_not_wrap() -> None:
    image = np.full(65536, 255, np.uint8)
    image[0] = 0
    got = contrasts(image, ContrastParams(image_width=256, window=255))
    off, on = got[65536:], got[:65536]
    assert (int(off[0]), int(on.max()), int(off[1:].max())) == (254, 1, 0)


def test_mean_is_rounded_down() -> None:
    # Sums 0 + 1 and 0 + 1 + 1, of two and three pixels.
    params = ContrastParams(image_width=3, window=3)
    assert contrasts(np.array([0, 1, 1], np.uint8), params).tolist() == [0, 1, 0, 0, 0, 0]


def test_levels_of_contrasts_are_scaled() -> None:
    params = EncoderParams(gain=300, contrast=ContrastParams(image_width=3, window=3))
    pixels = np.array([[0, 90, 31], [255, 0, 255]], np.uint8)
    wanted = [
        [min(255, value * 300 >> 8) for value in expected(image, 3, 3)] for image in pixels.tolist()
    ]
    assert levels(pixels, params).tolist() == wanted
    assert levels(pixels[0], params).tolist() == wanted[0]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5], ids="{} images".format)
def test_slices_make_no_difference(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (count, 12)).astype(np.uint8)
    params = ContrastParams(image_width=4, window=3)
    # Two images at a time.
    monkeypatch.setattr(module, "_SLICE", 25)
    got = contrasts(images, params)
    assert got.shape == (count, 24)
    assert got.tolist() == [expected(image, 4, 3) for image in images.tolist()]


def test_image_of_no_whole_rows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Images must have rows of 5 pixels, not 12 pixels$"):
        contrasts(np.zeros(12, np.uint8), ContrastParams(image_width=5))
