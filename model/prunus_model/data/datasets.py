"""Images and labels: data sets with a name, and whatever a user has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path

from prunus_model.common.errors import DataError
from prunus_model.common.text import not_found
from prunus_model.data import idx
from prunus_model.data.arrays import Reader, to_split
from prunus_model.data.benchmarks import BENCHMARKS, benchmark
from prunus_model.data.folders import FILES, find_folder, pair_reader, read_file
from prunus_model.data.npz import load_archive
from prunus_model.data.registry import BY_NAME, NAMED, cache_folder, provide, search, user_folder
from prunus_model.data.split import SPLITS, Split, SplitName, check_for
from prunus_model.data.trained_on import TrainedOn

__all__ = [
    "SAMPLE_PATH",
    "SAMPLE_SHA256",
    "Source",
    "Split",
    "SplitName",
    "check_for",
    "data_digest",
    "fetch",
    "is_name",
    "list_sources",
    "load",
]

_NAMES = ("sample", *NAMED)
_KINDS = "a folder that exists, a file .npz, .mat, .csv, .tsv or .txt, or IMAGES,LABELS"
#: The first 2,000 training and the first 1,000 test images of MNIST.
SAMPLE_PATH = Path(str(resources.files("prunus_model.pretrained") / "mnist_sample.npz"))
#: By split, what :attr:`Split.sha256` of the sample must be.
SAMPLE_SHA256: dict[SplitName, str] = {
    "train": "da966125d20105e99c0abc84bc7888717e22915e49cb0a0d830c68045bf1dd38",
    "test": "b2b2422bef0051ae712c0bfd37d4e61dcefd25b14465cde6f5148284b7716cf6",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a named data set is.

    Parameters
    ----------
    name : str
        Name of the data set.
    folder : Path
        Where its files are or, if it is not verified, where a download puts them.
    verified : bool
        Whether all of its files are there, with the right content.
    train_images, test_images : int
        Number of images; 0 if the data set is not verified.
    problem : str
        One line about why it can neither be used nor be downloaded; empty if there is no such
        reason.
    """

    name: str
    folder: Path
    verified: bool
    train_images: int = 0
    test_images: int = 0
    problem: str = ""


def load(
    spec: str, split: SplitName, *, progress: bool = False, trained_on: TrainedOn | None = None
) -> Split:
    """Load one split of a data set.

    What arrays may look like: :mod:`prunus_model.data.arrays`; how their values become levels:
    :mod:`prunus_model.data.scaling`.

    Parameters
    ----------
    spec : str
        One of: ``sample``, ``mnist``, ``fashion-mnist``; ``kmnist``, ``qmnist``, ``emnist-letters``
        and so on, found in the folder ``PRUNUS_DATA``; ``mnist-noise``, ``mnist-colour``,
        ``digits``, ``spectra``, made by :mod:`prunus_model.data.benchmarks`; a folder, as
        :mod:`prunus_model.data.folders` has it, or ``FOLDER/SET`` if it has several; a file
        ``.npz``, ``.mat``, ``.csv``, ``.tsv`` or ``.txt``; ``IMAGES,LABELS``, two files, idx or
        ``.npy``. Names come first: a folder that is called ``mnist`` is ``./mnist``.
    split : {"train", "test"}
        Which split. If a folder or file has only one, it is loaded for both.
    progress : bool
        Whether a download shows its progress on the standard error.
    trained_on : TrainedOn, optional
        What a network keeps of its training images
        (:attr:`prunus_model.training.artifact.Artifact.trained_on`): values are scaled and classes
        numbered for it. Default: as the training split of these data has them.

    Returns
    -------
    Split
        Named after what was loaded, e.g. ``"mnist train"``.

    Raises
    ------
    DataError
        If the data are missing, damaged, not those of the name, or cannot be downloaded.
    """
    if split not in SPLITS:
        raise DataError(f"Split must be 'train' or 'test', not {split!r}")
    if spec == "sample":
        found = _load_sample(split)
    elif spec in NAMED:
        contents = provide(spec, idx.FILES[split], progress=progress)
        found = _from_idx(f"{spec} {split}", contents.values())
    elif spec in BENCHMARKS:
        found = benchmark(spec, split, load)
    else:
        try:
            found = to_split(_reader(spec), split, trained_on.scale if trained_on else None)
        except OSError as error:
            raise DataError(f"Data {spec} must be readable, not: {error.strerror}") from error
    return found if trained_on is None else found.numbered_for(trained_on)


def is_name(spec: str) -> bool:
    """Return whether a data set has that name; names come before files and folders."""
    return spec in _NAMES or spec in BY_NAME or spec in BENCHMARKS


def _reader(spec: str) -> Reader:
    """Find out what reads data that have no name."""
    path = Path(spec)
    if spec in BY_NAME:
        return _by_name(spec)
    if spec and path.is_dir():
        return find_folder(path)
    if path.suffix.lower() in FILES and ("," not in spec or path.is_file()):
        return partial(read_file, spec)
    if pair := _pair(spec):
        return pair_reader(*pair)
    if path.is_file():
        raise DataError(f"Data {spec} must be {_KINDS}, not one file of another kind")
    if "," not in spec and path.name and len(path.parts) > 1 and path.parent.is_dir():
        return find_folder(path.parent, path.name)
    allowed = f"{', '.join(_NAMES)}, {_KINDS}"
    raise DataError(not_found("Data", spec, (*_NAMES, *BY_NAME, *BENCHMARKS), allowed))


def _by_name(name: str) -> Reader:
    """Find a data set that has a name, but of which no SHA-256 is known."""
    base = user_folder()
    raw = base / BY_NAME[name] / "raw" if base else None
    for folder in () if base is None else (base / name, raw):
        if folder and folder.is_dir():
            return find_folder(folder, name if folder == raw and "-" in name else "")
    raise DataError(
        f"Data {name} must be in the folder that PRUNUS_DATA names, as {name} or "
        f"{BY_NAME[name]}/raw: they are not downloaded, as no SHA-256 of them is known"
    )


def _pair(spec: str) -> tuple[Path, Path] | None:
    """Return the two files of ``IMAGES,LABELS``; names of files that exist may have commas."""
    parts = spec.split(",")
    pairs = [
        (Path(",".join(parts[:at]).strip()), Path(",".join(parts[at:]).strip()))
        for at in range(1, len(parts))
    ]
    there = next((pair for pair in pairs if pair[0].is_file() and pair[1].is_file()), None)
    return there or (pairs[0] if len(pairs) == 1 and all(map(str.strip, parts)) else None)


def data_digest(*specs: str) -> str:
    """Return a digest of the content of data sets, as a header of results has it.

    Parameters
    ----------
    *specs : str
        As of :func:`load`. The named ones need not be there: what they must hold is known.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    DataError
        If one is a file or folder that can't be read.
    """
    digest = hashlib.sha256()
    for spec in sorted(set(specs)):
        if spec in NAMED:
            content = sorted(NAMED[spec].sha256.values())
        elif spec == "sample":
            content = sorted(SAMPLE_SHA256.values())
        elif spec in BENCHMARKS:
            # Made by rules that do not change, of MNIST or of nothing.
            content = [spec, *sorted(NAMED["mnist"].sha256.values())]
        else:
            content = [load(spec, "train").sha256, load(spec, "test").sha256]
        digest.update(" ".join(content).encode())
    return digest.hexdigest()[:16]


def fetch(name: str, *, progress: bool = False) -> Path:
    """Make sure that both splits of a named data set are on this machine.

    Parameters
    ----------
    name : str
        ``sample``, ``mnist`` or ``fashion-mnist``.
    progress : bool
        Whether a download shows its progress on the standard error.

    Returns
    -------
    Path
        Folder in which the files are. Their content has been verified.

    Raises
    ------
    DataError
        If there is no such data set, or if it is neither here nor can be downloaded.
    """
    if name == "sample":
        for split in SPLITS:
            _load_sample(split)
        return SAMPLE_PATH.parent
    if name not in NAMED:
        raise DataError(not_found("Data set", name, _NAMES, " or ".join(_NAMES)))
    (path, _), *_ = provide(name, tuple(NAMED[name].sha256), progress=progress).values()
    return path.parent


def list_sources() -> tuple[Source, ...]:
    """Find out where the named data sets are, without downloading anything.

    Returns
    -------
    tuple of Source
        One per name, ``sample`` first.
    """
    return tuple(_source(name) for name in _NAMES)


def _load_sample(split: SplitName) -> Split:
    """Load the data set that comes with Prunus, and compare it with what it must be."""
    loaded = load_archive(str(SAMPLE_PATH), split)
    if loaded.sha256 != SAMPLE_SHA256[split]:
        raise DataError(
            f"File {SAMPLE_PATH} must have the {split} images with SHA-256 {SAMPLE_SHA256[split]}, "
            f"not {loaded.sha256}"
        )
    return replace(loaded, name=f"sample {split}", named=True)


def _from_idx(name: str, contents: Iterable[tuple[Path, bytes]]) -> Split:
    """Make a split of a named set of the contents of two files, images first."""
    (images_path, images_content), (labels_path, labels_content) = contents
    images = idx.parse_images(images_content, images_path)
    return Split(
        name=name,
        images=images.reshape(len(images), -1),
        labels=idx.parse_labels(labels_content, labels_path),
        image_shape=(images.shape[1], images.shape[2]),
        named=True,
    )


def _source(name: str) -> Source:
    """Find out where one named data set is."""
    folder = SAMPLE_PATH.parent if name == "sample" else cache_folder() / name
    try:
        if name == "sample":
            train, test = (len(_load_sample(split)) for split in SPLITS)
        else:
            contents = search(name, tuple(NAMED[name].sha256))
            if contents is None:
                return Source(name=name, folder=folder, verified=False)
            (path, _), *_ = contents.values()
            folder = path.parent
            train, test = (
                len(_from_idx(name, [contents[file] for file in idx.FILES[split]]))
                for split in SPLITS
            )
    except DataError as error:
        return Source(name=name, folder=folder, verified=False, problem=str(error))
    return Source(name=name, folder=folder, verified=True, train_images=train, test_images=test)
