"""What may be replaced by what is built."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prunus_model.common.errors import ConfigError

__all__ = ["check_output"]


def check_output(folder: Path, files: Sequence[str], *, what: str) -> None:
    """Check, before the work starts, that a folder may take the place of what is there.

    Parameters
    ----------
    folder : Path
        Folder to make.
    files : sequence of str
        Files that an older one has.
    what : str
        What it is, for the message.

    Raises
    ------
    ConfigError
        If anything but an empty folder or an older one is there.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError(f"Output {folder} must be a folder, not a file")
    if any(folder.iterdir()) and not all((folder / name).is_file() for name in files):
        raise ConfigError(f"Output {folder} must be a {what} of Prunus to be replaced")
