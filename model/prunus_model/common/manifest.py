"""Manifests: what was written into a folder, so that nothing else is ever replaced with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from prunus_model.common.errors import ConfigError

__all__ = ["MANIFEST", "check_replaceable", "digests"]

#: File of a folder with its format, and the SHA-256 of every other file.
MANIFEST = "manifest.json"
#: Names that a message gives.
_NAMES = 5


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder but the manifest, by name.

    Names are relative, with slashes. What is neither a file nor a folder of files (a link, an empty
    folder) has the digest "".
    """
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file() and not path.is_symlink()
        else ""
        for path in _leaves(folder)
        if path != folder / MANIFEST
    }


def check_replaceable(folder: Path, *, format: str, what: str) -> None:
    """Check that a folder may be replaced: all that is in it was written by us, as it is.

    Parameters
    ----------
    folder : Path
        It need not exist, and may be empty. Files that are missing are no reason to keep the rest.
    format : str
        Value of ``format`` in its manifest.
    what : str
        What it is, for messages.

    Raises
    ------
    ConfigError
        If it is something else, or if there is anything in it that the manifest does not know or
        that has been altered; with the names.
    """
    if not (folder.exists() or folder.is_symlink()):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise ConfigError(f"Output {folder} must be a folder, not a file or link")
    there = digests(folder)
    known = _known(folder, format)
    if known is None:
        if there or (folder / MANIFEST).exists():
            raise ConfigError(f"Output {folder} must be a {what} of Prunus to be replaced")
        return
    wrong = {
        "unknown": [name for name in there if name not in known],
        "altered": [name for name in there if name in known and there[name] != known[name]],
    }
    found = [f"{kind}: {_listed(sorted(names))}" for kind, names in wrong.items() if names]
    if found:
        raise ConfigError(
            f"Output {folder} must hold a {what} of Prunus and nothing else to be replaced; "
            f"{'; '.join(found)}"
        )


def _leaves(folder: Path) -> Iterator[Path]:
    """Yield what is not a folder, or an empty one, below a folder."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            yield from _leaves(path)
        else:
            yield path


def _known(folder: Path, format: str) -> dict[str, str] | None:
    """Return the digests of a manifest; None if there is none of that format."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != format:
            return None
        return dict(manifest["files"])
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(map(repr, names[:_NAMES])) + more
