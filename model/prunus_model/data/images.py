"""Images to be shown, from whatever the user has: data sets, idx files, archives, PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data import idx
from prunus_model.data.datasets import load
from prunus_model.data.doubts import doubts, grey_doubts
from prunus_model.data.folders import FILES
from prunus_model.data.pictures import SIGNATURE, read_picture
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.encoder import EncoderParams

__all__ = ["Images", "read_images"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """Images, with labels if they are known.

    Attributes
    ----------
    names : tuple of str
        What each is called.
    pixels : ndarray of uint8, shape (n, pixels)
        Grey levels, row by row; light is high.
    labels : ndarray of uint8, shape (n,), or None
        Classes.
    hints : tuple of str
        What the user may want to know about them, one line each.
    """

    names: tuple[str, ...]
    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8] | None = None
    hints: tuple[str, ...] = ()

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
        return replace(
            self,
            names=self.names[:count],
            pixels=self.pixels[:count],
            labels=None if self.labels is None else self.labels[:count],
        )


def read_images(
    sources: Sequence[str],
    *,
    size: int,
    invert: bool = False,
    trained_on: TrainedOn | None = None,
    encoder: EncoderParams | None = None,
) -> Images:
    """Read images.

    Parameters
    ----------
    sources : sequence of str
        PNG files, as :func:`prunus_model.data.pictures.read_picture` has them; files of images in
        the format idx; or data sets, of which the test images are taken, as
        :func:`prunus_model.data.datasets.load` has them.
    size : int
        Pixels that an image must have.
    invert : bool
        Exchange light and dark. Networks are trained with light digits on dark ground.
    trained_on : TrainedOn, optional
        Of the network, for data sets (:func:`prunus_model.data.datasets.load`).
    encoder : EncoderParams, optional
        That of the network, by which hints judge how bright images are. Default: the defaults.

    Raises
    ------
    DataError
        If there is none, or one can't be read, or has another size.
    """
    encoder = encoder or EncoderParams()
    parts = [_read(source, size, invert, trained_on, encoder) for source in sources]
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
        hints=tuple(hint for part in parts for hint in part.hints),
    )


def _read(
    source: str,
    size: int,
    invert: bool,
    trained_on: TrainedOn | None,
    encoder: EncoderParams,
) -> Images:
    path = Path(source)
    is_file = path.is_file()
    if path.suffix.lower() == ".png" or (is_file and _starts_as_png(path)):
        pixels, hints = read_picture(path, size)
        if invert:
            hints = [hint for hint in hints if not hint.endswith("--invert")]
        return Images(names=(path.name,), pixels=pixels.reshape(1, -1), hints=tuple(hints))
    if is_file and path.suffix.lower() not in FILES:
        images = idx.parse_images(idx.read_content(path), path)
        found = Images(
            names=tuple(f"{path.name}[{k}]" for k in range(len(images))),
            pixels=images.reshape(len(images), -1),
            hints=tuple(grey_doubts(images, path.name, encoder)),
        )
    else:
        split = load(source, "test", progress=True, trained_on=trained_on)
        found = Images(
            names=tuple(f"{split.name}[{k}]" for k in range(len(split))),
            pixels=split.images,
            labels=split.labels,
            hints=tuple(doubts(split, encoder)),
        )
    if found.pixels.shape[1] != size:
        raise DataError(
            f"Images of {source} must have {size} pixels for this network, "
            f"not {found.pixels.shape[1]}"
        )
    return found


def _starts_as_png(path: Path) -> bool:
    """Whether a file has the content of a PNG: names without an ending are common."""
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError as e:
        raise DataError(f"File {path} must be readable, not: {e.strerror}") from e
