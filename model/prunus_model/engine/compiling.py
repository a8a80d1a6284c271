"""How kernels are compiled: with numba, cached on disk under a name that all their sources share.

numba's own cache notices a change of the file of a kernel, but not of a constant or a kernel that
it takes from another file, and would go on with the old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config as numba_config
from platformdirs import user_cache_path

__all__ = ["compiled"]

# Its settings are made at run time, so a type checker knows none.
_config: Any = numba_config

#: What kernels are made of: this package and the modules that it takes constants from.
_SOURCES = ("engine/*.py", "spec/*.py")


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel when it is first called; it runs without Python's lock.

    The cache is in the platform's cache folder, or below ``NUMBA_CACHE_DIR``.
    """
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(_folder(before))
    try:
        return njit(cache=True, nogil=True)(function)
    finally:
        _config.CACHE_DIR = before


@cache
def _folder(chosen: str) -> Path:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(package.glob(pattern)):
            digest.update(path.read_bytes())
    base = Path(chosen) if chosen else user_cache_path("prunus") / "kernels"
    return base / digest.hexdigest()[:16]
