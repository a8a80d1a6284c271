"""TOML of users: one reader for every file and setting, which tells all that is wrong in one line.

Errors of :func:`read_text` and :func:`parse_toml` are :class:`ValueError` with the end of a
message; :func:`text_of` and :func:`values_of` put what is read before it, and where.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunus_model.common.errors import PrunusError
from prunus_model.common.reading import refusal

__all__ = ["merge", "parse_toml", "read_text", "text_of", "values_of", "without_none"]

#: Characters of a text.
_MOST = 1 << 16
#: Tables and lists in each other; ours are four deep.
_DEPTH = 32
_TOO_DEEP = f"values must be nested at most {_DEPTH} deep"
_TOO_LARGE = "integers must have at most 64 bits"
#: A dotted key of more parts, for which :mod:`tomllib` would take minutes: the square of their
#: number. The same in a text or comment is not told apart.
_LONG_KEY = re.compile(
    r"""(?<![\w\\-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{_DEPTH}}}"
)


def read_text(path: Path) -> str:
    """Return the text of a file that a user edits.

    Raises
    ------
    ValueError
        If it is no file, is not UTF-8, or can't be read.
    """
    if wrong := refusal(path):
        raise ValueError(wrong)
    try:
        with path.open(encoding="utf-8") as file:
            # One more than is allowed, so that parsing tells it.
            return file.read(_MOST + 1)
    except UnicodeDecodeError as e:
        raise ValueError("must be readable: not UTF-8") from e
    except OSError as e:
        raise ValueError(f"must be readable, not: {e.strerror}") from e


def parse_toml(text: str) -> dict[str, Any]:
    r"""Parse TOML; a byte order mark before it, as some editors write, is no part of it.

    Raises
    ------
    ValueError
        If it is not TOML (with line and column), is too long, is nested too deep, or has integers
        of more than 64 bits, of which TOML has none.

    Examples
    --------
    >>> parse_toml("\ufeffseed = 3")
    {'seed': 3}
    """
    if len(text) > _MOST:
        raise ValueError(f"text must have at most {_MOST} characters")
    if _LONG_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError as e:
        raise ValueError(_TOO_DEEP) from e
    except ValueError as e:
        if isinstance(e, tomllib.TOMLDecodeError):
            raise
        # Python reads no integer of more than 4300 digits.
        raise ValueError(_TOO_LARGE) from e
    _check(values)
    return values


def text_of(path: Path, what: str, error: type[PrunusError]) -> str:
    """Return the text of a file that a user edits.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What to call it in an error.
    error : type
        Kind of the error.

    Raises
    ------
    PrunusError
        Of that kind, as :func:`read_text`.
    """
    try:
        return read_text(path)
    except ValueError as e:
        raise error(f"{what} {path} {e}") from e


def values_of(text: str, what: str, error: type[PrunusError], *, source: str) -> dict[str, Any]:
    """Parse TOML.

    Parameters
    ----------
    text : str
        TOML.
    what : str
        What it is, for an error.
    error : type
        Kind of the error.
    source : str
        Where the text is from, for an error: for example the file.

    Raises
    ------
    PrunusError
        Of that kind, as :func:`parse_toml`.
    """
    try:
        return parse_toml(text)
    except ValueError as e:
        raise error(f"{source}: {what} must be TOML: {e}") from e


def _check(values: dict[str, Any]) -> None:
    level: list[Any] = [values]
    for _ in range(_DEPTH):
        inner = [v for part in level for v in (part.values() if isinstance(part, dict) else part)]
        if any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in inner):
            raise ValueError(_TOO_LARGE)
        level = [v for v in inner if isinstance(v, dict | list)]
    if level:
        raise ValueError(_TOO_DEEP)


def merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Put values of nested tables into others, which are changed.

    Examples
    --------
    >>> values = {"seed": 1, "stdp": {"trace_window": 9}}
    >>> merge(values, {"seed": 2, "stdp": {"potentiation_shift": 3}})
    >>> values
    {'seed': 2, 'stdp': {'trace_window': 9, 'potentiation_shift': 3}}
    """
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            merge(values[key], change)
        else:
            values[key] = change


def without_none(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None, for which TOML has no word."""
    return {
        key: without_none(value) if isinstance(value, Mapping) else value
        for key, value in mapping.items()
        if value is not None
    }
