"""What is known of a command before it is imported: its extra, and its help."""

from __future__ import annotations

import ast
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from importlib.util import find_spec

from packaging.requirements import Requirement

__all__ = ["cure", "help_text", "is_installed"]

_PACKAGE = "prunus"


def cure(point: EntryPoint) -> str:
    """Return what to install for a command, as a line for the shell.

    Examples
    --------
    >>> cure(EntryPoint("flash", "prunus_boards.cli.bitstream:flash [boards]", "prunus.commands"))
    "pip install 'prunus[boards]'"
    """
    extras = ",".join(point.extras)
    return f"pip install '{_PACKAGE}[{extras}]'" if extras else f"pip install {_PACKAGE}"


def is_installed(extra: str) -> bool:
    """Return whether all packages that an extra of Prunus needs are installed, in any version."""
    needed = map(Requirement, distribution(_PACKAGE).requires or ())
    return all(
        _is_there(requirement.name)
        for requirement in needed
        if requirement.marker is not None
        and requirement.marker.evaluate({"extra": extra})
        and not requirement.marker.evaluate({"extra": ""})
    )


def _is_there(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def help_text(point: EntryPoint) -> str:
    """Return the docstring of a command from its source, without importing it.

    Empty if there is no source, or no docstring: then the command is listed by its name alone.
    """
    try:
        spec = find_spec(point.module)
    except ModuleNotFoundError:
        return ""
    source = getattr(spec and spec.loader, "get_source", lambda _: None)(point.module)
    for node in ast.parse(source or "").body:
        if isinstance(node, ast.FunctionDef) and node.name == point.attr:
            return ast.get_docstring(node) or ""
    return ""
