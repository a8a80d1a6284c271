"""Which files hold gateware, and which tests judge a mutant of each: found, not listed.

A unit is a file of the package with an ``elaborate`` method. The tests mirror the package: those of
``<folder>/<unit>.py`` are ``<folder>/test_<unit>.py``; if there are none, those of the folder that
it is in, ``test_<folder>.py``, are taken, in the folder itself or above it. Tests of a folder that
has none are those of the folder above.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["stages", "units"]


def units(gateware: Path) -> tuple[str, ...]:
    """Return the files with gateware.

    Parameters
    ----------
    gateware : Path
        Folder of the package.

    Returns
    -------
    tuple of str
        Paths below the folder, with ``/``, ascending.
    """
    return tuple(
        sorted(
            path.relative_to(gateware).as_posix()
            for path in gateware.rglob("*.py")
            if any(
                isinstance(node, ast.FunctionDef) and node.name == "elaborate"
                for node in ast.walk(ast.parse(path.read_text()))
            )
        )
    )


def stages(file: str, *, gateware: Path, tests: Path) -> list[list[str]]:
    """Return the runs of pytest that judge a mutant of a file, the most likely to kill it first.

    Parameters
    ----------
    file : str
        A unit, as :func:`units` names it.
    gateware : Path
        Folder of the package.
    tests : Path
        Folder of its tests.

    Returns
    -------
    list of list of str
        First the tests of the unit, then all tests of its folder, then all tests of the folders of
        the units that import it; none twice, and none that does not exist.
    """
    package = gateware.name
    module = ".".join([package, *PurePosixPath(file).with_suffix("").parts])
    users = [
        other
        for other in units(gateware)
        if other != file and module in _imported(gateware / other)
    ]
    folders = dict.fromkeys(PurePosixPath(name).parent for name in (file, *users))
    runs: list[list[str]] = [list(_own(PurePosixPath(file), tests))]
    runs += [_of_folder(folder, tests) for folder in folders]
    taken: set[str] = set()
    found = []
    for run in runs:
        left = [path for path in run if path not in taken]
        taken.update(left)
        if left:
            found.append(left)
    return found


def _of_folder(folder: PurePosixPath, tests: Path) -> list[str]:
    """Return the tests of a folder; of the one above, if there are none."""
    for place in (folder, *folder.parents):
        if found := sorted(map(str, (tests / place).glob("test_*.py"))):
            return found
    return []


def _own(file: PurePosixPath, tests: Path) -> Iterator[str]:
    names = [f"test_{file.stem}.py", *(f"test_{name}.py" for name in reversed(file.parent.parts))]
    for name in names:
        for folder in (file.parent, *file.parent.parents):
            if (path := tests / folder / name).exists():
                yield str(path)
                return


def _imported(path: Path) -> set[str]:
    """Return the modules that a file imports, or imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found
