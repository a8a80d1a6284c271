"""Images and labels in NumPy's archives and files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt
from numpy.lib.format import MAGIC_PREFIX

from prunus_model.common.errors import DataError
from prunus_model.common.reading import check_members, read_array_file, read_arrays, refusal
from prunus_model.common.text import reason_of
from prunus_model.data.arrays import Raw, to_split
from prunus_model.data.scaling import Scale
from prunus_model.data.split import Split, SplitName, choose_pair, order_for

__all__ = ["choose_arrays", "load_archive", "open_archive", "read_archive", "read_single"]


def load_archive(path: str, split: SplitName, scale: Scale | None = None) -> Split:
    """Load the arrays of an ``.npz`` archive, under any of the names that are usual for them.

    Axes and labels: :mod:`prunus_model.data.arrays`; levels: :mod:`prunus_model.data.scaling`.

    Parameters
    ----------
    path : str
        File to read. It holds ``images`` and ``labels``, or ``train_images``, ``train_labels`` and
        the same for ``test``, or ``x_train``, ``y_train`` and the same for ``test``; or ``x`` and
        ``y``, or ``data`` and ``target``. Upper and lower case are the same.
    split : {"train", "test"}
        Which split. If the file has only one, it is loaded for both.
    scale : Scale, optional
        As of :func:`prunus_model.data.arrays.to_split`.

    Returns
    -------
    Split
        Named after the file, and after the split if the names of the arrays tell it.

    Raises
    ------
    DataError
        If the file is missing or damaged, or if its arrays are not images and labels.
    """
    return to_split(lambda wanted: read_archive(path, wanted), split, scale)


def read_archive(path: str, split: SplitName) -> Raw:
    """Read the arrays of an ``.npz`` archive as :func:`load_archive` has it."""
    with open_archive(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        images, labels, used = choose_arrays(path, members, split)
        arrays = read_arrays(
            archive,
            {name: members[name] for name in (images, labels)},
            packed=Path(path).stat().st_size,
        )
    return Raw(
        name=f"{path}{used}",
        images=arrays[images],
        labels=arrays[labels],
        images_name=f"Array {images} of {path}",
        labels_name=f"Array {labels} of {path}",
        fallback=used not in ("", f" {split}"),
    )


def read_single(path: Path) -> npt.NDArray[Any]:
    """Read the one array of an ``.npy`` file, or of an ``.npz`` archive that has no other.

    Raises
    ------
    DataError
        If the file is missing or damaged, has other arrays, or is larger than may be read.
    """
    if path.suffix.lower() == ".npy":
        if wrong := refusal(path):
            raise DataError(f"File {path} {wrong}")
        try:
            return read_array_file(path)
        except Exception as error:
            raise DataError(
                f"File {path} must be a readable .npy file, not: {reason_of(error)}"
            ) from error
    with open_archive(str(path)) as archive:
        if len(names := archive.namelist()) != 1:
            raise DataError(f"File {path} must hold one array, not {len(names)}")
        return read_arrays(archive, {"array": names[0]}, packed=path.stat().st_size)["array"]


def choose_arrays(path: str, names: Iterable[str], split: SplitName) -> tuple[str, str, str]:
    """Return which arrays of a file are images and labels, and ``" train"``, ``" test"`` or "".

    Raises
    ------
    DataError
        As :func:`prunus_model.data.split.choose_pair`.
    """
    lower = {name.lower(): name for name in names}
    order = order_for(split)
    pairs = [
        *((f"{s}_images", f"{s}_labels", f" {s}") for s in order),
        *((f"x_{s}", f"y_{s}", f" {s}") for s in order),
        ("images", "labels", ""),
    ]
    pairs += [pair for pair in (("x", "y", ""), ("data", "target", "")) if {*pair[:2]} <= {*lower}]
    images, labels, used = choose_pair(f"File {path}", pairs, lower)
    return lower[images], lower[labels], used


@contextmanager
def open_archive(path: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; every fault of it becomes one line."""
    if wrong := refusal(Path(path)):
        raise DataError(f"File {path} {wrong}")
    try:
        with Path(path).open("rb") as file:
            if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
                raise DataError(f"File {path} must be an .npz archive, not a single array")
            with zipfile.ZipFile(file) as archive:
                check_members(archive, Path(path).stat().st_size)
                yield archive
    except DataError:
        raise
    except Exception as error:
        # NumPy and zipfile have a dozen kinds of errors for damage and for Python objects.
        raise DataError(
            f"File {path} must be a readable .npz archive, not: {reason_of(error)}"
        ) from error
