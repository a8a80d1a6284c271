"""Images and labels in NumPy archives."""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.split import Split, SplitName, choose_pair, order_for

__all__ = ["load_archive"]


def load_archive(path: str, split: SplitName) -> Split:
    """Load the arrays of an ``.npz`` archive, under any of the names that are usual for them.

    Integers must be in 0..255. Floats must be in 0..1 and are scaled to 0..255; half a grey level
    is rounded up. Images may be flat; then they are square if their number of pixels is, and
    else have one row.

    Parameters
    ----------
    path : str
        File to read. It holds ``images`` and ``labels``, or ``train_images``, ``train_labels`` and
        the same for ``test``, or ``x_train``, ``y_train`` and the same for ``test``.
    split : {"train", "test"}
        Which split. If the file has only one, it is loaded for both.

    Returns
    -------
    Split
        Named after the file, and after the split if the names of the arrays tell it.

    Raises
    ------
    DataError
        If the file is missing or damaged, or if its arrays are not images and labels.
    """
    order = order_for(split)
    pairs = [
        *((f"{s}_images", f"{s}_labels", f" {s}") for s in order),
        *((f"x_{s}", f"y_{s}", f" {s}") for s in order),
        ("images", "labels", ""),
    ]
    try:
        # Opened here: np.load leaves a file that it opened, and then found damaged, open.
        with Path(path).open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"File {path} must be an .npz archive, not a single array")
            images, labels, used = choose_pair(f"File {path}", pairs, archive.files)
            pixels, shape = _pixels(archive[images], f"Array {images} of {path}")
            classes = _classes(archive[labels], f"Array {labels} of {path}")
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"File {path} must exist") from error
    except Exception as error:
        # NumPy and zipfile have a dozen kinds of errors for damage and for Python objects.
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise DataError(f"File {path} must be a readable .npz archive, not: {reason}") from error
    return Split(name=f"{path}{used}", images=pixels, labels=classes, image_shape=shape)


def _pixels(values: npt.NDArray[Any], what: str) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Turn integers in 0..255 or floats in 0..1 into grey levels, one image per row."""
    _check_shape(values, what, dimensions=(2, 3), shapes="(n, height, width) or (n, inputs)")
    if values.dtype.kind == "f":
        if not ((values >= 0) & (values <= 1)).all():  # False for NaN
            raise DataError(f"{what} must have floats in 0..1, not {_range(values)}")
        pixels = np.empty(values.shape, np.uint8)
        for number, image in enumerate(values):  # one by one: float64 takes eight times the memory
            pixels[number] = np.floor(image.astype(np.float64) * 255 + 0.5)
    else:
        pixels = _bytes(values, what, "integers in 0..255 or floats in 0..1")
    if values.ndim == 3:
        height, width = values.shape[1:]
    else:
        side = isqrt(values.shape[1])
        height, width = (side, side) if side**2 == values.shape[1] else (1, values.shape[1])
    return pixels.reshape(len(pixels), height * width), (height, width)


def _classes(values: npt.NDArray[Any], what: str) -> npt.NDArray[np.uint8]:
    """Turn integers in 0..255 into labels."""
    _check_shape(values, what, dimensions=(1,), shapes="(n,)")
    return _bytes(values, what, "integers in 0..255")


def _check_shape(
    values: npt.NDArray[Any], what: str, *, dimensions: tuple[int, ...], shapes: str
) -> None:
    """Check that a member of an archive is an array, and of which shape."""
    if not isinstance(values, np.ndarray):  # NumPy returns what it does not know as bytes
        raise DataError(f"{what} must be in NumPy's format")
    if values.ndim not in dimensions:
        raise DataError(f"{what} must have shape {shapes}, not {values.shape}")


def _bytes(values: npt.NDArray[Any], what: str, allowed: str) -> npt.NDArray[np.uint8]:
    """Turn integers of any width into bytes, row by row, if they all fit."""
    if values.dtype.kind not in "iu":
        raise DataError(f"{what} must have {allowed}, not {values.dtype}")
    if ((values < 0) | (values > 255)).any():
        raise DataError(f"{what} must have integers in 0..255, not {_range(values)}")
    return values.astype(np.uint8, order="C")


def _range(values: npt.NDArray[Any]) -> str:
    """Describe the extent of an array in messages."""
    return f"{values.min()}..{values.max()}"
