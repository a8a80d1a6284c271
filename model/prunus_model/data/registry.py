"""Data sets with a name: their folders, their mirrors, and what their files must be.

The search order is: the folder ``PRUNUS_DATA``, the cache of this user, the folder of a Debian
package, and then a download into the cache. Whatever is found is compared with the SHA-256 that is
written here, so that a result which names a data set can be repeated.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, TypeVar

from platformdirs import user_cache_path

from prunus_model.common.errors import DataError
from prunus_model.data import idx

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = [
    "BY_NAME",
    "NAMED",
    "Contents",
    "NamedSet",
    "cache_folder",
    "provide",
    "search",
    "user_folder",
]

#: By standard file name, where a file is and what is in it when unpacked.
Contents: TypeAlias = dict[str, tuple[Path, bytes]]
#: How the names of folders for unfinished downloads start.
_SCRATCH = ".download-"
_DAY = 24 * 60 * 60
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A data set that can be downloaded: four idx files.

    Parameters
    ----------
    sha256 : mapping of str to str
        By standard file name, the SHA-256 of the unpacked content.
    sizes : mapping of str to int
        By standard file name, the bytes of the unpacked content.
    mirrors : tuple of str
        Addresses, with the slash at the end, below which the files are found with ``.gz`` added.
    system_folder : Path or None
        Where the package of a Linux distribution puts the files.
    """

    sha256: Mapping[str, str]
    sizes: Mapping[str, int]
    mirrors: tuple[str, ...]
    system_folder: Path | None = None


def _by_file(*values: _Value) -> dict[str, _Value]:
    """Name the values after the four standard files: training, then test; images, then labels."""
    return dict(zip(idx.FILES["train"] + idx.FILES["test"], values, strict=True))


#: Both have 60,000 and 10,000 images of 28 x 28 pixels.
_SIZES = _by_file(47_040_016, 60_008, 7_840_016, 10_008)
#: A packed file may be that much longer than what is in it.
_PACKING = 1 << 16
#: The mirrors need not be trusted: the values of SHA-256 decide what is MNIST. Those of
#: Fashion-MNIST were taken from Debian's package dataset-fashion-mnist.
NAMED = {
    "mnist": NamedSet(
        sha256=_by_file(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        sizes=_SIZES,
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    ),
    "fashion-mnist": NamedSet(
        sha256=_by_file(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        sizes=_SIZES,
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        system_folder=Path("/usr/share/datasets/fashion-mnist"),
    ),
}


#: Sets that are read if they are there: by name, the folder of torchvision. No SHA-256 of them is
#: known, so they are not downloaded.
BY_NAME = {
    "kmnist": "KMNIST",
    "qmnist": "QMNIST",
    **{
        f"emnist-{kind}": "EMNIST"
        for kind in ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
    },
}


def user_folder() -> Path | None:
    """Return the folder that ``PRUNUS_DATA`` names; None if it is not set.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    if not (chosen := os.environ.get("PRUNUS_DATA")):
        return None
    if not Path(chosen).is_dir():
        raise DataError(f"PRUNUS_DATA must name a folder that exists, not {chosen!r}")
    return Path(chosen)


def cache_folder() -> Path:
    """Return the folder of this user in which downloads are kept.

    Returns
    -------
    Path
        The folder, which need not exist. Every data set has a folder of its own in it.
    """
    return user_cache_path("prunus")


def search(name: str, files: Sequence[str]) -> Contents | None:
    """Look for files of a named data set on this machine.

    Parameters
    ----------
    name : str
        A key of :data:`NAMED`.
    files : sequence of str
        Standard names of the files.

    Returns
    -------
    dict of str to (Path, bytes), or None
        Where the files are, all in one folder, and their verified content; None if no folder has
        all of them.

    Raises
    ------
    DataError
        If ``PRUNUS_DATA`` is no folder, or if what is in it is damaged or cannot be read.
    """
    theirs, ours = _folders(name)
    for folder in (*theirs, *ours):
        try:
            found = _find(folder)
            if all(file in found for file in files):
                return {file: (found[file], _verified(name, file, found[file])) for file in files}
        except _OtherSetError:
            # PRUNUS_DATA itself can hold only one data set, and it need not be this one.
            if folder in theirs[:1]:
                raise
        except DataError:
            # The user must hear of damage in a folder of his; a download mends that of others.
            if folder in theirs:
                raise
    return None


def provide(name: str, files: Sequence[str], *, progress: bool) -> Contents:
    """Return files of a named data set; download those that are nowhere.

    Parameters
    ----------
    name : str
        A key of :data:`NAMED`.
    files : sequence of str
        Standard names of the files.
    progress : bool
        Whether a download shows its progress on the standard error.

    Returns
    -------
    dict of str to (Path, bytes)
        Where the files are, all in one folder, and their verified content.

    Raises
    ------
    DataError
        As :func:`search`, or if the cache cannot be used, or if no mirror has the right content.
    """
    contents = search(name, files)
    if contents is not None:
        return contents
    contents = {}
    found = _find(cache_folder() / name)
    for file in files:
        path = found.get(file)
        if path is not None:
            with suppress(DataError):
                contents[file] = (path, _verified(name, file, path))
                continue
        contents[file] = _download(name, file, progress=progress)
        # A damaged file under another spelling of the name would be found first again.
        if path not in (None, contents[file][0]):
            path.unlink(missing_ok=True)
    return contents


def _folders(name: str) -> tuple[list[Path], list[Path]]:
    """Return the folders to search: those of the user, and those of the machine."""
    theirs = [chosen / name, chosen] if (chosen := user_folder()) else []
    system = NAMED[name].system_folder
    return theirs, [cache_folder() / name, *([system] if system else [])]


class _OtherSetError(DataError):
    """A file is the one of another data set, as all of them use the same four names."""


def _verified(name: str, file: str, path: Path) -> bytes:
    """Return the unpacked content of a file of a named data set if it is what it must be."""
    content = idx.read_content(path, NAMED[name].sizes[file])
    actual, expected = hashlib.sha256(content).hexdigest(), NAMED[name].sha256[file]
    if actual != expected:
        is_other = any(other.sha256.get(file) == actual for other in NAMED.values())
        raise (_OtherSetError if is_other else DataError)(
            f"File {path} must have the SHA-256 {expected} of {name}, not {actual}"
        )
    return content


def _find(folder: Path) -> dict[str, Path]:
    """Find the standard files of a folder that the user may not have named."""
    try:
        return idx.find_files(folder)
    except OSError as error:
        raise DataError(f"Folder {folder} must be readable, not: {error.strerror}") from error


def _download(name: str, file: str, *, progress: bool) -> tuple[Path, bytes]:
    """Download a file into the cache from the first mirror that delivers the right content."""
    # Imported here as only a download needs them, and they take longer than loading the sample.
    from pooch import HTTPDownloader
    from rich.console import Console
    from rich.progress import Progress

    folder = cache_folder() / name
    console = Console(stderr=True)
    shown = progress and console.is_terminal
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers()
        # In the folder of the final file, so that putting it there is an atomic renaming.
        with (
            TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch,
            Progress(console=console, transient=True, disable=not shown) as bars,
        ):
            for mirror in NAMED[name].mirrors:
                part, final = Path(scratch, f"{file}.gz"), folder / f"{file}.gz"
                download = HTTPDownloader(progressbar=_Bar(bars, file), chunk_size=1 << 16)
                try:
                    with part.open("wb") as kept:
                        most = NAMED[name].sizes[file] + _PACKING
                        download(f"{mirror}{file}.gz", _Limited(kept, most), None)
                    content = _verified(name, file, part)
                except (OSError, ValueError) as error:
                    failures.append(f"{mirror} ({_reason(error)})")
                else:
                    part.replace(final)
                    return final, content
    except OSError as error:
        raise DataError(f"Cache folder {folder} must be writable, not: {error.strerror}") from error
    raise DataError(
        f"Data set {name} must be on this machine or be downloaded, but got no {file} from "
        f"{', '.join(failures)}: set PRUNUS_DATA to a folder that has it, or use --data sample"
    )


def _remove_leftovers() -> None:
    """Remove the scratch folders of killed processes; no download takes a day."""
    for scratch in cache_folder().glob(f"*/{_SCRATCH}*"):
        with suppress(OSError):  # in use, gone by now, or not ours
            if scratch.stat().st_mtime < time.time() - _DAY:
                shutil.rmtree(scratch)


def _reason(error: Exception) -> str:
    """Say in a few words why a mirror failed; the messages of the network run over many lines."""
    if isinstance(error, DataError):
        return "wrong content"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return type(error).__name__ if status is None else f"HTTP {status}"


class _Limited:
    """A file as pooch fills it, which takes no more than it may get."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._most = file, most

    def write(self, chunk: bytes) -> None:
        if self._file.tell() + len(chunk) > self._most:
            raise DataError(f"Download must have at most {self._most} bytes")
        self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


class _Bar:
    """A progress bar with the methods that pooch calls, drawn by rich."""

    def __init__(self, bars: Progress, file: str) -> None:
        self.total = 0
        self._bars = bars
        self._task = bars.add_task(file, total=None)

    def update(self, count: int) -> None:
        self._bars.update(self._task, total=self.total, advance=count)

    def reset(self) -> None:
        self._bars.reset(self._task)

    def close(self) -> None:
        self._bars.remove_task(self._task)
