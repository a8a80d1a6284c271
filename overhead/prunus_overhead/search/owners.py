"""Which process runs a trial, and whether it still does: a locked file beside the trials.

The operating system takes a lock from a process that ends, however it ends, so that nothing has to
be guessed from times. Where a file system has no locks, every owner counts as alive.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prunus_model.common.locks import LOCK, PREFIX, lock

__all__ = ["is_alive", "owner"]


@contextmanager
def owner(journal: Path) -> Iterator[str]:
    """Give a name by which other processes can ask whether this one is still there.

    Parameters
    ----------
    journal : Path
        The file of the trials.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    name = uuid.uuid4().hex
    path = _path(journal, name)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    lock(handle)
    try:
        yield name
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def is_alive(journal: Path, name: str) -> bool:
    """Return whether the process of a name may still be at work; clean up behind it if not."""
    path = _path(journal, name)
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if lock(handle) is not True:
            return True
        with suppress(OSError):
            path.unlink()
        return False
    finally:
        os.close(handle)


def _path(journal: Path, name: str) -> Path:
    return journal.with_name(f"{PREFIX}{name}{LOCK}")
