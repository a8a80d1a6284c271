"""The idx format of MNIST: image and label files, plain or packed with gzip.

A file is a magic number of four bytes (0, 0, element type, number of dimensions), the length of
every dimension as a big-endian 32-bit integer, and the elements, row by row. Prunus reads unsigned
bytes (type 0x08): images with three dimensions, labels with one.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError

__all__ = ["FILES", "find_files", "parse_images", "parse_labels", "read_content"]

#: The standard file names, images and labels, of each split.
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

_UNSIGNED_BYTE = 0x08
_ELEMENT_TYPES = {
    0x08: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
_DIMENSIONS = {1: "a label file", 3: "an image file"}
_GZIP_MAGIC = b"\x1f\x8b"


def find_files(folder: Path) -> dict[str, Path]:
    """Find the files of a folder that have one of the four standard names.

    Every name may also be spelt with a dot (``train-images.idx3-ubyte``), and may end in ``.gz``.
    If several spellings are there, the first of this order is taken: as in :data:`FILES`, with a
    dot, as in :data:`FILES` with ``.gz``, with a dot and ``.gz``.

    Parameters
    ----------
    folder : Path
        Folder to look in. It need not exist.

    Returns
    -------
    dict of str to Path
        Files by their standard name. Empty if there are none.

    Raises
    ------
    OSError
        If the folder may not be searched.
    """
    found = {}
    for name in (name for pair in FILES.values() for name in pair):
        dotted = name.replace("-idx", ".idx")
        for spelling in (name, dotted, f"{name}.gz", f"{dotted}.gz"):
            if (folder / spelling).is_file():
                found[name] = folder / spelling
                break
    return found


def read_content(path: Path) -> bytes:
    """Read a file and unpack it if it is packed with gzip.

    The first two bytes decide, not the name: browsers unpack a download and keep its name.

    Parameters
    ----------
    path : Path
        File to read.

    Returns
    -------
    bytes
        The unpacked content.

    Raises
    ------
    DataError
        If the file is missing, is a folder, cannot be read, or is a damaged gzip file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"File {path} must exist") from error
    except IsADirectoryError as error:
        raise DataError(f"File {path} must be a file, not a folder") from error
    except OSError as error:
        raise DataError(f"File {path} must be readable, not: {error.strerror}") from error
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise DataError(f"File {path} must be a whole gzip file, not a truncated one") from error
    except (OSError, zlib.error) as error:
        raise DataError(f"File {path} must be a whole gzip file, not a damaged one") from error


def parse_images(content: bytes, path: Path) -> npt.NDArray[np.uint8]:
    """Take the images out of the content of an idx file.

    Parameters
    ----------
    content : bytes
        What :func:`read_content` returned.
    path : Path
        Where it came from, for messages only.

    Returns
    -------
    ndarray of uint8, shape (images, height, width)
        Read-only view of ``content``.

    Raises
    ------
    DataError
        If the content is not an image file, is too short or too long, or holds no pixel.
    """
    return _parse(content, what=f"Image file {path}", dimensions=3)


def parse_labels(content: bytes, path: Path) -> npt.NDArray[np.uint8]:
    """Take the labels out of the content of an idx file.

    Parameters
    ----------
    content : bytes
        What :func:`read_content` returned.
    path : Path
        Where it came from, for messages only.

    Returns
    -------
    ndarray of uint8, shape (labels,)
        Read-only view of ``content``.

    Raises
    ------
    DataError
        If the content is not a label file, is too short or too long, or holds no label.
    """
    return _parse(content, what=f"Label file {path}", dimensions=1)


def _parse(content: bytes, *, what: str, dimensions: int) -> npt.NDArray[np.uint8]:
    """Check magic, dimensions and length; return a view of the elements."""
    magic = 0x100 * _UNSIGNED_BYTE + dimensions
    if len(content) < 4:
        raise DataError(
            f"{what} must start with magic 0x{magic:08x}, not end after {len(content)} bytes"
        )
    if content[:2] != b"\0\0":
        raise DataError(f"{what} must start with magic 0x{magic:08x}, not 0x{content[:4].hex()}")
    if content[2] != _UNSIGNED_BYTE:
        name = _ELEMENT_TYPES.get(content[2], "an unknown type")
        raise DataError(f"{what} must hold unsigned bytes (0x08), not {name} (0x{content[2]:02x})")
    if content[3] != dimensions:
        name = _DIMENSIONS.get(content[3], f"a file with {content[3]} dimensions")
        raise DataError(
            f"{what} must start with magic 0x{magic:08x}, not 0x{content[:4].hex()}: it is {name}"
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{what} must have a header of {header} bytes, not {len(content)}")
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4)]
    sizes = " x ".join(map(str, shape))
    if prod(shape) == 0:
        raise DataError(f"{what} must hold at least one element, not {sizes}")
    if len(content) != header + prod(shape):
        raise DataError(
            f"{what} must hold {header} + {sizes} = {header + prod(shape)} bytes, "
            f"not {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
