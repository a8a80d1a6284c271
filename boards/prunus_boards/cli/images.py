"""Images to be shown, from whatever the user has: data sets, idx files, archives, PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from prunus_model.common.errors import DataError
from prunus_model.data import idx
from prunus_model.data.datasets import load

__all__ = ["Images", "read_images"]

_PNG = ".png"
#: A picture whose border is lighter than this is dark on light.
_LIGHT = 127


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """Images, with labels if they are known.

    Attributes
    ----------
    names : tuple of str
        What each is called.
    pixels : ndarray of uint8, shape (n, inputs)
        Grey levels, row by row; light is high.
    labels : ndarray of uint8, shape (n,), or None
        Classes.
    hint : str
        What the user may want to know about them; empty if nothing.
    """

    names: tuple[str, ...]
    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None = None
    hint: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def head(self, count: int | None) -> Images:
        """Return the first images; all for None.

        Raises
        ------
        DataError
            If there are not that many.
        """
        if count is None:
            return self
        if count > len(self):
            raise DataError(f"Number of images must be in 1..{len(self)}, not {count}")
        return Images(
            names=self.names[:count],
            pixels=self.pixels[:count],
            labels=None if self.labels is None else self.labels[:count],
            hint=self.hint,
        )


def read_images(sources: Sequence[str], *, inputs: int, invert: bool = False) -> Images:
    """Read images.

    Parameters
    ----------
    sources : sequence of str
        PNG files, turned to grey; files of images in the format idx; or one data set, of which the
        test images are taken, as :func:`prunus_model.data.datasets.load` has them.
    inputs : int
        Pixels that an image must have. PNG files of square networks must be square.
    invert : bool
        Exchange light and dark. Networks are trained with light digits on dark ground.

    Raises
    ------
    DataError
        If there is none, or one can't be read, or has another size.
    """
    parts = [_read(source, inputs) for source in sources]
    if not parts:
        raise DataError("Images must be named: a data set, or files")
    pixels = np.concatenate([part.pixels for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    if invert:
        pixels = 255 - pixels
    return Images(
        names=tuple(name for part in parts for name in part.names),
        pixels=np.ascontiguousarray(pixels),
        labels=np.concatenate(labels) if len(labels) == len(parts) else None,
        hint="" if invert else next((part.hint for part in parts if part.hint), ""),
    )


def _read(source: str, inputs: int) -> Images:
    path = Path(source)
    if path.suffix.lower() == _PNG:
        return _picture(path, inputs)
    if path.is_file() and path.suffix.lower() != ".npz":
        images = idx.parse_images(idx.read_content(path), path)
        found = Images(
            names=tuple(f"{path.name}[{k}]" for k in range(len(images))),
            pixels=images.reshape(len(images), -1),
        )
    else:
        split = load(source, "test", progress=True)
        found = Images(
            names=tuple(f"{split.name}[{k}]" for k in range(len(split))),
            pixels=split.images,
            labels=split.labels,
        )
    if found.pixels.shape[1] != inputs:
        raise DataError(
            f"Images of {source} must have {inputs} pixels for this network, "
            f"not {found.pixels.shape[1]}"
        )
    return found


def _picture(path: Path, inputs: int) -> Images:
    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
    except FileNotFoundError as e:
        raise DataError(f"File {path} must exist") from e
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError) as e:
        raise DataError(f"File {path} must be a PNG image that can be read") from e
    if grey.size != inputs:
        height, width = grey.shape
        raise DataError(
            f"Image {path} must have {inputs} pixels for this network, not {width} x {height}"
        )
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light = float(border.mean()) > _LIGHT
    hint = f"Image {path} looks dark on light; networks expect light on dark: --invert"
    return Images(names=(path.name,), pixels=grey.reshape(1, -1), hint=hint if light else "")
