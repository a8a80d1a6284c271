"""Pictures in folders, one folder for each class; these may be in folders `train` and `test`.

Classes are numbered in the order of the names of their folders; names that are all numbers are
ordered as numbers. Images have three channels if the first training picture of any class has a
colour, and one otherwise.

The images of all classes are spread evenly over a split: a network that learns from one image after
the other forgets a class that it has not seen for long.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal
from prunus_model.data.arrays import Raw, Reader
from prunus_model.data.class_names import in_order
from prunus_model.data.pictures import PICTURES, is_coloured, picture_size, read_colours, to_grey
from prunus_model.data.split import SplitName, order_for

__all__ = ["find"]

#: Names of the folders of each split.
_SPLITS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid")}


def find(folder: Path) -> Reader | None:
    """Return what reads the pictures below a folder; None if there are none.

    Raises
    ------
    DataError
        When it is called: if a class has no picture, or a picture can't be read or has another
        size than the first.
    """
    there = {
        split: next((folder / name for name in names if (folder / name).is_dir()), None)
        for split, names in _SPLITS.items()
    }
    roots = {split: root for split, root in there.items() if root and _folders(root)}
    if not roots and not any(_pictures(place) for place in _folders(folder)):
        return None

    def read(split: SplitName) -> Raw:
        used = next((s for s in order_for(split) if s in roots), "")
        training = roots.get("train", roots.get("test", folder))
        return _read(roots.get(used, folder), training, fallback=used not in ("", split))

    return read


def _read(root: Path, training: Path, *, fallback: bool) -> Raw:
    names = [place.name for place in _folders(training)]
    if unknown := sorted({place.name for place in _folders(root)} - {*names}):
        raise DataError(f"Folder {root / unknown[0]} must be one of a class, as in {training}")
    files = _spread([_pictures(root / name) for name in names])
    coloured = any(is_coloured(read_colours(_of(training / name)[0])) for name in names)
    if not files:
        raise DataError(f"Folder {root} must hold at least one picture")
    size = picture_size(files[0][0])
    channels = 3 if coloured else 1
    if wrong := memory_refusal(len(files) * size[0] * size[1] * channels):
        raise DataError(f"Pictures of {root} {wrong}")
    shape = (size[1], size[0], 3) if coloured else (size[1], size[0])
    images = np.empty((len(files), *shape), np.uint8)
    lost = 0
    for number, (path, _) in enumerate(files):
        if (other := picture_size(path)) != size:
            raise DataError(
                f"Pictures of {root} must all have one size, but {path} has {_by(other)} and "
                f"{files[0][0]} {_by(size)}"
            )
        colours = read_colours(path)
        lost += not coloured and is_coloured(colours)
        images[number] = colours if coloured else to_grey(colours)
    notes = (f"{lost} pictures of {root} have colours, which are left out",) if lost else ()
    return Raw(
        name=str(root),
        images=images,
        labels=np.array([label for _, label in files]),
        images_name=f"Pictures of {root}",
        labels_name=f"Classes of {root}",
        fallback=fallback,
        class_names=tuple(names),
        notes=notes,
    )


def _spread(pictures: list[list[Path]]) -> list[tuple[Path, int]]:
    """Return pictures and their classes; those of each class are evenly far apart.

    Picture ``k`` of ``n`` comes after the share ``(2 k + 1) / 2 n`` of the split; of equal ones the
    lower class comes first.
    """
    placed = [
        (Fraction(2 * k + 1, 2 * len(paths)), label, path)
        for label, paths in enumerate(pictures)
        for k, path in enumerate(paths)
    ]
    return [(path, label) for _, label, path in sorted(placed)]


def _folders(root: Path) -> list[Path]:
    """Return the folders in a folder, in the order of their classes."""
    found = (p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
    return [root / name for name in in_order(found)]


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    )


def _of(folder: Path) -> list[Path]:
    """Return the pictures of a class, at least one."""
    if found := _pictures(folder):
        return found
    raise DataError(f"Folder {folder} must hold at least one picture, as it is that of a class")


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
