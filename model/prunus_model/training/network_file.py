"""The file of a network: an archive of arrays with a header.

The file is an ordinary ``.npz`` (``numpy.load`` opens it) with a JSON header as one more member.
Damage is noticed by the checksums that a zip archive has of every member, and by ``content_hash``
in the header. A file is written beside its final name and renamed, so that there is never half a
file.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import ArtifactError
from prunus_model.common.reading import check_members, read_arrays, refusal
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.state import STATE_DTYPES
from prunus_model.training.history import HISTORY_FIELDS

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "FORMER",
    "HISTORY_MEMBERS",
    "check_header",
    "read_members",
    "state_arrays",
    "write_members",
]

FORMAT = "prunus network"
FORMAT_VERSION = 2

_HEADER = "header.json"
#: Bytes that it may have: two thousand are usual, and a command line may be long.
_HEADER_LIMIT = 1 << 22
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Members of the records of the history. Format 2 says "live" for "plastic"; the content hash, by
#: which published results name their networks, covers the names.
HISTORY_MEMBERS = {
    name: f"history_{'live' if name == 'plastic' else name}" for name in HISTORY_FIELDS
}
#: A member of files of version 0.1.0 that is not read: of zeros, as the configuration must say.
FORMER = "coactivity"
#: Arrays beside the state.
_ARRAYS = ("votes", "assignment", "response", "response_images", *HISTORY_MEMBERS.values())
_HEADER_KEYS = {
    "format",
    "format_version",
    "content_hash",
    "complete",
    "config",
    "schedule",
    "presentation",
    "counters",
    "provenance",
}


def write_members(
    path: Path,
    header: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    new: bool = False,
) -> None:
    """Write a file as :func:`prunus_model.common.atomic.write_atomically` does.

    Raises
    ------
    OSError
        As of that function.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _add(archive, _HEADER, json.dumps(header, indent=1).encode())
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            _add(archive, f"{name}.npy", member.getvalue())
    write_atomically(path, buffer.getvalue(), new=new)


def read_members(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return header and arrays of a file, which are known by their names and not checked further.

    Raises
    ------
    ArtifactError
        If it cannot be read, is no such file, is damaged, or of a newer format.
    """
    if wrong := refusal(path):
        raise ArtifactError(f"Network file {path} {wrong}")
    try:
        with path.open("rb") as file:
            return _unpack(file, path)
    except OSError as e:
        raise ArtifactError(f"Network file {path} must be readable: {e.strerror}") from e


def check_header(header: Mapping[str, Any]) -> None:
    """Check the types of what is neither configuration nor schedule.

    Raises
    ------
    TypeError
        If one is another, or a number is out of its range.
    """
    provenance, counters = header["provenance"], header["counters"]
    if not isinstance(provenance, dict):
        raise TypeError(f"provenance must be a table, not {provenance!r}")
    seconds = provenance.get("train_seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds < inf:
        raise TypeError(f"provenance.train_seconds must be a number of 0 or more, not {seconds!r}")
    if not isinstance(counters, dict) or counters.keys() != set(COUNTERS):
        raise TypeError(f"counters must be {', '.join(COUNTERS)}")
    for name, value in {"presentation": header["presentation"], **counters}.items():
        if type(value) is not int or value < 0:
            raise TypeError(f"{name} must be an integer of 0 or more, not {value!r}")


def state_arrays(*, by_lift: bool, feedforward: bool) -> list[str]:
    """Return the state variables in a file: rates of inputs and biases only if there are any."""
    there = {"input_rate": by_lift, "bias": feedforward}
    return [name for name in STATE_DTYPES if there.get(name, True)]


def _arrays_of(config: Any) -> list[str]:
    """Return the state variables in a file of a configuration, which is not checked yet."""
    tables = config if isinstance(config, dict) else {}
    pruning = tables.get("pruning")
    return state_arrays(
        by_lift=isinstance(pruning, dict) and pruning.get("policy") == "lift",
        feedforward=tables.get("feedforward") is not None,
    )


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed date: the same network makes the same file.
    info = zipfile.ZipInfo(name, _EPOCH)
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _unpack(file: BinaryIO, path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return header and arrays."""
    size = file.seek(0, os.SEEK_END)
    try:
        with zipfile.ZipFile(file) as archive:
            if _HEADER not in archive.namelist():
                raise ArtifactError(f"Network file {path} must be one that prunus has saved")
            check_members(archive, size)
            if archive.getinfo(_HEADER).file_size > _HEADER_LIMIT:
                raise ValueError(f"{_HEADER} must have at most {_HEADER_LIMIT} bytes")
            header = json.loads(archive.read(_HEADER))
            found = header.get("format"), header.get("format_version")
            if found != (FORMAT, FORMAT_VERSION):
                raise ArtifactError(
                    f"Network file {path} must be {FORMAT!r} of format {FORMAT_VERSION}, "
                    f"not {found[0]!r} of format {found[1]!r}"
                )
            _check_names("header keys", list(header), _HEADER_KEYS, path)
            state = _arrays_of(header["config"])
            members = {name: f"{name}.npy" for name in (*state, *_ARRAYS)}
            found_names = [name for name in archive.namelist() if name != f"{FORMER}.npy"]
            _check_names("members", found_names, {_HEADER, *members.values()}, path)
            arrays = read_arrays(archive, members, packed=size)
    except (ArtifactError, MemoryError):
        raise
    except Exception as e:
        # Damaged, or no artefact: zipfile, zlib, json and NumPy have a dozen kinds of errors.
        reason = str(e) or type(e).__name__
        raise ArtifactError(f"Network file {path} must be readable: {reason}") from e
    return header, arrays


def _check_names(what: str, found: list[str], expected: set[str], path: Path) -> None:
    """Check that each expected name is there, once, and no other."""
    wrong = {name for name in {*found, *expected} if found.count(name) != (name in expected)}
    if wrong:
        raise ArtifactError(
            f"Network file {path} must have the known {what}, each once, "
            f"but differs in {', '.join(sorted(wrong))}"
        )
