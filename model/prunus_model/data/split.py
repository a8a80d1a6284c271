"""Labelled images, whatever they were read from, and the rules for choosing them by name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.class_names import check_names
from prunus_model.data.scaling import BYTES, Scale
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.config import NetworkConfig

__all__ = [
    "SPLITS",
    "Split",
    "SplitName",
    "check_for",
    "check_pair",
    "choose_pair",
    "order_for",
]

SplitName: TypeAlias = Literal["train", "test"]
SPLITS: tuple[SplitName, SplitName] = ("train", "test")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Labelled images for training or for testing.

    Two splits are equal only if they are the same object; compare :attr:`sha256` for content.

    Parameters
    ----------
    name : str
        For messages and provenance, e.g. ``"mnist train"``.
    images : ndarray of uint8, shape (n, pixels)
        Grey levels, every image row by row, C-contiguous. Kept as a read-only view. Of a colour
        image the channels stand one after the other, each row by row.
    labels : ndarray of uint8, shape (n,)
        Class of every image. Kept as a read-only view.
    image_shape : tuple of int
        Height and width; times ``channels`` they are ``pixels``.
    named : bool
        Whether this is a data set with a name, of which the content is known.
    fallback : bool
        Whether this is the other split, since the wanted one is not there.
    channels : int
        Channels of an image: 1, or 3 for colours.
    class_names : tuple of str
        What the classes 0, 1, ... are called; empty if that is not known.
    scale : Scale
        Which values became black and white.
    notes : tuple of str
        What was decided when the data were read, one line each.

    Raises
    ------
    TypeError
        If an array has another type, number of dimensions or memory order.
    DataError
        If there is no image or no pixel, if the sizes disagree, or if names of classes are too few
        or do not tell them apart.
    """

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    image_shape: tuple[int, int]
    named: bool = False
    fallback: bool = False
    channels: int = 1
    class_names: tuple[str, ...] = ()
    scale: Scale = BYTES
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, array, dimensions in (("images", self.images, 2), ("labels", self.labels, 1)):
            if array.dtype != np.uint8 or array.ndim != dimensions:
                raise TypeError(
                    f"Array {field} must be uint8 with {dimensions} dimensions, "
                    f"not {array.dtype} with {array.ndim}"
                )
            if not array.flags.c_contiguous:
                raise TypeError(f"Array {field} must be C-contiguous")
        if self.images.size == 0:
            raise DataError(
                f"Data {self.name} must hold at least one image of at least one pixel, "
                f"not {self.images.shape[0]} x {self.images.shape[1]}"
            )
        if len(self.images) != len(self.labels):
            raise DataError(
                f"Images and labels of {self.name} must be equally many, "
                f"but got {len(self.images)} images, {len(self.labels)} labels"
            )
        height, width = self.image_shape
        if height < 1 or height * width * self.channels != self.images.shape[1]:
            sides = f"{height} x {width}" + (f" x {self.channels}" if self.channels > 1 else "")
            raise DataError(
                f"Image shape of {self.name} must have {self.images.shape[1]} pixels, not {sides}"
            )
        check_names(self.class_names, f"Classes of {self.name}")
        if self.class_names and self.labels.max() >= len(self.class_names):
            raise DataError(
                f"Labels of {self.name} must be in 0..{len(self.class_names) - 1}, as many as its "
                f"classes have names, not {self.labels.max()}"
            )
        for field in ("images", "labels"):
            view = getattr(self, field).view()
            view.flags.writeable = False
            object.__setattr__(self, field, view)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sha256(self) -> str:
        """Identity of the content, in hexadecimal digits; neither name nor image shape is in it.

        SHA-256 over ``n`` and ``pixels``, both as little-endian 64-bit integers, the images row by
        row, and the labels.
        """
        digest = hashlib.sha256(np.array(self.images.shape, dtype="<i8").tobytes())
        digest.update(self.images.data)
        digest.update(self.labels.data)
        return digest.hexdigest()

    @property
    def identity(self) -> str:
        """What results call it: the name of a named set, else a digest, wherever a file may be."""
        return self.name if self.named else f"data {self.sha256[:12]}"

    @property
    def kept(self) -> TrainedOn:
        """What a network keeps that is trained on these."""
        return TrainedOn(scale=self.scale, class_names=self.class_names)

    def numbered_for(self, trained_on: TrainedOn) -> Split:
        """Return the images with the classes of a network.

        Raises
        ------
        DataError
            As of :meth:`prunus_model.data.trained_on.TrainedOn.numbered`.
        """
        labels, names, notes = trained_on.numbered(self.labels, self.class_names, self.name)
        return replace(self, labels=labels, class_names=names, notes=(*self.notes, *notes))

    def take(self, first: int, count: int) -> Split:
        """Return the images ``first`` to ``first + count - 1``.

        Parameters
        ----------
        first : int
            Index of the first image, from 0.
        count : int
            Number of images, at least one.

        Returns
        -------
        Split
            A view, with the range in its name; this object itself if that is all of it.

        Raises
        ------
        DataError
            If there are not that many images.
        """
        if not 0 <= first < len(self):
            raise DataError(
                f"First image taken from {self.name} must be in 0..{len(self) - 1}, not {first}"
            )
        if not 1 <= count <= len(self) - first:
            start = f" from image {first} on" if first else ""
            raise DataError(
                f"Number of images taken from {self.name}{start} must be in "
                f"1..{len(self) - first}, not {count}"
            )
        if count == len(self):
            return self
        return replace(
            self,
            name=f"{self.name}[{first}:{first + count}]",
            images=self.images[first : first + count],
            labels=self.labels[first : first + count],
        )

    def head(self, count: int) -> Split:
        """Return the first images: ``take(0, count)``.

        Parameters
        ----------
        count : int
            Number of images, at least one.

        Returns
        -------
        Split
            A view, with the range in its name; this object itself if that is all of it.

        Raises
        ------
        DataError
            If there are not that many images.
        """
        return self.take(0, count)


def check_for(split: Split, config: NetworkConfig) -> None:
    """Check that a network can be presented with these images.

    Parameters
    ----------
    split : Split
        Images and labels.
    config : NetworkConfig
        The network: how many pixels it takes, and how many classes it tells apart.

    Raises
    ------
    DataError
        If the images have another number of pixels, or another shape than the windows of the
        groups are in, or if a label is not a class. A single row or column has no shape.
    """
    pixels, classes = split.images.shape[1], config.readout.classes
    if pixels != config.pixels:
        contrast = config.encoder.contrast and not config.groups
        hint = f" (encoder.contrast: set inputs to {2 * pixels})" if contrast else ""
        raise DataError(
            f"Images of {split.name} must have {config.pixels} pixels for this configuration, "
            f"not {pixels}{hint}"
        )
    groups, (height, width) = config.groups, split.image_shape
    if groups and groups.indices is None and min(height, width) > 1:
        wanted = groups.image_width, groups.image_height
        if (width, height) != wanted:
            raise DataError(
                f"Images of {split.name} must be {wanted[0]} x {wanted[1]} pixels (width x height) "
                f"for the groups of this configuration, not {width} x {height}"
            )
    if split.labels.max() >= classes:
        raise DataError(
            f"Labels of {split.name} must be in 0..{classes - 1} for this configuration, "
            f"not {split.labels.max()}"
        )


def check_pair(train: Split, test: Split) -> None:
    """Check that both splits of a source have the same kind of classes.

    Parameters
    ----------
    train, test : Split
        Of one source.

    Raises
    ------
    DataError
        If classes have names in the training, and are numbers in the test: nothing tells which
        number is which name.
    """
    if train.class_names and not test.class_names:
        raise DataError(f"Labels of {test.name} must be words, as those of {train.name}")


def order_for(split: SplitName) -> tuple[SplitName, SplitName]:
    """Return the wanted split, then the one that serves if there is only that.

    Parameters
    ----------
    split : {"train", "test"}
        Which split is wanted.

    Returns
    -------
    tuple of str
        Both splits.
    """
    return ("train", "test") if split == "train" else ("test", "train")


def choose_pair(
    what: str, pairs: Sequence[tuple[str, str, str]], found: Collection[str]
) -> tuple[str, str, str]:
    """Return the first pair of names of which both were found.

    Parameters
    ----------
    what : str
        Where they were looked for, for messages only.
    pairs : sequence of tuple of str
        Name of the images, name of the labels, and anything else about the pair.
    found : collection of str
        Names that are there.

    Returns
    -------
    tuple of str
        An element of ``pairs``.

    Raises
    ------
    DataError
        If there is no pair, or only half of one before the first whole pair.
    """
    for images, labels, about in pairs:
        present = [name for name in (images, labels) if name in found]
        if len(present) == 2:
            return images, labels, about
        # A pair of another split would hide the mistake, so half a pair is not passed over.
        if present:
            raise DataError(f"{what} must hold {images} and {labels}, but has {present[0]} only")
    wanted = ", or ".join(f"{images} and {labels}" for images, labels, _ in pairs)
    raise DataError(f"{what} must hold {wanted}")
