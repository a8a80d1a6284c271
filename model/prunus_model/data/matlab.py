"""Images and labels in files of Matlab, up to version 7.2; variables are named as in archives."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal, refusal
from prunus_model.data.arrays import Raw, whole_numbers
from prunus_model.data.npz import choose_arrays
from prunus_model.data.split import SplitName

__all__ = ["read_matlab"]

#: Bytes of a number at most.
_WIDEST = 8


def read_matlab(path: str, split: SplitName) -> Raw:
    """Read a ``.mat`` file.

    Matlab stores the last axis as the slowest one, so images are often (height, width, n) or
    (height, width, channels, n): if the last axis, and not the first, is as long as there are
    labels, it is taken for that of the images, and a note tells it. Numbers that are all whole are
    integers, as Matlab has floats for everything.

    Parameters
    ----------
    path : str
        File to read.
    split : {"train", "test"}
        As of :func:`prunus_model.data.npz.load_archive`, as are the names.

    Raises
    ------
    DataError
        If the file is missing, damaged, too large or of version 7.3, or has no images and labels.
    """
    # Imported here: it takes as long as loading the sample.
    from scipy.io import loadmat, whosmat

    if wrong := refusal(Path(path)):
        raise DataError(f"File {path} {wrong}")
    try:
        shapes = {name: shape for name, shape, _ in whosmat(path, appendmat=False)}
        images, labels, used = choose_arrays(path, shapes, split)
        if wrong := memory_refusal(_WIDEST * prod(shapes[images])):
            raise DataError(f"File {path} {wrong}")
        found = loadmat(path, appendmat=False, variable_names=[images, labels])
        pixels, classes = found[images], found[labels]
    except DataError:
        raise
    except NotImplementedError as e:
        raise DataError(f"File {path} must be of version 7.2 or less: save(..., '-v7')") from e
    except Exception as e:
        # Damage has a dozen kinds of errors.
        raise DataError(f"File {path} must be a .mat file that can be read") from e
    for name in (images, labels):
        if not isinstance(found[name], np.ndarray):
            raise DataError(f"Variable {name} of {path} must be a full array")
    if 1 in classes.shape:
        classes = classes.reshape(-1)
    pixels, notes = _images_first(pixels, len(classes), path)
    return Raw(
        name=f"{path}{used}",
        images=whole_numbers(pixels),
        labels=whole_numbers(classes),
        images_name=f"Variable {images} of {path}",
        labels_name=f"Variable {labels} of {path}",
        fallback=used not in ("", f" {split}"),
        notes=notes,
    )


def _images_first(
    pixels: npt.NDArray[Any], count: int, path: str
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    if pixels.ndim < 2 or pixels.shape[0] == count or pixels.shape[-1] != count:
        return pixels, ()

    return np.moveaxis(pixels, -1, 0), (f"The last axis of {path} is taken for that of the images",)
