"""Data sets on which a rule of pruning has to hold that was made with MNIST; each by a rule.

All are the same on every machine: integers, and random numbers of a seed that is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.split import Split, SplitName

__all__ = ["BENCHMARKS", "CHESSBOARD", "SIMULATED", "benchmark"]

#: Every other pixel of MNIST: half of the inputs, chosen without looking at a network.
CHESSBOARD = "mnist-chessboard"

#: Simulated saccades over digits (:func:`prunus_model.data.events.split.load_events`).
SIMULATED = "mnist-events"

_SEED = 16
#: Grey levels of the noise, from 0: a background that is nowhere black.
_NOISE = 26
#: Of the noisy and the coloured digits and of the events: the first images of MNIST.
_SIZES: Mapping[SplitName, int] = {"train": 20_000, "test": 5_000}
#: Images of the digits of scikit-learn that are for testing.
_DIGITS_TEST = 500
#: Spectra: bins, and of each class the places of its two lines.
_BINS = 128
_LINES = ((30, 92), (38, 84), (46, 76), (54, 100), (62, 108))
_SPECTRA: Mapping[SplitName, int] = {"train": 5_000, "test": 2_000}

#: Loads a split of a data set that has a name.
_Loader = Callable[[str, SplitName], Split]


def benchmark(name: str, split: SplitName, load: _Loader) -> Split:
    """Make a split of a benchmark.

    Parameters
    ----------
    name : str
        Of :data:`BENCHMARKS`.
    split : {"train", "test"}
        Which split.
    load : callable
        Loads MNIST (:func:`prunus_model.data.datasets.load`).

    Returns
    -------
    Split

    Raises
    ------
    DataError
        If MNIST is missing, or the package that has the digits.
    """
    made = BENCHMARKS[name](split, load)
    return replace(made, name=f"{name} {split}", named=True)


def _random(split: SplitName) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([_SEED, split == "train"]))


def _noisy(split: SplitName, load: _Loader) -> Split:
    """Put digits before uniform noise, 0..25: each pixel is the brighter of both."""
    digits = load("mnist", split).head(_SIZES[split])
    shape = digits.images.shape
    noise = _random(split).integers(0, _NOISE, shape, dtype=np.uint8)
    return replace(digits, images=np.maximum(digits.images, noise))


def _coloured(split: SplitName, load: _Loader) -> Split:
    """Colour digits: each channel has between 3/10 and all of the brightness."""
    digits = load("mnist", split).head(_SIZES[split])
    colours = _random(split).integers(77, 256, (len(digits), 3, 1), dtype=np.uint16)
    images = (digits.images[:, None, :] * colours >> 8).astype(np.uint8)
    return replace(digits, images=images.reshape(len(digits), -1), channels=3)


def _chessboard(split: SplitName, load: _Loader) -> Split:
    """Take the white squares of a chessboard: of even rows the even columns, of odd the odd."""
    digits = load("mnist", split)
    rows, columns = digits.image_shape
    pixels = np.arange(rows * columns).reshape(rows, columns)
    white = pixels[sum(np.indices(pixels.shape)) % 2 == 0]
    images = np.ascontiguousarray(digits.images[:, white])
    return replace(digits, images=images, image_shape=(rows, columns // 2))


def _digits(split: SplitName, _load: _Loader) -> Split:
    """Return those of the 1,797 digits of scikit-learn; 500 are for testing."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as e:
        raise DataError(
            "Data digits must come with scikit-learn, which is not installed: "
            "pip install 'prunus[datasets]'"
        ) from e
    images, labels = load_digits(return_X_y=True)
    order = np.random.Generator(np.random.PCG64(_SEED)).permutation(len(labels))
    chosen = order[:-_DIGITS_TEST] if split == "train" else order[-_DIGITS_TEST:]
    levels = np.minimum(255, images[chosen].astype(np.int64) * 16)
    return Split(
        name="digits",
        images=np.ascontiguousarray(levels.astype(np.uint8)),
        labels=labels[chosen].astype(np.uint8),
        image_shape=(8, 8),
    )


def _spectra(split: SplitName, _load: _Loader) -> Split:
    """Make spectra of 128 bins: two lines of each of five classes, that move, over noise."""
    rng, count = _random(split), _SPECTRA[split]
    labels = rng.integers(0, len(_LINES), count)
    bins = np.arange(_BINS)
    levels: npt.NDArray[Any] = rng.integers(0, _NOISE, (count, _BINS))
    for line in range(2):
        place = np.array(_LINES)[labels, line] + rng.integers(-6, 7, count)
        height, width = rng.integers(60, 231, count), rng.integers(3, 8, count)
        squared = (width * width)[:, None]
        distance = (bins - place[:, None]) ** 2
        levels += height[:, None] * squared // (squared + distance)
    return Split(
        name="spectra",
        images=np.minimum(255, levels).astype(np.uint8),
        labels=labels.astype(np.uint8),
        image_shape=(1, _BINS),
    )


def _first(split: SplitName, load: _Loader) -> Split:
    """Return the digits of which saccades make events."""
    return load("mnist", split).head(_SIZES[split] // 2)


#: By name. Of :data:`SIMULATED` these are the images.
BENCHMARKS: Mapping[str, Callable[[SplitName, _Loader], Split]] = {
    "mnist-noise": _noisy,
    "mnist-colour": _coloured,
    CHESSBOARD: _chessboard,
    "digits": _digits,
    "spectra": _spectra,
    SIMULATED: _first,
}
