"""The idx format of MNIST: image and label files, plain or packed with gzip.

A file is a magic number of four bytes (0, 0, element type, number of dimensions), the length of
every dimension as a big-endian 32-bit integer, and the elements, row by row. Prunus reads unsigned
bytes (type 0x08): images with three dimensions, labels with one; and labels as QMNIST has them, of
32-bit integers (0x0C) with two dimensions, of which the first column is the class.
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal, refusal, unpacked_limit

__all__ = ["FILES", "find_files", "parse_images", "parse_labels", "read_content"]

#: The standard file names, images and labels, of each split.
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

_UNSIGNED_BYTE = 0x08
#: How labels of QMNIST start.
_WIDE_LABELS = b"\0\0\x0c\2"
_ELEMENT_TYPES = {
    0x08: "unsigned bytes",
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
_DIMENSIONS = {1: "a label file", 3: "an image file"}
_LONGEST_HEADER = 16
_GZIP_MAGIC = b"\x1f\x8b"
#: What else people have, by how it starts.
_OTHERS = {
    b"\x89PNG": "a PNG picture, which `prunus run` reads",
    b"\xff\xd8\xff": "a JPEG picture; pictures must be PNG",
    b"BM": "a BMP picture; pictures must be PNG",
    b"GIF8": "a GIF picture; pictures must be PNG",
    b"II*\0": "a TIFF picture; pictures must be PNG",
    b"MM\0*": "a TIFF picture; pictures must be PNG",
    b"RIFF": "a WebP picture, or sound; pictures must be PNG",
    b"PK\3\4": "a zip or .npz archive; the name of an archive must end in .npz",
    b"\x93NUMPY": "a single NumPy array; the name of such a file must end in .npy",
}


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


def read_content(path: Path, size: int | None = None) -> bytes:
    """Read a file and unpack it if it is packed with gzip.

    The first two bytes decide, not the name: browsers unpack a download and keep its name. No more
    is unpacked than one byte after the length that is known, or that the header declares.

    Parameters
    ----------
    path : Path
        File to read.
    size : int, optional
        Bytes that it must have when unpacked. Default: what its header declares; of a file without
        such a header only the start is returned, by which it can be told.

    Returns
    -------
    bytes
        The unpacked content.

    Raises
    ------
    DataError
        If the file is missing, is none, cannot be read, is a damaged gzip file, has more than
        ``size`` bytes, or is packed and declares more than
        :func:`prunus_model.common.reading.unpacked_limit`.
    """
    if wrong := refusal(path):
        raise DataError(f"File {path} {wrong}")
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            on_disk = path.stat().st_size
            most = unpacked_limit(on_disk) if packed else on_disk
            content = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
            return _read(content, path, size, most)
    except EOFError as error:
        raise DataError(f"File {path} must be a whole gzip file, not a truncated one") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"File {path} must be a whole gzip file, not a damaged one") from error
    except OSError as error:
        raise DataError(f"File {path} must be readable, not: {error.strerror}") from error


def _read(content: BinaryIO, path: Path, size: int | None, most: int) -> bytes:
    """Read the header, then as much as it declares and one byte, by which more is noticed."""
    head = content.read(_LONGEST_HEADER)
    expected = _declared(head) if size is None else size
    if expected is None:
        return head
    if wrong := memory_refusal(min(expected, most)):
        raise DataError(f"File {path} {wrong}")
    # What a plain file declares, and has not, is told by its length.
    if isinstance(content, gzip.GzipFile) and expected > most:
        raise DataError(f"File {path} must unpack to at most {most} bytes, not {expected}")
    whole = head + content.read(max(min(expected, most) + 1 - len(head), 0))
    if size is not None and len(whole) > size:
        raise DataError(f"File {path} must have {size} bytes when unpacked, not more")
    return whole


def _declared(head: bytes) -> int | None:
    """Return how many bytes a file has by its header; None if it is not one that can be read."""
    wide = head.startswith(_WIDE_LABELS)
    if not wide and (head[:3] != bytes((0, 0, _UNSIGNED_BYTE)) or head[3:4] not in (b"\1", b"\3")):
        return None
    end = 4 + 4 * head[3]
    if len(head) < end:
        return None
    elements = prod(int.from_bytes(head[at : at + 4], "big") for at in range(4, end, 4))
    return end + elements * (4 if wide else 1)


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
        Read-only view of ``content``, or made of the first column.

    Raises
    ------
    DataError
        If the content is not a label file, is too short or too long, or holds no label.
    """
    what = f"Label file {path}"
    if not content.startswith(_WIDE_LABELS):
        return _parse(content, what=what, dimensions=1)
    if len(content) < 12 or (len(content) - 12) % 4:
        raise DataError(f"{what} must have a header of 12 bytes and whole 32-bit integers")
    rows, columns = (int.from_bytes(content[at : at + 4], "big") for at in (4, 8))
    if rows * columns == 0 or len(content) != 12 + 4 * rows * columns:
        raise DataError(
            f"{what} must hold {rows} x {columns} integers, not {(len(content) - 12) // 4}"
        )
    classes = np.frombuffer(content, ">i4", offset=12).reshape(rows, columns)[:, 0]
    if classes.min() < 0 or classes.max() > 255:
        raise DataError(f"{what} must have classes in 0..255, not {classes.min()}..{classes.max()}")
    return classes.astype(np.uint8)


def _parse(content: bytes, *, what: str, dimensions: int) -> npt.NDArray[np.uint8]:
    """Check magic, dimensions and length; return a view of the elements."""
    magic = 0x100 * _UNSIGNED_BYTE + dimensions
    if len(content) < 4:
        raise DataError(
            f"{what} must start with magic 0x{magic:08x}, not end after {len(content)} bytes"
        )
    if content[:2] != b"\0\0":
        kind = next((kind for start, kind in _OTHERS.items() if content.startswith(start)), "")
        raise DataError(
            f"{what} must start with magic 0x{magic:08x}, not 0x{content[:4].hex()}"
            + (f": it is {kind}" if kind else "")
        )
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
            f"not {len(content) if len(content) < header + prod(shape) else 'more'}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
