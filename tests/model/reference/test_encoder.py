"""Rate encoder: exhaustive over pixels and over random bytes."""

import numpy as np
import pytest

from prunus_model.reference.encoder import draw, spikes
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.levels import levels
from prunus_model.spec.random_streams import ENCODER

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


def stream() -> Stream:
    return Stream(seed=5, presentation=3, constant=ENCODER)


def test_random_spikes_draw_a_new_pass_in_each_step() -> None:
    one, other = stream(), stream()
    params = EncoderParams()
    for step in (0, 1, 2):
        assert draw(one, step, 9, params).tolist() == other.draw_bytes(9).tolist()


def test_low_discrepancy_spikes_draw_the_same_pass_in_each_step() -> None:
    one, params = stream(), EncoderParams(spikes="low-discrepancy")
    first = stream().draw_bytes(9)
    for step in (0, 1, 2, 254, 1):
        expected = [(byte + 157 * step) % 256 for byte in first.tolist()]
        assert draw(one, step, 9, params).tolist() == expected


@pytest.mark.parametrize("level", [1, 7, 100, 128, 254, 255], ids="level {}".format)
def test_low_discrepancy_spikes_are_as_many_as_the_level_says(level: int) -> None:
    # In any 64 steps, whatever the byte, the number is within two of its mean.
    params = EncoderParams(spikes="low-discrepancy", steps=255)
    one, levels_ = stream(), np.full(300, level, np.uint8)
    shown = np.array([spikes(draw(one, step, 300, params), levels_) for step in range(255)])
    counts = np.lib.stride_tricks.sliding_window_view(shown, 64, axis=0).sum(axis=-1)
    assert abs(counts - level * 64 / 256).max() <= 2
