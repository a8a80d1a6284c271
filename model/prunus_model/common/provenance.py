"""Where results come from: versions of packages, and the processor."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

__all__ = ["package_versions", "processor"]

_CPUINFO = Path("/proc/cpuinfo")


def package_versions(*names: str) -> dict[str, str]:
    """Return the versions of Python and of packages that are installed.

    Parameters
    ----------
    *names : str
        Packages.

    Returns
    -------
    dict of str to str
        Version by name; ``python`` is the first.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one is not installed.

    Examples
    --------
    >>> list(package_versions("numpy"))
    ['python', 'numpy']
    """
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}


def processor() -> str:
    """Return the name of the processor, and how many there are."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
