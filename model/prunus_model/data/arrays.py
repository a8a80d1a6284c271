"""Arrays of any reader become a split: their axes, their labels and their values are judged here.

Images are (n, height, width), (n, height, width, channels) or flat, (n, inputs). Inputs of a colour
image are its channels one after the other, each row by row, as the two channels of contrasts are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.class_names import check_words, in_order, key
from prunus_model.data.scaling import Scale, grey_levels
from prunus_model.data.split import Split, SplitName
from prunus_model.spec.formats import CLASSES_MAX

__all__ = ["Raw", "Reader", "to_split", "whole_numbers"]

#: Of an image: grey, two of anything, or red, green and blue.
_CHANNELS = (1, 2, 3)
_SHAPES = "(n, height, width), (n, height, width, channels) or (n, inputs)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raw:
    """Images and labels of one split as a reader found them.

    Attributes
    ----------
    name : str
        As :attr:`prunus_model.data.split.Split.name`.
    images, labels : ndarray
        Of any type and shape.
    images_name, labels_name : str
        What they are called in messages.
    fallback : bool
        Whether this is the other split, since the wanted one is not there.
    class_names : tuple of str
        As :attr:`prunus_model.data.split.Split.class_names`.
    notes : tuple of str
        What the reader decided and the user should know, one line each.
    """

    name: str
    images: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    images_name: str
    labels_name: str
    fallback: bool = False
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


#: Gives the split that is wanted, or the other one if there is only that.
Reader = Callable[[SplitName], Raw]


def to_split(read: Reader, split: SplitName, scale: Scale | None = None) -> Split:
    """Read a split and check and scale it (:mod:`prunus_model.data.scaling`).

    Parameters
    ----------
    read : callable
        Reads one of the two. Called for the training split, too, if the scale is that one's.
    split : {"train", "test"}
        Which is wanted.
    scale : Scale, optional
        That of a network, which the images are for. Default: that of the training split.

    Raises
    ------
    DataError
        If axes, types or values are not those of images and labels.
    """
    raw = read(split)
    flat, shape, channels = _flat(raw)
    raw = _without_words(raw, read, split)
    labels = _classes(raw.labels, raw.labels_name)
    check_values(flat, raw.images_name)
    scale = _scale_for(raw, flat, read, split, scale)
    levels, cut = grey_levels(flat, scale)
    notes = list(raw.notes)
    if cut:
        limits = f"{scale.black:g}..{scale.white:g}"
        notes.append(
            f"{100 * cut:.2g} % of the values of {raw.name} are beyond {limits}, those of the "
            "training, and are cut off"
        )
    return Split(
        name=raw.name,
        images=levels,
        labels=labels,
        image_shape=shape,
        channels=channels,
        fallback=raw.fallback,
        class_names=raw.class_names,
        scale=scale,
        notes=tuple(notes),
    )


def _without_words(raw: Raw, read: Reader, split: SplitName) -> Raw:
    """Return what was read with numbers in place of words as labels.

    Classes are numbered in the order of the words that the training has; words that are all numbers
    are ordered as numbers.
    """
    if raw.labels.dtype.kind != "U":
        return raw
    if raw.labels.ndim != 1 and raw.labels.shape[1:] != (1,):
        # Their numbers could pass for one-hot rows.
        raise DataError(
            f"{raw.labels_name} must have shape (n,) or (n, 1) if they are words, "
            f"not {raw.labels.shape}"
        )
    training = raw if split == "train" or raw.fallback else read("train")
    if training.labels.dtype.kind != "U":
        raise DataError(f"{raw.labels_name} must have integers in 0..255, as those of the training")
    words_of_training = {*training.labels.ravel().tolist()}
    check_words(words_of_training, raw.labels_name)
    # One of those that are equal.
    names = in_order({key(word): word for word in sorted(words_of_training)}.values())
    if len(names) > CLASSES_MAX:
        raise DataError(
            f"{raw.labels_name} must have at most {CLASSES_MAX} words, not {len(names)}"
        )
    number = {key(name): label for label, name in enumerate(names)}
    words = raw.labels.ravel().tolist()
    if unknown := sorted(word for word in {*words} if key(word) not in number):
        raise DataError(f"{raw.labels_name} must be words of the training, not {unknown[0][:40]!r}")
    labels = np.array([number[key(word)] for word in words], np.int64).reshape(raw.labels.shape)
    return replace(raw, labels=labels, class_names=tuple(names))


def _scale_for(
    raw: Raw, flat: npt.NDArray[Any], read: Reader, split: SplitName, wanted: Scale | None
) -> Scale:
    own = None
    if raw.images.dtype.kind == "b" or raw.images.dtype == np.uint8:
        return Scale.of(flat, raw.images_name)
    if split == "train" or raw.fallback:
        found = own = Scale.of(flat, raw.images_name)
    else:
        training = read("train")
        check_values(training.images, training.images_name)
        found = Scale.of(training.images, training.images_name)
    if wanted is not None and wanted.measured:
        return wanted
    if wanted is not None and found.measured:
        raise DataError(
            f"{raw.images_name} must have values in 0..255 or 0..1, as the images that the network "
            f"was trained with, not {extent(flat)}"
        )
    if not found.measured and own is None:
        # Training images of 8 bits and test images in 0..1, for example.
        own = Scale.of(flat, raw.images_name)
        return found if own.measured else own
    return found


def check_values(values: npt.NDArray[Any], what: str) -> None:
    """Check that an array holds finite numbers, or bits.

    Raises
    ------
    DataError
        If it does not.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"{what} must have integers or floats, not {values.dtype}")
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        place = np.unravel_index(int(np.argmin(finite)), values.shape)
        raise DataError(f"{what} must have finite values, not {values[place]} in image {place[0]}")


def whole_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return floats as integers if all are whole, and else as they are.

    For readers of formats that have no integers.
    """
    if values.dtype.kind != "f" or not np.isfinite(values).all() or (np.abs(values) > 1e15).any():
        return values
    whole = values.astype(np.int64)
    return whole if (whole == values).all() else values


def extent(values: npt.NDArray[Any]) -> str:
    """Describe the extent of an array in messages."""
    return f"{values.min()}..{values.max()}"


def _flat(raw: Raw) -> tuple[npt.NDArray[Any], tuple[int, int], int]:
    """Return the images flat, and height and width and channels."""
    values, count, what = raw.images, len(raw.labels) if raw.labels.ndim else 0, raw.images_name
    shape = values.shape
    if values.ndim not in (2, 3, 4):
        raise DataError(f"{what} must have shape {_SHAPES}, not {shape}")
    if count and shape[0] != count and count == max(shape):
        axis = shape.index(count)
        right = (count, *shape[:axis], *shape[axis + 1 :])
        raise DataError(
            f"{what} must have the axis of the {count} images first, as numpy.moveaxis(images, "
            f"{axis}, 0) makes it, {right}, not {shape}"
        )
    if values.ndim == 4 and shape[3] not in _CHANNELS:
        raise DataError(f"{what} must have 1 to 3 channels last, not {shape}{_channel_hint(shape)}")
    if values.ndim == 2:
        side = isqrt(shape[1])
        return values, (side, side) if side**2 == shape[1] else (1, shape[1]), 1
    height, width = shape[1:3]
    channels = shape[3] if values.ndim == 4 else 1
    if channels > 1:
        values = np.moveaxis(values, 3, 1)
    return values.reshape(shape[0], height * width * channels), (height, width), channels


def _channel_hint(shape: tuple[int, ...]) -> str:
    if shape[1] in _CHANNELS:
        right = (shape[0], *shape[2:], shape[1])
        return f": numpy.moveaxis(images, 1, 3) makes {right}"
    return ": leave out the transparency, images[..., :3]" if shape[3] == 4 else ""


def _classes(values: npt.NDArray[Any], what: str) -> npt.NDArray[np.uint8]:
    """Turn integers in 0..255, in one column, or one-hot rows, into labels."""
    if values.dtype.kind == "S":
        example = values.ravel()[0] if values.size else ""
        raise DataError(f"{what} must have integers in 0..255, not text, {example!s:.40}")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    elif values.ndim == 2 and _is_one_hot(values):
        values = values.argmax(axis=1)
    if values.ndim != 1:
        raise DataError(f"{what} must have shape (n,) or (n, 1), or be one-hot, not {values.shape}")
    if values.dtype.kind not in "iu":
        raise DataError(f"{what} must have integers in 0..255, not {values.dtype}")
    if ((values < 0) | (values > 255)).any():
        raise DataError(f"{what} must have integers in 0..255, not {extent(values)}")
    return np.ascontiguousarray(values, dtype=np.uint8)


def _is_one_hot(values: npt.NDArray[Any]) -> bool:
    """Whether each row has a single one and else zeros."""
    if values.dtype.kind not in "biuf" or values.size == 0:
        return False
    ones = values == 1
    return bool((ones | (values == 0)).all() and (ones.sum(axis=1) == 1).all())
