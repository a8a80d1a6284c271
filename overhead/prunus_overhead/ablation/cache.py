"""Results that take long, kept under the digest of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_atomically

__all__ = ["Cache", "digest"]


def digest(*parts: str) -> str:
    """Return a digest of texts, in hexadecimal; their borders count.

    Examples
    --------
    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Cache:
    """A folder of results.

    Parameters
    ----------
    folder : Path
        Where they are; it is made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a result, computed only if it is not there.

        Parameters
        ----------
        key : str
            Digest of what it depends on.
        compute : function
            Returns the result, which JSON must be able to hold. If it raises, nothing is kept.
        """
        path = self._folder / f"{key}.json"
        if path.exists():
            try:
                found: dict[str, Any] = json.loads(path.read_text())
            except ValueError:
                pass
            else:
                return found
        result = compute()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(result) + "\n").encode())
        return result
