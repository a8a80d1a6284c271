"""Writing files so that there is never half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_atomically"]


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
    try:
        _write(path, content)
    except OSError as e:
        # Name the file that was asked for, not the one beside it, or none at all.
        raise OSError(e.errno, e.strerror, str(path)) from e


def _write(path: Path, content: bytes) -> None:
    # Not named after the file: a name may be as long as the file system allows.
    handle, name = tempfile.mkstemp(prefix=".prunus-", suffix=".tmp", dir=path.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
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
