"""Where recordings are: files, and folders with one folder for each class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import refusal
from prunus_model.data import cifar
from prunus_model.data.benchmarks import SIMULATED
from prunus_model.data.class_names import check_names, is_number
from prunus_model.data.datasets import is_name
from prunus_model.data.events import nmnist
from prunus_model.data.events.arrays import is_npy, is_npz, read_npy, read_npz
from prunus_model.data.events.packages import read_aedat4, read_hdf5, read_prophesee
from prunus_model.data.events.recording import Recording
from prunus_model.data.split import SPLITS, SplitName, order_for
from prunus_model.data.trained_on import TrainedOn
from prunus_model.spec.formats import CLASSES_MAX

__all__ = ["Source", "find", "is_events"]

#: Endings of files that are events and nothing else.
_ENDINGS = frozenset({".bin", ".h5", ".hdf5", ".aedat4", ".aedat", ".raw", ".dat"})
_NUMPY = {".npz": is_npz, ".npy": is_npy}
#: Files that are looked at to tell what is in a folder.
_LOOKED_AT = 1000


#: Classes of recordings stay as they are.
_AS_THEY_ARE = TrainedOn(class_names=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Recordings of a split.

    Attributes
    ----------
    name : str
        For messages.
    files : tuple of (Path, int or None)
        Files and the class of each, if a folder tells it.
    fallback : bool
        Whether these are of the other split, as the wanted one is not there.
    class_names : tuple of str
        What the classes are called; empty if they are called by their numbers.
    trained_on : TrainedOn
        By which classes are numbered. Default: they stay as they are.
    """

    name: str
    files: tuple[tuple[Path, int | None], ...]
    fallback: bool = False
    class_names: tuple[str, ...] = ()
    trained_on: TrainedOn = _AS_THEY_ARE

    def numbered_for(self, trained_on: TrainedOn) -> Source:
        """Return the recordings with the classes of a network.

        Raises
        ------
        DataError
            As of :meth:`prunus_model.data.trained_on.TrainedOn.numbered`.
        """
        labels = np.array([label for _, label in self.files if label is not None], np.uint8)
        trained_on.numbered(labels, self.class_names, self.name)
        return replace(self, trained_on=trained_on)

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels of the recordings stand for; empty if they are numbers."""
        return self._for_network(None)[1]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the classes, one line each."""
        return self._for_network(None)[2]

    def recordings(self) -> Iterator[Recording]:
        """Read one recording after the other; a folder of a class tells it, whatever a file says.

        Raises
        ------
        DataError
            If a file can't be read, or a class is none of the network's.
        """
        # Recordings are many, classes few.
        number_of = cache(lambda label: int(self._for_network(label)[0][0]))
        for path, label in self.files:
            try:
                for one in _read(path, label):
                    own = one.label if label is None else label
                    if own is not None and 0 <= own < CLASSES_MAX:
                        own = number_of(own)
                    yield one if own == one.label else replace(one, label=own)
            except OSError as e:
                raise DataError(f"File {path} must be readable, not: {e.strerror or e}") from e

    def _for_network(
        self, label: int | None
    ) -> tuple[npt.NDArray[np.uint8], tuple[str, ...], tuple[str, ...]]:
        labels = np.array([] if label is None else [label], np.uint8)
        return self.trained_on.numbered(labels, self.class_names, self.name)


def is_events(spec: str) -> bool:
    """Return whether data are events: a file of them, or a folder with such files.

    Names come first, as for images; and the images of CIFAR end in ``.bin``, too.
    """
    if spec == SIMULATED:
        return True
    path = Path(spec)
    if is_name(spec) or cifar.is_binary(path):
        return False
    if path.is_dir():
        return any(
            _is_event_file(one)
            for pattern in ("*", "*/*", "*/*/*")
            for one in islice(path.glob(pattern), _LOOKED_AT)
        )
    return path.is_file() and _is_event_file(path)


def find(spec: str, split: SplitName) -> Source:
    """Find the recordings of a split.

    Parameters
    ----------
    spec : str
        A file of events; or a folder, in which there may be folders ``train`` and ``test``, and in
        these (or in it) either one folder for each class or files with labels of their own
        (``.h5``, ``.npz``), of which the names may have ``train`` or ``test`` in them. Folders that
        are called by numbers are the classes of these numbers; others are numbered in the order of
        their names. Files come in the order of their own names, whatever their class.
    split : {"train", "test"}
        Which split. If there is only one, it is taken for both.

    Raises
    ------
    DataError
        If these are no events, or there are too many classes.
    """
    if not is_events(spec):
        raise DataError(
            f"Data {spec} must be events for this network (encoder.events is set): a file or a "
            f"folder of .bin, .h5, .aedat4, .raw, .dat, .npz or .npy"
        )
    path = Path(spec)
    if path.is_file():
        return Source(name=spec, files=((path, None),))
    try:
        return _in_folder(path, split)
    except OSError as e:
        raise DataError(f"Data {spec} must be readable, not: {e.strerror}") from e


def _in_folder(folder: Path, split: SplitName) -> Source:
    folders = {one.name.lower(): one for one in _visible(folder) if one.is_dir()}
    there = [s for s in SPLITS if s in folders]
    used = next((s for s in order_for(split) if s in there), None)
    # The classes of both, so that they have the same numbers in both.
    roots = [folders[s] for s in there] or [folder]
    classes = _numbered({one.name for root in roots for one in _class_folders(root)}, folder)
    root = folder if used is None else folders[used]
    files = sorted(
        (one.name, label, one)
        for name, label in classes.items()
        if (root / name).is_dir()
        for one in _visible(root / name)
        if _is_event_file(one)
    )
    if files:
        return Source(
            name=str(folder) if used is None else f"{folder} {used}",
            files=tuple((one, label) for _, label, one in files),
            fallback=used not in (None, split),
            class_names=() if _are_numbers(classes) else tuple(classes),
        )
    return _labelled_files(folder, root, split, used)


def _labelled_files(folder: Path, root: Path, split: SplitName, used: SplitName | None) -> Source:
    """Return files that are not in folders of classes, by the split in their names."""
    files = [one for one in _visible(root) if one.is_file() and _is_event_file(one)]
    if not files:
        raise DataError(
            f"Folder {root} must have a folder of event files for each class, or files with labels"
        )
    for named in order_for(split) if used is None else ():
        if of_split := [one for one in files if named in one.stem.lower()]:
            return Source(
                name=f"{folder} {named}",
                files=tuple((one, None) for one in of_split),
                fallback=named != split,
            )
    return Source(
        name=str(folder) if used is None else f"{folder} {used}",
        files=tuple((one, None) for one in files),
        fallback=used not in (None, split),
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if not one.name.startswith("."))


def _class_folders(root: Path) -> list[Path]:
    return [
        one for one in _visible(root) if one.is_dir() and any(map(_is_event_file, one.iterdir()))
    ]


def _numbered(names: set[str], folder: Path) -> dict[str, int]:
    """Return the number of each class."""
    check_names(sorted(names), f"Classes of {folder}")
    if _are_numbers(names):
        numbers = {name: int(name) for name in sorted(names)}
    else:
        numbers = {name: k for k, name in enumerate(sorted(names))}
    if numbers and max(numbers.values()) >= CLASSES_MAX:
        raise DataError(
            f"Classes of {folder} must be in 0..{CLASSES_MAX - 1}, not {max(numbers.values())}"
        )
    return numbers


def _are_numbers(names: Iterable[str]) -> bool:
    return all(map(is_number, names))


def _is_event_file(path: Path) -> bool:
    ending = path.suffix.lower()
    return ending in _ENDINGS or (ending in _NUMPY and _NUMPY[ending](path))


def _read(path: Path, label: int | None) -> Iterator[Recording]:
    if wrong := refusal(path):
        raise DataError(f"File {path} {wrong}")
    match path.suffix.lower():
        case ".bin":
            yield nmnist.parse(path.read_bytes(), str(path), label=label)
        case ".h5" | ".hdf5":
            yield from read_hdf5(path)
        case ".aedat4" | ".aedat":
            yield read_aedat4(path, label)
        case ".raw" | ".dat":
            yield read_prophesee(path, label)
        case ".npy":
            yield read_npy(path, label)
        case _:
            yield from read_npz(path, label)
