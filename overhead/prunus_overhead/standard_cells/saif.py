"""Files of switching activity (SAIF): reading them, and saying of which netlist they are.

The header has a field for the name of the design; here it holds the hash of the netlist, so that
activity cannot be charged to cells in which it was not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunus_model.common.atomic import write_atomically
from prunus_model.common.errors import PrunusError

__all__ = ["Activity", "ActivityError", "read_saif", "stamp"]

_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"([^"]*)"|([()])|([^\s()"]+)', re.DOTALL)
_DESIGN = "prunus-"
_PICOSECONDS = {"s": 10**12, "ms": 10**9, "us": 10**6, "ns": 10**3, "ps": 1}


class ActivityError(PrunusError):
    """A file of activity is unreadable or of another netlist, or a simulation went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """How often nets have changed.

    Attributes
    ----------
    netlist_sha256 : str
        Hash of the netlist; empty if the file does not tell.
    duration_ps : int
        Time that was simulated.
    toggles : dict
        Number of transitions by scope (a tuple of names) and name of the net, its index included.
    """

    netlist_sha256: str
    duration_ps: int
    toggles: dict[tuple[tuple[str, ...], str], int]

    def check(self, netlist_sha256: str, name: str = "Activity") -> None:
        """Check that it is of a certain netlist.

        Raises
        ------
        ActivityError
            If it is of another, or does not tell.
        """
        if self.netlist_sha256 != netlist_sha256:
            has = self.netlist_sha256[:16] or "none"
            raise ActivityError(
                f"{name} must be of the netlist with hash {netlist_sha256[:16]}, not of {has}"
            )


def stamp(path: Path, netlist_sha256: str) -> None:
    """Write the hash of the netlist into a file that a simulator has written.

    Raises
    ------
    ActivityError
        If the file has no header.
    """
    text = path.read_text()
    head, found, rest = text.partition("(DURATION")
    if not found:
        raise ActivityError(f"Activity file {path} must have a DURATION")
    line = f'(DESIGN "{_DESIGN}{netlist_sha256}")\n'
    write_atomically(path, f"{head}{line}{found}{rest}".encode())


def read_saif(path: Path) -> Activity:
    """Read a file of activity.

    Raises
    ------
    ActivityError
        If it is missing, or is none.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as e:
        raise ActivityError(f"Activity file {path} must be readable: {e}") from e
    try:
        (tree,) = _lists(_tokens(text))
        if tree[0] != "SAIFILE":
            raise ValueError("it must begin with SAIFILE")
        fields = {item[0]: item[1:] for item in tree[1:] if item[0] != "INSTANCE"}
        number, unit = re.fullmatch(r"(\d+)([a-z]+)", "".join(fields["TIMESCALE"])).groups()  # type: ignore[union-attr]
        design = "".join(fields.get("DESIGN", ()))
        toggles: dict[tuple[tuple[str, ...], str], int] = {}
        for item in tree[1:]:
            if item[0] == "INSTANCE":
                _collect(item, (), toggles)
        return Activity(
            netlist_sha256=design.removeprefix(_DESIGN) if design.startswith(_DESIGN) else "",
            duration_ps=int(fields["DURATION"][0]) * int(number) * _PICOSECONDS[unit],
            toggles=toggles,
        )
    except (ValueError, KeyError, IndexError, AttributeError, StopIteration) as e:
        raise ActivityError(f"Activity file {path} must be SAIF: {e}") from e


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            yield match[1]
        elif match[2] or match[3]:
            yield match[2] or match[3]


def _lists(tokens: Iterator[str]) -> list[Any]:
    """Return what is in parentheses as nested lists."""
    stack: list[list[Any]] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) == 1:
                raise ValueError("a parenthesis is closed that was not opened")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) != 1:
        raise ValueError("a parenthesis is not closed")
    return stack[0]


def _collect(item: list[Any], scope: tuple[str, ...], toggles: dict[Any, int]) -> None:
    # The name is the last word before the lists: some writers put the module's before it.
    inner = (*scope, [word for word in item if isinstance(word, str)][-1])
    for part in item:
        if not isinstance(part, list):
            continue
        if part[0] == "INSTANCE":
            _collect(part, inner, toggles)
        elif part[0] == "NET":
            for name, *counts in part[1:]:
                (changes,) = [int(count[1]) for count in counts if count[0] == "TC"]
                toggles[inner, name.replace("\\", "")] = changes
