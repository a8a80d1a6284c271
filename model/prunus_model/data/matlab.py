"""Images and labels in files of Matlab, versions 5 to 7.2; variables are named as in archives.

The format is Matlab's "MAT-File Format", Level 5: after 128 bytes, elements of a tag (type, length)
and data, padded to 8 bytes; a compressed one holds another. A matrix has elements of its own:
flags, dimensions, name, numbers. SciPy's reader is not used, as it crashes the process for damaged
files; ours reads full arrays of numbers only, and compares every length with what is there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal, refusal, unpacked_limit
from prunus_model.common.text import reason_of
from prunus_model.data.arrays import Raw, whole_numbers
from prunus_model.data.npz import choose_arrays
from prunus_model.data.split import SplitName

__all__ = ["read_matlab"]

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
#: Types of numbers as they are stored, and classes of arrays as Matlab has them.
_STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_CLASSES = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), 6))
_OTHERS = {1: "cells", 2: "structures", 3: "objects", 4: "text", 5: "a sparse matrix"}
_COMPLEX, _LOGICAL = 0x800, 0x200
#: So much of a compressed element is unpacked to read its name.
_PEEK = 1 << 10


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
    if wrong := refusal(Path(path)) or memory_refusal(Path(path).stat().st_size):
        raise DataError(f"File {path} {wrong}")
    content = Path(path).read_bytes()
    if content[124:128] in (b"\0\2IM", b"\2\0MI"):
        raise DataError(f"File {path} must be of version 7.2 or less: save(..., '-v7')")
    try:
        found = {matrix.name: matrix for matrix in _matrices(content)}
        images, labels, used = choose_arrays(path, found, split)
        pixels, classes = found[images].read(), found[labels].read()
    except DataError:
        raise
    except (ValueError, zlib.error) as e:
        raise DataError(
            f"File {path} must be a .mat file that can be read, not: {reason_of(e)}"
        ) from e
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matrix:
    """A variable whose numbers have not been read."""

    name: str
    read: Callable[[], npt.NDArray[Any]]


def _matrices(content: bytes) -> Iterator[_Matrix]:
    """Give the variables of a file.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    if content[126:128] not in (b"IM", b"MI"):
        raise ValueError("it has no header of a .mat file")
    order = "<" if content[126:128] == b"IM" else ">"
    rest = memoryview(content)[_HEADER:]
    while rest:
        kind, data, rest = _element(rest, order)
        if kind == _COMPRESSED:
            start = memoryview(zlib.decompressobj().decompress(data, _PEEK))[8:]
            read = partial(_numbers_of_packed, data, order, len(content))
            yield _Matrix(name=_name(start, order), read=read)
        elif kind == _MATRIX:
            yield _Matrix(name=_name(data, order), read=partial(_numbers, data, order))


def _element(content: memoryview, order: str) -> tuple[int, memoryview, memoryview]:
    """Return type and data of an element, and what follows it."""
    if len(content) < 8:
        raise ValueError("it ends within an element")
    kind, length = np.frombuffer(content[:8], f"{order}u4").tolist()
    start = 8
    if kind >> 16:
        # Up to four bytes are in the tag.
        kind, length, start = kind & 0xFFFF, kind >> 16, 4
    end = start + length
    if (length > 4 and start == 4) or end > len(content):
        raise ValueError(f"an element must have {length} bytes, which are not there")
    padded = end if kind == _COMPRESSED else end + -end % 8
    return kind, content[start:end], content[padded:]


def _unpacked(packed: memoryview, order: str, file_size: int) -> memoryview:
    """Unpack a compressed matrix, after what it declares has been compared with the limits."""
    unpacking = zlib.decompressobj()
    tag = unpacking.decompress(packed, 8)
    kind, length = np.frombuffer(tag.ljust(8, b"\0"), f"{order}u4").tolist()
    if kind != _MATRIX:
        raise ValueError("a compressed element must be a matrix")
    if length > unpacked_limit(file_size):
        raise ValueError(f"it must unpack to at most {unpacked_limit(file_size)} bytes")
    if wrong := memory_refusal(length):
        raise ValueError(f"a variable {wrong}")
    # One byte more, by which the checksum is compared and more is noticed.
    data = unpacking.decompress(unpacking.unconsumed_tail, length + 1)
    if len(data) != length or not unpacking.eof:
        raise ValueError(f"a variable must unpack to {length} bytes")
    return memoryview(data)


def _numbers_of_packed(packed: memoryview, order: str, file_size: int) -> npt.NDArray[Any]:
    return _numbers(_unpacked(packed, order, file_size), order)


def _name(matrix: memoryview, order: str) -> str:
    for _ in range(2):
        _, _, matrix = _element(matrix, order)
    return bytes(_element(matrix, order)[1]).decode("latin-1")


def _numbers(matrix: memoryview, order: str) -> npt.NDArray[Any]:
    """Return the numbers of a matrix: full and real."""
    _, flags, rest = _element(matrix, order)
    _, dimensions, rest = _element(rest, order)
    _, _, rest = _element(rest, order)
    if len(flags) != 8 or len(dimensions) % 4:
        raise ValueError("flags and dimensions of a variable must be whole")
    bits = int(np.frombuffer(flags, f"{order}u4")[0])
    kind, shape = bits & 0xFF, np.frombuffer(dimensions, f"{order}i4").tolist()
    if kind not in _CLASSES or bits & _COMPLEX:
        raise ValueError(f"variables must be real numbers, not {_OTHERS.get(kind, 'complex ones')}")
    stored, data, _ = _element(rest, order)
    if stored not in _STORED:
        raise ValueError(f"numbers must be of a known type, not {stored}")
    dtype = np.dtype(f"{order}{_STORED[stored]}")
    if min(shape, default=-1) < 0 or prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"a variable must have the numbers of its dimensions, {shape}")
    values = np.frombuffer(data, dtype).reshape(shape, order="F")
    return values.astype(bool if bits & _LOGICAL else _CLASSES[kind])
