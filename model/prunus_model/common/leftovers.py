"""What killed processes have left beside their outputs: removed or put back at the next start."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from prunus_model.common.atomic import NAME, OLD, SCRATCH
from prunus_model.common.locks import LOCK, PREFIX, lock

__all__ = ["clean"]

#: Seconds that a folder lives at least: it may not be locked yet.
_YOUNG = 1.0


def clean(folder: Path) -> str:
    """Remove what :mod:`prunus_model.common.atomic` has left in a folder when it was killed.

    What a living process holds stays. A folder that was about to be replaced gets its name back.

    Parameters
    ----------
    folder : Path
        Folder of the outputs. It need not exist.

    Returns
    -------
    str
        What was done, in one line; empty if there was nothing to do.
    """
    removed, restored = [], []
    for path in sorted(folder.glob(f"{PREFIX}*")):
        if path.suffix not in (SCRATCH, LOCK) or path.is_symlink():
            continue
        # Gone by now, or somebody else's.
        with suppress(OSError):
            if path.is_dir() and time.time() - path.stat().st_mtime < _YOUNG:
                continue
            handle = os.open(path, os.O_RDONLY)
            try:
                if not lock(handle):
                    continue
                restored += _restored(path)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += [path.name] if path.suffix == SCRATCH else []
            finally:
                os.close(handle)
    if not removed:
        return ""
    line = f"Removed from {folder} what a killed run had left: {', '.join(removed)}"
    return line + (f"; put back: {', '.join(restored)}" if restored else "")


def _restored(scratch: Path) -> list[str]:
    """Give the older folder its name back if nothing has that name; return it."""
    old = scratch / OLD
    if not old.exists():
        return []
    name = (scratch / NAME).read_text(encoding="utf-8")
    target = scratch.parent / name
    if target.exists() or target.parent != scratch.parent:
        return []
    old.rename(target)
    return [name]
