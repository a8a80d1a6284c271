"""Writing files and folders so that there is never half of one."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from prunus_model.common.errors import ConfigError
from prunus_model.common.locks import PREFIX, claimed, lock

__all__ = [
    "NAME",
    "OLD",
    "SCRATCH",
    "check_folder",
    "staged",
    "target",
    "write_atomically",
    "write_json",
]

#: How the names of what is being written end, beside its final name.
SCRATCH = ".tmp"
#: In a folder of that name: the folder that is replaced, and a file with its name.
OLD, NAME = "old", "name"


def write_atomically(path: Path, content: bytes, *, new: bool = False) -> None:
    """Write a file beside its final name, flush it to the disk, and rename it.

    Parameters
    ----------
    path : Path
        Final name. A file that is there already is replaced in one step. A symbolic link is kept,
        and what it leads to is written.
    content : bytes
        What to write.
    new : bool
        Whether there must be no file of that name.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left behind, and the older file is still whole.
        FileExistsError if there is one and it must not be; it is told at the end, too, if a file
        has come into being meanwhile.
    """
    with _named(path):
        _write(target(path), content, new=new)


def check_folder(output: Path) -> None:
    """Check, before the work starts, that something can be written beside an output.

    Raises
    ------
    ConfigError
        If its folder does not exist, or is not writable.
    """
    folder = output.parent
    if not folder.is_dir():
        raise ConfigError(f"Folder {folder} of the output must exist")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise ConfigError(f"Folder {folder} must be writable: {e.strerror}") from e


def target(path: Path) -> Path:
    """Return where a file is written: the path itself, or what a symbolic link leads to.

    Raises
    ------
    OSError
        If links lead in a circle.
    """
    found = Path(os.path.realpath(path)) if path.is_symlink() else path
    if found.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of JSON for people and programs, as :func:`write_atomically` does.

    Parameters
    ----------
    path : Path
        Final name. Folders above are made.
    content : mapping
        What to write.

    Raises
    ------
    ValueError
        If a number is not finite, which JSON cannot say; then nothing is written.
    OSError
        As of :func:`write_atomically`.
    """
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give an empty folder to be filled; it gets its name at the end, if there is no exception.

    Parameters
    ----------
    folder : Path
        The name. A folder that has it by then is replaced. Folders above are made.

    Raises
    ------
    PrunusError
        If another process is filling one of this name.
    OSError
        If it cannot be written; then nothing is left behind, and the older folder is still whole.
    """
    # The nearest first: what is made here goes again if there is nothing to be in it.
    parents = [parent for parent in folder.parents if not parent.exists()]
    try:
        with ExitStack() as claim:
            with _named(folder):
                folder.parent.mkdir(parents=True, exist_ok=True)
                claim.enter_context(claimed(folder))
            yield claim.enter_context(_filled(folder))
    finally:
        for parent in parents:
            with suppress(OSError):
                parent.rmdir()


@contextmanager
def _filled(folder: Path) -> Iterator[Path]:
    with _named(folder):
        scratch = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SCRATCH, dir=folder.parent))
    new, old = scratch / "new", scratch / OLD
    held = None
    try:
        with suppress(OSError):
            # Windows opens no folders.
            held = os.open(scratch, os.O_RDONLY)
            lock(held)
        with _named(folder):
            (scratch / NAME).write_text(folder.name, encoding="utf-8")
            # Other than what mkdtemp makes, it is as readable as any other folder.
            new.mkdir()
        try:
            yield new
        except OSError as e:
            if e.errno is None or e.filename is not None:
                raise
            # A write that fails, of a full disk for example, does not say of which file.
            raise OSError(e.errno, e.strerror, str(folder)) from e
        with _named(folder):
            _publish(new, folder, old)
    finally:
        # What could not be put back is all that there is.
        if folder.exists() or not old.exists():
            shutil.rmtree(scratch, ignore_errors=True)
        if held is not None:
            os.close(held)


def _publish(new: Path, folder: Path, old: Path) -> None:
    """Give a finished folder its name; the older one is put back if that fails."""
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name what was asked for in errors, not the one beside it, or none at all."""
    try:
        yield
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(path)) from e


def _write(path: Path, content: bytes, *, new: bool) -> None:
    if path.exists() and not path.is_dir() and not path.is_file():
        raise OSError(errno.EINVAL, "Not a file, but a device, pipe or socket")
    handle, scratch = _scratch(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes files private; a saved network is as readable as any other file.
            umask = os.umask(0)
            os.umask(umask)
            scratch.chmod(0o666 & ~umask)
            if new:
                _name_new(scratch, path)
            else:
                scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _scratch(folder: Path) -> tuple[int, Path]:
    """Make a hidden file; as long as it is open, nobody takes it for a leftover."""
    while True:
        # Not named after the file: a name may be as long as the file system allows.
        handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=SCRATCH, dir=folder)
        # Between the two somebody who cleans up may have found it.
        if lock(handle) is not False and os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)
        Path(name).unlink(missing_ok=True)


def _name_new(scratch: Path, path: Path) -> None:
    """Give a finished file its name, unless another file has it."""
    try:
        path.hardlink_to(scratch)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links: an empty file keeps the name until it is replaced.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        scratch.replace(path)
    else:
        scratch.unlink()
