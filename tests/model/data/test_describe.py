"""How bright images are, what gain suits them, and what a data set is said to be."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_data import small_split
from prunus_model.data.brightness import Brightness
from prunus_model.data.datasets import load
from prunus_model.data.describe import describe
from prunus_model.data.doubts import training_doubts
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.levels import levels

DEMO = NetworkConfig.named("demo")


def pixels(*levels: int) -> np.ndarray:
    return np.array([levels], np.uint8)


def test_statistics_are_those_of_the_pixels() -> None:
    values = np.random.default_rng(3).integers(0, 200, (7, 11)).astype(np.uint8)
    found = Brightness.of(values)
    assert (found.darkest, found.brightest) == (values.min(), values.max())
    assert found.mean == pytest.approx(values.mean())
    assert found.median == np.sort(values.ravel())[38]
    assert Brightness.of(pixels(0, 0, 9, 9)).median == 9


def test_many_pixels_are_counted_in_parts() -> None:
    assert Brightness.of(np.full((9, 1 << 20), 3, np.uint8)).counts[3] == 9 << 20


def test_spikes_are_those_that_the_engine_makes() -> None:
    split = load("sample", "train").head(300)
    expected = Brightness.of(split.images).spikes(DEMO.encoder)
    counters, _ = Engine(DEMO).infer(levels(split.images, DEMO.encoder))
    made = counters[:, COUNTERS.index("input_spikes")]
    assert made.mean() == pytest.approx(expected, rel=0.01)


def test_gain_of_mnist_is_its_own() -> None:
    assert Brightness.of(load("sample", "train").images).suggested_gain == 100


@pytest.mark.parametrize(
    ("image", "gain"),
    [
        (pixels(*[0] * 15, 255), 100),
        (pixels(*[0] * 15, 16), 1594),
        (pixels(*[0] * 15, 1), 25500),
        (pixels(*[0] * 3, 255), 52),
        (pixels(*[255] * 4), 13),
        (pixels(0, 0), 100),
        (pixels(*[0] * 18000, *[50] * 2000, 255), 510),
    ],
    ids=["white", "16 is white", "1 is white", "much white", "all white", "black", "an outlier"],
)
def test_gain_follows_the_smaller_of_white_and_mean(image: np.ndarray, gain: int) -> None:
    assert Brightness.of(image).suggested_gain == gain


@pytest.mark.parametrize(
    ("image", "gain", "told"),
    [
        (pixels(*[0] * 15, 16), 100, "No pixel of x is above 16: is 16 white?"),
        (pixels(*[0] * 15, 16), 1000, ""),
        (pixels(*[0] * 15, 130), 100, ""),
        (pixels(*[0] * 15, 127), 100, "No pixel of x is above 127"),
        # The user's own choice, as white is 255.
        (pixels(*[0] * 15, 255), 30, ""),
        (pixels(*[0] * 15, 254), 30, "No pixel of x is above 254"),
        (pixels(*[0] * 18000, *[50] * 2000, 255), 100, "Hardly any pixel of x is above 50: is 50"),
        (pixels(0, 82), 100, "Half of the pixels of x are at 82 of 255 or above"),
        (pixels(0, 81), 100, ""),
        (pixels(255, 255), 20, ""),
        (pixels(0, 0), 100, "All pixels of x are black"),
    ],
)
def test_levels_that_are_odd_after_the_gain_are_told(
    image: np.ndarray, gain: int, told: str
) -> None:
    found = Brightness.of(image).doubts("x", EncoderParams(gain=gain))
    assert len(found) == (told != "")
    assert "".join(found).startswith(told)


def test_notes_of_the_reader_are_told() -> None:
    split = small_split(notes=("said by the reader",))
    assert training_doubts(split, DEMO)[0] == "said by the reader"


def test_description_has_what_a_training_would_have() -> None:
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "9")
    train = replace(load("sample", "train").head(500), class_names=names)
    test = replace(load("sample", "test").head(100), class_names=names)
    found = describe(train, test, DEMO)
    assert found.has_test
    told = found.to_mapping()
    assert told["classes"][0] == {"name": "zero", "train": 50, "test": 8}
    assert told["classes"][9]["name"] == "9"
    assert (told["inputs"], told["image_shape"], told["suggested_gain"]) == (784, [28, 28], 100)
    assert [sum(c[s] for c in told["classes"]) for s in ("train", "test")] == [500, 100]
    alone = describe(train, train, DEMO)
    assert not alone.has_test
    assert {c["test"] for c in alone.to_mapping()["classes"]} == {0}
