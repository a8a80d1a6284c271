"""Benchmarks of other data: the same everywhere, and what their rules say."""

import sys

import numpy as np
import pytest

from prunus_model.common.errors import DataError
from prunus_model.data.benchmarks import BENCHMARKS, benchmark
from prunus_model.data.datasets import data_digest, is_name, load
from prunus_model.data.events.fitting import fitted
from prunus_model.data.events.split import load_events, load_for
from prunus_model.data.split import Split, SplitName
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams, EventsParams

IMAGES = np.random.default_rng(3).integers(0, 256, (30, 784), dtype=np.uint8)
IMAGES[:, ::3] = 0


def mnist(name: str, split: SplitName) -> Split:
    """Stand in for MNIST, of which the first images are taken."""
    assert name == "mnist"
    count = 20_000 if split == "train" else 5_000
    images = np.resize(IMAGES, (count + 5, 784))
    return Split(
        name=f"mnist {split}",
        images=images,
        labels=(np.arange(len(images)) % 10).astype(np.uint8),
        image_shape=(28, 28),
        named=True,
    )


def test_noise_is_a_background_that_is_nowhere_brighter_than_25() -> None:
    made, clean = benchmark("mnist-noise", "test", mnist), mnist("mnist", "test")
    assert (len(made), made.name, made.named) == (5000, "mnist-noise test", True)
    added = made.images.astype(int) - clean.images[:5000]
    assert (added.min(), made.images[clean.images[:5000] == 0].max()) == (0, 25)
    lit = clean.images[:5000] > 25
    assert np.array_equal(made.images[lit], clean.images[:5000][lit])
    assert made.labels.tolist() == clean.labels[:5000].tolist()


def test_colours_are_shares_of_the_brightness_in_three_channels() -> None:
    made, clean = benchmark("mnist-colour", "test", mnist), mnist("mnist", "test")
    assert (made.images.shape, made.channels, made.image_shape) == ((5000, 2352), 3, (28, 28))
    channels = made.images.reshape(5000, 3, 784).astype(int)
    grey = clean.images[:5000, None].astype(int)
    assert (channels <= grey).all()
    assert (channels >= grey * 77 // 256).all()
    # One colour for a whole digit, and others for others.
    brightest = grey[0, 0].argmax()
    assert len(np.unique(channels[:50, :, brightest])) > 40


def test_a_chessboard_has_every_other_pixel_of_each_row_and_column() -> None:
    half, whole = benchmark("mnist-chessboard", "test", mnist), mnist("mnist", "test")
    assert (half.images.shape, half.image_shape) == ((5005, 392), (28, 14))
    rows = whole.images.reshape(-1, 28, 28)
    assert np.array_equal(half.images.reshape(-1, 28, 14)[:, ::2], rows[:, ::2, ::2])
    assert np.array_equal(half.images.reshape(-1, 28, 14)[:, 1::2], rows[:, 1::2, 1::2])
    assert half.labels.tolist() == whole.labels.tolist()


def test_spectra_have_two_lines_of_their_class_over_noise() -> None:
    train, test = (load("spectra", split) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((5000, 128), (2000, 128))
    assert sorted(set(train.labels.tolist())) == [0, 1, 2, 3, 4]
    mean = train.images[train.labels == 0].mean(axis=0)
    assert abs(int(mean[:60].argmax()) - 30) <= 6
    assert abs(60 + int(mean[60:].argmax()) - 92) <= 6
    assert 8 < np.median(train.images[:, 120:]) < 20
    # The same on every machine.
    assert train.sha256.startswith("b045f1c8")


def test_digits_are_those_of_scikit_learn_each_in_one_split() -> None:
    train, test = (load("digits", split) for split in ("train", "test"))
    assert (len(train), len(test), train.image_shape) == (1297, 500, (8, 8))
    assert train.images.max() == 255
    assert set(np.unique(train.images)) <= {*range(0, 255, 16), 255}
    both = np.concatenate([train.images, test.images])
    assert len(np.unique(both, axis=0)) == 1797
    assert train.sha256.startswith("047fea16")


def test_digits_without_their_package_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"pip install 'prunus\[datasets\]'$"):
        load("digits", "train")


def test_events_are_those_of_saccades(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(spec: str, split: SplitName, **_: object) -> Split:
        return benchmark(spec, split, mnist).head(3)

    monkeypatch.setattr("prunus_model.data.events.split.load", few)
    encoder = EncoderParams(events=EventsParams(width=34, height=34))
    events = load_events("mnist-events", "test", encoder)
    assert (len(events), events.events.inputs, events.labels.tolist()) == (3, 2312, [0, 1, 2])
    assert events.events.counts.sum() > 1000


def test_events_are_no_images_and_a_configuration_is_fitted_to_them() -> None:
    with pytest.raises(DataError, match="must be images for this network, not events"):
        load_for(EncoderParams(), "mnist-events", "test")
    config, told = fitted(NetworkConfig.named("demo"), "mnist-events", said={})
    assert (config.inputs, config.readout.classes) == (2312, 10)
    assert told == "Events of 34 x 34 pixels, on and off: 2312 inputs, 10 classes"


def test_benchmarks_have_names_and_digests_of_their_own() -> None:
    assert all(is_name(name) for name in BENCHMARKS)
    assert len({data_digest(name) for name in [*BENCHMARKS, "mnist"]}) == len(BENCHMARKS) + 1
