"""Images and labels: data sets with a name, folders of idx files, and NumPy archives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from prunus_model.common.errors import DataError
from prunus_model.common.text import not_found
from prunus_model.data import idx
from prunus_model.data.npz import load_archive
from prunus_model.data.registry import NAMED, cache_folder, provide, search
from prunus_model.data.split import SPLITS, Split, SplitName, check_for, choose_pair, order_for

__all__ = [
    "SAMPLE_PATH",
    "SAMPLE_SHA256",
    "Source",
    "Split",
    "SplitName",
    "check_for",
    "data_digest",
    "fetch",
    "list_sources",
    "load",
]

_NAMES = ("sample", *NAMED)
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


def load(spec: str, split: SplitName, *, progress: bool = False) -> Split:
    """Load one split of a data set.

    Parameters
    ----------
    spec : str
        One of: ``sample``, ``mnist``, ``fashion-mnist``; a folder with the four standard files of
        :data:`prunus_model.data.idx.FILES`; ``IMAGES,LABELS``, two idx files; ``FILE.npz``, with
        ``images`` and ``labels``, or ``train_images``, ``train_labels`` and the same for ``test``,
        or ``x_train``, ``y_train`` and the same for ``test``. Names come first: a folder that is
        called ``mnist`` is ``./mnist``.
    split : {"train", "test"}
        Which split. If a folder or file has only one, it is loaded for both.
    progress : bool
        Whether a download shows its progress on the standard error.

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
        return _load_sample(split)
    if spec in NAMED:
        contents = provide(spec, idx.FILES[split], progress=progress)
        return _from_idx(f"{spec} {split}", contents.values(), named=True)
    try:
        if spec and Path(spec).is_dir():
            return _load_folder(spec, split)
        if spec.lower().endswith(".npz") and ("," not in spec or Path(spec).is_file()):
            return load_archive(spec, split)
    except OSError as error:
        raise DataError(f"Data {spec} must be readable, not: {error.strerror}") from error
    pair = [Path(part) for part in spec.split(",") if part]
    if len(pair) != 2:
        if len(pair) == 1 and pair[0].exists():
            raise DataError(
                f"Data {spec} must be a folder, FILE.npz or IMAGES,LABELS, not one file"
            )
        allowed = f"{', '.join(_NAMES)}, a folder that exists, FILE.npz or IMAGES,LABELS"
        raise DataError(not_found("Data", spec, _NAMES, allowed))
    return _from_idx(str(pair[0]), [(path, idx.read_content(path)) for path in pair])


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


def _load_folder(folder: str, split: SplitName) -> Split:
    """Load the standard idx files of a folder."""
    found = idx.find_files(Path(folder))
    pairs = [(*idx.FILES[s], s) for s in order_for(split)]
    images, labels, used = choose_pair(f"Folder {folder}", pairs, found)
    return _from_idx(
        f"{folder} {used}",
        [(found[file], idx.read_content(found[file])) for file in (images, labels)],
        fallback=used != split,
    )


def _from_idx(
    name: str,
    contents: Iterable[tuple[Path, bytes]],
    *,
    named: bool = False,
    fallback: bool = False,
) -> Split:
    """Make a split of the contents of two files, images first."""
    (images_path, images_content), (labels_path, labels_content) = contents
    images = idx.parse_images(images_content, images_path)
    return Split(
        name=name,
        images=images.reshape(len(images), -1),
        labels=idx.parse_labels(labels_content, labels_path),
        image_shape=(images.shape[1], images.shape[2]),
        named=named,
        fallback=fallback,
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
