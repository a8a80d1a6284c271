"""Folders of data: files by their names, the caches of torchvision and Keras, pictures by class.

A name is taken apart at ``-``, ``_`` and ``.``: ``train``, or ``test`` or ``t10k``, is the split;
``images``, ``imgs`` or ``x`` are the images, ``labels``, ``targets`` or ``y`` their labels; what is
left, apart from the words of formats, is the name of the set. So ``kmnist-train-imgs.npz``,
``emnist-letters-test-labels-idx1-ubyte.gz`` and ``x_train.npy`` are found, and tables and archives
such as ``ECG200_TRAIN.tsv`` and ``train_32x32.mat``, which have both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data import cifar, classes, idx, tables
from prunus_model.data.arrays import Raw, Reader
from prunus_model.data.matlab import read_matlab
from prunus_model.data.npz import read_archive, read_single
from prunus_model.data.split import SplitName, choose_pair, order_for

__all__ = ["FILES", "find_folder", "pair_reader", "read_file"]

#: Files by set, then split ("" if the name has none), then role.
_Sets: TypeAlias = dict[str, dict[str, dict[str, Path]]]
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "t10k": "test"}
_ROLES = {
    **dict.fromkeys(("images", "imgs", "x"), "images"),
    **dict.fromkeys(("labels", "targets", "y"), "labels"),
}
_FORMAT_WORDS = {"idx1", "idx2", "idx3", "ubyte", "int", "npy", "npz", "gz"}
_ARRAYS = (".npy", ".npz")
#: Endings of files that have images and labels.
FILES = (".npz", ".mat", *tables.ENDINGS)
#: Sets whose images lie in the file column by column.
_TURNED = "emnist"


def read_file(path: str, split: SplitName) -> Raw:
    """Read images and labels from one file, by its ending."""
    ending = Path(path).suffix.lower()
    if ending in tables.ENDINGS:
        return tables.read_table(Path(path))
    return read_matlab(path, split) if ending == ".mat" else read_archive(path, split)


def pair_reader(images: Path, labels: Path) -> Reader:
    """Return what reads two files, idx or ``.npy`` or ``.npz`` with one array, for both splits."""

    def read(_split: SplitName) -> Raw:
        return _pair(images, labels, str(images))

    return read


def find_folder(folder: Path, wanted: str = "") -> Reader:
    """Find out what is in a folder.

    Parameters
    ----------
    folder : Path
        A folder. What torchvision keeps in a folder ``raw`` below is found too.
    wanted : str
        Name of a set, if there may be several.

    Returns
    -------
    callable
        Reads a split.

    Raises
    ------
    DataError
        If there is nothing known, half of something, or more than one set.
    OSError
        If the folder may not be searched.
    """
    for place in (folder, folder / "raw", *_only_raw(folder)):
        if place.is_dir() and (found := _look(place, wanted)):
            return found
    if wanted:
        raise DataError(f"Data {folder / wanted} must exist")
    if found := classes.find(folder):
        return found
    raise DataError(
        f"Folder {folder} must hold idx files, arrays, tables or archives with train or test in "
        "their names, or a folder of pictures for each class"
    )


def _only_raw(folder: Path) -> list[Path]:
    raw = sorted(folder.glob("*/raw"))
    if len(raw) > 1:
        names = ", ".join(place.parent.name for place in raw)
        raise DataError(f"Folder {folder} must hold one data set, not {names}: name one of them")
    return raw


def _look(folder: Path, wanted: str) -> Reader | None:
    """Return what reads the files of a folder; None if there are none that are known."""
    if not wanted and (found := idx.find_files(folder)):
        return _standard(folder, found)
    if not wanted and (binary := cifar.find(folder)):
        return binary
    sets = _sets(folder)
    if wanted:
        sets = {name: files for name, files in sets.items() if name == wanted.lower()}
    if not sets:
        return None
    if len(sets) > 1:
        some = ", ".join(str(folder / name) for name in sorted(sets))
        raise DataError(f"Folder {folder} must hold one data set; name one of {some}")
    [(name, files)] = sets.items()
    return _named(folder, name, files)


def _standard(folder: Path, found: dict[str, Path]) -> Reader:
    """Return what reads the four files of MNIST."""

    def read(split: SplitName) -> Raw:
        pairs = [(*idx.FILES[s], s) for s in order_for(split)]
        images, labels, used = choose_pair(f"Folder {folder}", pairs, found)
        raw = _pair(found[images], found[labels], f"{folder} {used}")
        return replace(raw, fallback=used != split)

    return read


def _named(folder: Path, name: str, files: dict[str, dict[str, Path]]) -> Reader:
    """Return what reads the files of a set."""

    def read(split: SplitName) -> Raw:
        used = next(s for s in (*order_for(split), "") if s in files)
        roles, fallback = files[used], used not in ("", split)
        if both := roles.get("both"):
            raw = read_file(str(both), split)
            return replace(raw, name=str(both), fallback=fallback)
        for role, other in (("images", "labels"), ("labels", "images")):
            if role not in roles:
                raise DataError(f"Folder {folder} must hold the {role} of {roles[other].name}, too")
        raw = _pair(roles["images"], roles["labels"], f"{folder / name} {used}".rstrip())
        if name.startswith(_TURNED):
            note = f"Images of {raw.name} are turned: those of EMNIST lie column by column"
            raw = replace(raw, images=raw.images.swapaxes(1, 2), notes=(note,))
        return replace(raw, fallback=fallback)

    return read


def _sets(folder: Path) -> _Sets:
    sets: _Sets = {}
    for path, words, ending in _parts(folder):
        splits = {_SPLITS[word] for word in words if word in _SPLITS}
        roles = {_ROLES[word] for word in words if word in _ROLES}
        is_array = ending in _ARRAYS or "ubyte" in words or "int" in words
        rest = "-".join(w for w in words if w not in {*_SPLITS, *_ROLES, *_FORMAT_WORDS})
        if len(splits) > 1 or len(roles) > 1:
            continue
        split = next(iter(splits), "")
        if roles and is_array:
            sets.setdefault(rest, {}).setdefault(split, {}).setdefault(next(iter(roles)), path)
        elif splits and not roles and ending in FILES:
            sets.setdefault(rest, {}).setdefault(split, {}).setdefault("both", path)
    return sets


def _parts(folder: Path) -> Iterator[tuple[Path, list[str], str]]:
    """Give the files of a folder in the order of their names: the words of each, and its ending."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            ending = path.suffix.lower()
            stem = path.name[: -len(ending)] if ending in FILES else path.name
            yield path, re.split(r"[-_. ]", stem.lower()), ending


def _pair(images: Path, labels: Path, name: str) -> Raw:
    return Raw(
        name=name,
        images=_array(images, idx.parse_images),
        labels=_array(labels, idx.parse_labels),
        images_name=f"Array of {images}",
        labels_name=f"Array of {labels}",
    )


def _array(path: Path, parse: Callable[[bytes, Path], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    if path.suffix.lower() in _ARRAYS:
        return read_single(path)
    return parse(idx.read_content(path), path)
