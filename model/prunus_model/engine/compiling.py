"""How kernels are compiled: with numba, cached on disk under a name that all their sources share.

numba's own cache notices a change of the file of a kernel, but not of a constant or a kernel that
it takes from another file, and would go on with the old one. A cache that can't be read, on which
numba would fail for ever, is removed, and everything is compiled anew.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config as numba_config
from numba.core.caching import FunctionCache
from platformdirs import user_cache_path

from prunus_model.common.errors import PrunusError
from prunus_model.common.text import printable

__all__ = ["compiled"]

# Its settings are made at run time, so a type checker knows none.
_config: Any = numba_config

#: What kernels are made of: this package and the modules that it takes constants from.
_SOURCES = ("engine/*.py", "spec/*.py")


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel when it is first called; it runs without Python's lock.

    The cache is in the platform's cache folder, or below ``NUMBA_CACHE_DIR``.

    Raises
    ------
    PrunusError
        When the kernel is called, if ``NUMBA_DISABLE_JIT`` is set.
    """
    if _config.DISABLE_JIT:
        return _refuse
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(_folder(before))
    try:
        kernel: Any = njit(nogil=True)(function)
        # As `cache=True` does.
        kernel._cache = _Cache(function)
        return kernel
    finally:
        _config.CACHE_DIR = before


def _refuse(*_: Any) -> None:
    raise PrunusError(
        "NUMBA_DISABLE_JIT must not be set: kernels use instructions that Python does not have"
    )


class _Cache(FunctionCache):
    """The cache of a kernel, which is removed with those of all others if it can't be read."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._folder = Path(_config.CACHE_DIR)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:
            # Index and data are pickles: what is damaged in them can be any error.
            shutil.rmtree(self._folder, ignore_errors=True)
            told = f"Cache {self._folder} could not be read: removed, kernels are compiled anew"
            print(f"prunus: {printable(told)}", file=sys.stderr)
            return None


@cache
def _folder(chosen: str) -> Path:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(package.glob(pattern)):
            digest.update(path.read_bytes())
    base = Path(chosen) if chosen else user_cache_path("prunus") / "kernels"
    return base / digest.hexdigest()[:16]
