"""Locks on files: one process at a time writes an output, and what killed ones left is known.

The operating system takes a lock from a process that ends, however it ends.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prunus_model.common.errors import PrunusError

__all__ = ["LOCK", "PREFIX", "claimed", "lock"]

#: How the names of files begin that are there only while something is written.
PREFIX = ".prunus-"
#: How those of locks end.
LOCK = ".lock"
#: How often it is tried to get a lock, and how long in between.
_TRIES, _MOMENT_S = 5, 0.02


def lock(handle: int) -> bool | None:
    """Lock an open file for this process until it is closed.

    Returns
    -------
    bool or None
        Whether it is ours now; False if another process has it, None if the file system has no
        locks.
    """
    try:
        # Windows has none.
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


@contextmanager
def claimed(output: Path) -> Iterator[None]:
    """Keep other processes from an output while this one works on it.

    A hidden file beside the output is locked, and removed at the end.

    Raises
    ------
    PrunusError
        If another process has claimed it; the message tells which.
    OSError
        If nothing can be written there.
    """
    path = Path(os.path.realpath(output))
    # A hash, since a name may be as long as the file system allows.
    name = f"{PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{LOCK}"
    handle = _claim(path.parent / name, output)
    try:
        yield
    finally:
        with suppress(OSError):
            (path.parent / name).unlink()
        os.close(handle)


def _claim(path: Path, output: Path) -> int:
    tries = 0
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        held = lock(handle)
        # Its owner may have removed it between the two; then the next is a new file.
        if held is not False and _is(path, handle):
            with suppress(OSError):  # The disk may be full.
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"process {os.getpid()} on {platform.node()}".encode(), 0)
            return handle
        owner = os.pread(handle, 200, 0).decode(errors="replace")
        os.close(handle)
        if held is False:
            # Who cleans up has it for a moment.
            tries += 1
            if tries == _TRIES:
                raise PrunusError(f"Output {output} is being written by {owner or 'another'}")
            time.sleep(_MOMENT_S)


def _is(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
