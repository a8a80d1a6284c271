"""Writing files and folders so that there is never half of one."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["NAME", "OLD", "PATTERN", "hold", "staged", "write_atomically", "write_json"]

#: Names of what is being written, beside its final name.
_PREFIX, _SUFFIX = ".prunus-", ".tmp"
PATTERN = f"{_PREFIX}*{_SUFFIX}"
#: In a folder of that name: the folder that is replaced, and a file with its name.
OLD, NAME = "old", "name"


def hold(handle: int) -> bool:
    """Mark an open file or folder as in use until it is closed, or this process ends.

    Returns
    -------
    bool
        Whether that was possible: nobody else uses it, and the file system has locks.
    """
    try:
        # Windows has none.
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its final name, flush it to the disk, and rename it.

    Parameters
    ----------
    path : Path
        Final name. A file that is there already is replaced in one step.
    content : bytes
        What to write.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left behind, and the older file is still whole.
    """
    with _named(path):
        _write(path, content)


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
    OSError
        As of :func:`write_atomically`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give an empty folder to be filled; it gets its name at the end, if there is no exception.

    Parameters
    ----------
    folder : Path
        The name. A folder that has it by then is replaced. Folders above are made.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left behind, and the older folder is still whole.
    """
    # The nearest first: what is made here goes again if there is nothing to be in it.
    parents = [parent for parent in folder.parents if not parent.exists()]
    with _named(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=folder.parent))
    new, old = scratch / "new", scratch / OLD
    held = None
    try:
        with suppress(OSError):
            # Windows opens no folders.
            held = os.open(scratch, os.O_RDONLY)
            hold(held)
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
        for parent in parents:
            with suppress(OSError):
                parent.rmdir()


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


def _write(path: Path, content: bytes) -> None:
    # Not named after the file: a name may be as long as the file system allows.
    handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=path.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            hold(handle)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes files private; a saved network is as readable as any other file.
            umask = os.umask(0)
            os.umask(umask)
            scratch.chmod(0o666 & ~umask)
            scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
