"""Rate encoder: exhaustive over pixels and over random bytes."""

import numpy as np
import pytest

from prunus_model.reference.encoder import spikes
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.levels import levels

PIXELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("gain", [1, 2, 100, 160, 255, 256, 257, 1000, 65535], ids="gain {}".format)
def test_levels_of_all_pixels(gain: int) -> None:
    got = levels(PIXELS, EncoderParams(gain=gain))
    assert got.dtype == np.uint8
    assert got.tolist() == [min(255, (pixel * gain) >> 8) for pixel in range(256)]


@pytest.mark.parametrize(
    ("pixel", "gain", "level"),
    [
        pytest.param(2, 100, 0, id="200 of 256 is floored to 0"),
        pytest.param(3, 100, 1, id="300 of 256 is floored to 1"),
        pytest.param(255, 100, 99, id="brightest pixel of the default gain"),
        pytest.param(255, 256, 255, id="gain of 1 changes nothing"),
        pytest.param(255, 257, 255, id="255 and something is floored"),
        pytest.param(128, 512, 255, id="256 is clipped"),
        pytest.param(127, 512, 254, id="254 is not clipped"),
        pytest.param(1, 65535, 255, id="largest gain"),
        pytest.param(0, 65535, 0, id="black stays dark"),
    ],
)
def test_level_of_one_pixel(pixel: int, gain: int, level: int) -> None:
    assert levels(np.array([pixel], np.uint8), EncoderParams(gain=gain)).tolist() == [level]


def test_levels_keep_the_shape_and_the_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    kept = pixels.copy()
    assert levels(pixels, EncoderParams(gain=512)).tolist() == (kept * 2).tolist()
    assert pixels.tolist() == kept.tolist()


def test_input_spikes_iff_its_byte_is_below_its_level() -> None:
    random, level = (axis.ravel() for axis in np.mgrid[0:256, 0:256])
    got = spikes(random, level.astype(np.uint8))
    assert got.dtype == np.bool_
    assert got.tolist() == [r < x for r in range(256) for x in range(256)]


def test_level_is_the_number_of_bytes_of_256_that_make_a_spike() -> None:
    random = np.arange(256)
    counts = [int(spikes(random, np.full(256, x, np.uint8)).sum()) for x in range(256)]
    assert counts == list(range(256))


@pytest.mark.parametrize(
    ("random", "level", "spike"),
    [(0, 0, False), (0, 1, True), (1, 1, False), (254, 255, True), (255, 255, False)],
    ids=["dark", "darkest", "at the level", "just below the brightest", "brightest may miss"],
)
def test_comparison_is_strict(random: int, level: int, spike: bool) -> None:
    assert spikes(np.array([random]), np.array([level], np.uint8)).tolist() == [spike]
