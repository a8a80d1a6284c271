"""Pictures: PNG as grey levels, read whole or refused by name; these and others as colours."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from prunus_model.common.errors import DataError
from prunus_model.common.reading import refusal

__all__ = [
    "PICTURES",
    "SIGNATURE",
    "is_coloured",
    "picture_size",
    "read_colours",
    "read_picture",
    "to_grey",
]

#: Endings of the pictures that a folder of a class may have, and Pillow's names of the formats.
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm")
_FORMATS = ("PNG", "JPEG", "BMP", "PPM")

#: How every PNG file starts.
SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What is lighter than this is light.
_LIGHT, _WHITE = 127, 255
#: Depth of a sample in bits: where it is in the file.
_DEPTH = 24


def read_picture(path: Path, pixels: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Read a picture as grey levels.

    Colours become their luma (ITU-R BT.601), of 16 bits the upper 8 are kept, palettes and
    interlacing are undone, and a picture that is to be turned is. A transparent picture is laid on
    black if what is drawn is light, else on white. Colour profiles are not applied.

    Parameters
    ----------
    path : Path
        File to read; its content must be PNG, whatever its name is.
    pixels : int
        Pixels that it must have. If that is a square, the picture must be one.

    Returns
    -------
    pixels : ndarray of uint8, shape (pixels,)
        Grey levels, row by row.
    hints : list of str
        One line for everything that the user may want to know of it.

    Raises
    ------
    DataError
        If the file is missing, damaged, no PNG, animated, or of another size. The size is compared
        before anything is unpacked.
    """
    if wrong := refusal(path):
        raise DataError(f"File {path} {wrong}")
    try:
        # The size is compared below; a warning would be in the way of the message.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=("PNG",)) as image:
            _check_size(path, image.size, pixels)
            if (frames := getattr(image, "n_frames", 1)) != 1:
                raise DataError(f"Image {path} must be one picture, not {frames} that move")
            depth = _check_chunks(path)
            grey, alpha = _levels(ImageOps.exif_transpose(image), path, depth)
    except DataError:
        raise
    except Image.DecompressionBombError as e:
        raise DataError(f"Image {path} must have {pixels} pixels for this network, not more") from e
    except Exception as e:
        # Pillow and zlib have a dozen kinds of errors for what is damaged.
        raise DataError(f"File {path} must be a PNG image that can be read") from e
    return _on_ground(grey, alpha, path)


def picture_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture, without unpacking it.

    Raises
    ------
    DataError
        If it can't be read.
    """
    with _opened(path) as image:
        return image.size


def read_colours(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture of any format of :data:`PICTURES` as red, green and blue.

    Of 16 bits the upper 8 are kept; a picture that is to be turned is; a transparent one is laid on
    black if what is drawn is light, else on white.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    DataError
        If it can't be read.
    """
    with _opened(path) as opened:
        if opened.format == "PNG":
            _check_chunks(path)
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            # Pillow would cut off at 255.
            grey = (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)
            return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
        whole = np.asarray(image.convert("RGBA"))
    colours, alpha = whole[:, :, :3], whole[:, :, 3:].astype(np.int64)
    if alpha.min() == _WHITE:
        return np.ascontiguousarray(colours)
    ground, _ = _ground(to_grey(colours), alpha[:, :, 0])
    mixed = (colours * alpha + ground * (_WHITE - alpha) + _WHITE // 2) // _WHITE
    return mixed.astype(np.uint8)


def is_coloured(colours: npt.NDArray[np.uint8]) -> bool:
    """Return whether any pixel of a picture, shape (height, width, 3), is not grey."""
    return bool((colours != colours[:, :, :1]).any())


def to_grey(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the luma (ITU-R BT.601) of a picture of shape (height, width, 3)."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).convert("L"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture; every fault of it becomes one line."""
    if wrong := refusal(path):
        raise DataError(f"File {path} {wrong}")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=_FORMATS) as image:
            yield image
    except Exception as e:
        # Pillow and zlib have a dozen kinds of errors for what is damaged.
        raise DataError(f"File {path} must be a picture that can be read") from e


def _check_size(path: Path, size: tuple[int, int], pixels: int) -> None:
    width, height = size
    side = isqrt(pixels)
    if width * height != pixels:
        raise DataError(
            f"Image {path} must have {pixels} pixels for this network, not {width} x {height}"
        )
    if side**2 == pixels and width != height:
        raise DataError(
            f"Image {path} must be of {side} x {side} pixels for this network, "
            f"not {width} x {height}"
        )


def _check_chunks(path: Path) -> int:
    """Compare all checksums, as Pillow does not for those of the pixels; return the depth.

    Raises
    ------
    ValueError, struct.error
        If the file is damaged or cut off.
    """
    with path.open("rb") as file:
        depth = file.read(_DEPTH + 1)[_DEPTH]
        at = file.seek(len(SIGNATURE))
        end, kind = path.stat().st_size, b""
        while kind != b"IEND":
            length, kind = struct.unpack(">I4s", file.read(8))
            at += length + 12
            if at > end or zlib.crc32(kind + file.read(length)) != int.from_bytes(file.read(4)):
                raise ValueError(f"chunk {kind!r} must be whole")
    return depth


def _levels(
    image: Image.Image, path: Path, depth: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return grey levels and opacity, uint8, shape (height, width)."""
    clear = image.info.get("transparency")
    if image.mode.startswith("I"):
        # Pillow would cut off at 255.
        deep = np.asarray(image).astype(np.int64)
        opaque = np.ones(deep.shape, bool) if clear is None else deep != clear
        return (deep >> 8).astype(np.uint8), np.where(opaque, 255, 0).astype(np.uint8)
    if depth == 16 and clear is not None:
        # Pillow compares this colour, of 16 bits, with the upper 8 bits of the others.
        raise DataError(f"Image {path} must have an alpha channel or 8 bits, for transparency")
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if clear is not None:
        image = image.convert("RGBA")
    return np.asarray(image.convert("L")), alpha


def _ground(
    grey: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8] | npt.NDArray[np.int64]
) -> tuple[int, str]:
    """Return the ground on which a transparent picture is seen, and its name."""
    drawn = float((grey.astype(np.int64) * alpha).sum()) / max(int(alpha.sum()), 1)
    return (0, "black") if drawn > _LIGHT else (_WHITE, "white")


def _on_ground(
    grey: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], path: Path
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Lay a picture on a ground on which it is seen; tell what is remarkable."""
    hints = []
    if alpha.min() < 255:
        ground, name = _ground(grey, alpha)
        hints.append(f"Image {path} is transparent; it is laid on {name}")
        mixed = grey.astype(np.int64) * alpha + ground * (255 - alpha.astype(np.int64))
        grey = ((mixed + 127) // 255).astype(np.uint8)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if grey.min() == grey.max():
        hints.append(f"Image {path} is one single grey, {grey.min()} of 255")
    elif float(border.mean()) > _LIGHT:
        hints.append(f"Image {path} looks dark on light; networks expect light on dark: --invert")
    return grey.ravel(), hints
