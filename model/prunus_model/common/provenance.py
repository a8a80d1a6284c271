"""Where results come from: header of every results file, versions of packages, the processor."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args

__all__ = [
    "INPUTS",
    "UNKNOWN",
    "Input",
    "header",
    "package_versions",
    "processor",
    "source_commit",
    "source_digest",
]

#: What a result can be of, each told by a digest: what the model computes, the sources of the
#: engine (for its speed), the logic of the cores, that of the link to the host, data sets, and the
#: trained network.
Input: TypeAlias = Literal[
    "model",
    "options",
    "groups",
    "engine",
    "gateware",
    "grouped-gateware",
    "buses",
    "link",
    "data",
    "network",
]
INPUTS: tuple[Input, ...] = get_args(Input)
#: Stands for a digest or a commit that cannot be told.
UNKNOWN = "unknown"
_CPUINFO = Path("/proc/cpuinfo")
_KIND = re.compile(r"[a-z]+(-[a-z]+)*")


def header(
    kind: str, *, command: str, inputs: Mapping[str, str], tools: Mapping[str, str]
) -> dict[str, Any]:
    """Return what every results file says of itself, under the key ``provenance``.

    Rows that are of other inputs than the file, or were made by another command, have ``inputs``
    or ``command`` of their own.

    Parameters
    ----------
    kind : str
        Kind of the results: a section of `docs/prunus_docs/results.toml`, small letters and dashes.
    command : str
        What has made them.
    inputs : mapping of str to str
        Digests of what they are of, by one of :data:`INPUTS`.
    tools : mapping of str to str
        Versions of what determines them.

    Returns
    -------
    dict
        ``kind``, ``command``, ``commit``, ``tools`` and ``inputs``, for JSON.

    Raises
    ------
    ValueError
        If the kind is not written as it must be, the command is empty, or an input is not known or
        has no digest.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"Kind must be small letters and dashes, not {kind!r}")
    if not command:
        raise ValueError("Command must not be empty")
    for name, digest in inputs.items():
        if name not in INPUTS:
            raise ValueError(f"Inputs must be of {', '.join(INPUTS)}, not {name!r}")
        if not digest:
            raise ValueError(f"Digest of input {name} must not be empty")
    return {
        "kind": kind,
        "command": command,
        "commit": source_commit(),
        "tools": dict(tools),
        "inputs": dict(inputs),
    }


def source_commit() -> str:
    """Return the commit of the checkout that this package is in.

    Returns
    -------
    str
        12 hexadecimal digits, with ``-dirty`` if a Python file differs from it; :data:`UNKNOWN` if
        the package is not of a checkout, or there is no git.
    """
    source = Path(__file__).resolve()
    try:
        # A package that was installed may lie in a checkout of something else.
        _git(source.parent, "ls-files", "--error-unmatch", source.name)
        commit = _git(source.parent, "rev-parse", "--short=12", "HEAD")
        changed = _git(source.parent, "diff", "--name-only", "HEAD", "--", ":/*.py")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return f"{commit}-dirty" if changed else commit


def source_digest(*packages: ModuleType) -> str:
    """Return a digest of the text of all modules of some packages: every change shows.

    Parameters
    ----------
    *packages : module
        Packages, each with a folder of its own.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for package in packages:
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            digest.update(repr((path.relative_to(root).as_posix(), path.read_bytes())).encode())
    return digest.hexdigest()[:16]


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


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
