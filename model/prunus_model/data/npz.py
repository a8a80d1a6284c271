"""Images and labels in NumPy archives."""

from __future__ import annotations

import zipfile
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import MAGIC_PREFIX

from prunus_model.common.errors import DataError
from prunus_model.common.reading import read_arrays, refusal
from prunus_model.data.split import Split, SplitName, choose_pair, order_for

__all__ = ["load_archive"]


def load_archive(path: str, split: SplitName) -> Split:
    """Load the arrays of an ``.npz`` archive, under any of the names that are usual for them.

    Integers must be in 0..255. Floats must be in 0..1 and are scaled to 0..255; half a grey level
    is rounded up. Bits are 0 and 255. Images may be flat; then they are square if their number of
    pixels is, and else have one row.

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
    if wrong := refusal(Path(path)):
        raise DataError(f"File {path} {wrong}")
    try:
        with Path(path).open("rb") as file:
            if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
                raise DataError(f"File {path} must be an .npz archive, not a single array")
            with zipfile.ZipFile(file) as archive:
                members = {name.removesuffix(".npy"): name for name in archive.namelist()}
                images, labels, used = choose_pair(f"File {path}", pairs, members)
                arrays = read_arrays(
                    archive,
                    {name: members[name] for name in (images, labels)},
                    packed=Path(path).stat().st_size,
                )
            pixels, shape = _pixels(arrays[images], f"Array {images} of {path}")
            classes = _classes(arrays[labels], f"Array {labels} of {path}")
    except DataError:
        raise
    except Exception as error:
        # NumPy and zipfile have a dozen kinds of errors for damage and for Python objects.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"File {path} must be a readable .npz archive, not: {reason}") from error
    return Split(
        name=f"{path}{used}",
        images=pixels,
        labels=classes,
        image_shape=shape,
        fallback=used not in ("", f" {split}"),
    )


def _pixels(values: npt.NDArray[Any], what: str) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Turn integers in 0..255, floats in 0..1 or bits into grey levels, one image per row."""
    _check_shape(values, what, dimensions=(2, 3), shapes="(n, height, width) or (n, inputs)")
    if values.dtype.kind == "f":
        if not ((values >= 0) & (values <= 1)).all():  # False for NaN
            raise DataError(f"{what} must have floats in 0..1, not {_range(values)}")
        pixels = np.empty(values.shape, np.uint8)
        for number, image in enumerate(values):  # one by one: float64 takes eight times the memory
            pixels[number] = np.floor(image.astype(np.float64) * 255 + 0.5)
    elif values.dtype.kind == "b":
        pixels = np.where(values, np.uint8(255), np.uint8(0))
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
    """Check of which shape an array is."""
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
