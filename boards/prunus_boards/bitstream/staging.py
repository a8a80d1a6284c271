"""Folders that appear when they are complete, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["staged"]


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give an empty folder to be filled; it gets its name at the end, if there is no exception.

    Parameters
    ----------
    folder : Path
        The name. What has it by then is replaced. Folders above are made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".prunus-", suffix=".tmp", dir=folder.parent))
    try:
        filled = scratch / "new"
        filled.mkdir()
        yield filled
        if folder.exists():
            folder.rename(scratch / "old")
        filled.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
