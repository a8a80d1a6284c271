"""Events in NumPy files and arrays: ``.npz`` of t, x, y, p, and structured arrays as tonic's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import read_arrays
from prunus_model.common.text import reason_of
from prunus_model.data.events.recording import Recording, integers
from prunus_model.data.npz import open_archive

__all__ = ["from_structured", "is_npy", "is_npz", "read_npy", "read_npz"]

_FIELDS: tuple[str, ...] = ("t", "x", "y", "p")
_NEEDED = ("t", "x")
_OPTIONAL = ("y", "p", "offsets", "labels", "width", "height")


def is_npz(path: Path) -> bool:
    """Return whether a file is an archive with arrays ``t`` and ``x``."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in _NEEDED} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def is_npy(path: Path) -> bool:
    """Return whether a file is an array with fields ``t`` and ``x``."""
    try:
        return set(_NEEDED) <= set(np.load(path, mmap_mode="r").dtype.names or ())
    except (OSError, ValueError):
        return False


def read_npz(path: Path, label: int | None = None) -> Iterator[Recording]:
    """Read an archive with ``t`` and ``x``, ``y`` and ``p`` if there are any.

    With ``offsets`` (n + 1 integers from 0 to the number of events) it has ``n`` recordings, event
    ``offsets[i]`` to ``offsets[i + 1] - 1`` each, with ``labels``, if given. ``width`` and
    ``height``, if given, are those of the frame.

    Raises
    ------
    DataError
        If the file is damaged, or the arrays are not as described.
    """
    with open_archive(str(path)) as archive:
        there = {n: f"{n}.npy" for n in (*_NEEDED, *_OPTIONAL) if f"{n}.npy" in archive.NameToInfo}
        arrays = read_arrays(archive, there, packed=path.stat().st_size)
    if missing := [name for name in _NEEDED if name not in arrays]:
        raise DataError(f"File {path} must have an array {missing[0]}")
    values = {name: integers(a, f"Array {name} of {path}") for name, a in arrays.items()}
    events = {name: values[name] for name in _FIELDS if name in values}
    for name, array in events.items():
        if array.shape != (shape := (values["t"].size,)):
            raise DataError(f"Array {name} of {path} must have shape {shape}, not {array.shape}")
    yield from _parts(path, events, values, label)


def _parts(
    path: Path,
    events: dict[str, npt.NDArray[np.int64]],
    values: dict[str, npt.NDArray[np.int64]],
    label: int | None,
) -> Iterator[Recording]:
    size = values["t"].size
    offsets = values.get("offsets", np.array([0, size]))
    if (
        offsets.ndim != 1
        or len(offsets) < 2
        or (offsets[0], offsets[-1]) != (0, size)
        or (np.diff(offsets) < 0).any()
    ):
        raise DataError(f"Array offsets of {path} must go from 0 to {size} events, in order")
    count = len(offsets) - 1
    labels = values.get("labels")
    if labels is not None and labels.size != count:
        raise DataError(f"Array labels of {path} must have {count} labels, not {labels.size}")
    frame = None
    if "width" in values and "height" in values:
        if values["width"].size != 1 or values["height"].size != 1:
            raise DataError(f"Arrays width and height of {path} must be one number each")
        frame = (int(values["width"].item()), int(values["height"].item()))
    for k, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        own = None if labels is None else int(labels.ravel()[k])
        yield _recording(
            {name: array[start:end] for name, array in events.items()},
            f"{path}[{k}]" if "offsets" in values else str(path),
            label if own is None else own,
            frame,
        )


def read_npy(path: Path, label: int | None = None) -> Recording:
    """Read a structured array; as :func:`from_structured`."""
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:
        raise DataError(
            f"File {path} must be a readable .npy array, not: {reason_of(error)}"
        ) from error
    return from_structured(array, str(path), label)


def from_structured(array: npt.NDArray[Any], name: str, label: int | None = None) -> Recording:
    """Take a structured array, as the package tonic gives them.

    Parameters
    ----------
    array : structured ndarray, shape (n,)
        Fields ``t`` (microseconds) and ``x``; ``y`` and ``p`` if there are any.
    name : str
        For messages.
    label : int, optional
        Class.

    Raises
    ------
    DataError
        If a field is missing, or has other values.
    """
    fields = array.dtype.names or ()
    if missing := [field for field in _NEEDED if field not in fields]:
        raise DataError(f"Events {name} must have a field {missing[0]}, besides {list(fields)}")
    events = {
        field: integers(array[field], f"Field {field} of {name}")
        for field in _FIELDS
        if field in fields
    }
    return _recording(events, name, label, None)


def _recording(
    events: dict[str, npt.NDArray[np.int64]],
    name: str,
    label: int | None,
    frame: tuple[int, int] | None,
) -> Recording:
    t = events["t"]
    return Recording(
        name=name,
        t=t,
        x=events["x"],
        y=events.get("y", np.zeros_like(t)),
        p=events.get("p", np.ones_like(t)),
        label=label,
        frame=frame,
        polar="p" in events,
    )
