"""Reading files of others: what is no file is not opened, and what is packed has a limit."""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "check_members",
    "memory_refusal",
    "read_array_file",
    "read_arrays",
    "refusal",
    "unpacked_limit",
]

#: What every file may unpack to, in bytes, and what a larger one may: so many times its own size.
#: Pictures of digits shrink to a fifth, a network of which a tenth is left to a twentieth.
_ALWAYS, _TIMES = 256 << 20, 100
#: Where Linux tells what a container may have.
_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def refusal(path: Path) -> str:
    """Return why something can't be read as a file, as the end of a message; empty if it can.

    Devices and pipes may never end.

    Examples
    --------
    >>> refusal(Path("/"))
    'must be a file, not a folder'
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "must exist"
    except OSError as e:
        return f"must be readable, not: {e.strerror}"
    if stat.S_ISDIR(mode):
        return "must be a file, not a folder"
    return "" if stat.S_ISREG(mode) else "must be a file, not a device, pipe or socket"


def unpacked_limit(packed: int) -> int:
    """Return how many bytes a file of so many bytes may unpack to.

    Examples
    --------
    >>> unpacked_limit(1_000) >> 20, unpacked_limit(1_000_000_000)
    (256, 100000000000)
    """
    return max(_ALWAYS, _TIMES * packed)


def memory_refusal(size: int) -> str:
    """Return why so many bytes can't be read, as the end of a message; empty if they can.

    Data may take half of the memory of this machine, or of its control group: the other half is for
    the levels that are made of them.

    Examples
    --------
    >>> memory_refusal(1 << 20), memory_refusal(1 << 70).endswith("not 1180591620717.4 GB")
    ('', True)
    """
    most = _memory() // 2
    if size <= most:
        return ""
    return f"must take at most {most / 1e9:.1f} GB, half of the memory, not {size / 1e9:.1f} GB"


def _memory() -> int:
    """Return the memory that this process can have at most, in bytes."""
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        found = sys.maxsize
    with suppress(OSError, ValueError):
        found = min(found, int(_CONTROL_GROUP.read_text()))
    return found


def read_array_file(path: Path) -> npt.NDArray[Any]:
    """Read an ``.npy`` file, after what it declares has been compared with its size and the memory.

    Raises
    ------
    ValueError
        If it is damaged, holds Python objects, or is too large. OSError: if it can't be read.
    """
    with path.open("rb") as file:
        return _read_array(file, path.stat().st_size, "it")


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Check that no member of an archive says that it is larger than that.

    Python 3.11 makes room for all that a member says it has before it reads it.

    Parameters
    ----------
    archive : zipfile.ZipFile
        Opened for reading.
    size : int
        Size of the archive in bytes.

    Raises
    ------
    ValueError
        With the first such member.
    """
    for member in archive.infolist():
        if member.compress_size > size:
            raise ValueError(
                f"member {member.filename!r} must have at most the {size} bytes of the archive, "
                f"not {member.compress_size}"
            )


def read_arrays(
    archive: zipfile.ZipFile, members: Mapping[str, str], *, packed: int
) -> dict[str, npt.NDArray[Any]]:
    """Unpack arrays in NumPy's format, after what they declare has been compared with the limit.

    Parameters
    ----------
    archive : zipfile.ZipFile
        Opened for reading.
    members : mapping of str to str
        What the arrays are called in messages, and their members of the archive.
    packed : int
        Size of the archive in bytes.

    Returns
    -------
    dict of str to ndarray
        By the names of ``members``.

    Raises
    ------
    KeyError
        If a member is missing.
    ValueError
        If they unpack to more than :func:`unpacked_limit` together, or one is no array, is of
        another size than its header says, or holds Python objects. A damaged archive: as
        :mod:`zipfile`.
    """
    _check_size([archive.getinfo(member) for member in members.values()], unpacked_limit(packed))
    arrays = {}
    for name, member in members.items():
        with archive.open(member) as file:
            arrays[name] = _read_array(file, archive.getinfo(member).file_size, name)
    return arrays


def _check_size(members: Collection[zipfile.ZipInfo], most: int) -> None:
    if (size := sum(member.file_size for member in members)) > most:
        raise ValueError(f"arrays must unpack to at most {most} bytes, not {size}")
    if wrong := memory_refusal(size):
        raise ValueError(f"arrays {wrong}")
    # Of the other methods, LZMA takes as much memory as the file asks for.
    if any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        raise ValueError("members must be packed by deflate, or not at all")


def _read_array(file: IO[bytes], size: int, name: str) -> npt.NDArray[Any]:
    if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
        raise ValueError(f"{name} must be in NumPy's format")
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"{name} must be in NumPy's format 1.0 or 2.0, not {version}")
    shape, _, dtype = _HEADERS[version](file)
    # An array of Python objects is refused below.
    if not dtype.hasobject and file.tell() + prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{name} must be of the size that its header says, {shape} {dtype}")
    if wrong := memory_refusal(size):
        raise ValueError(f"{name} {wrong}")
    file.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array
