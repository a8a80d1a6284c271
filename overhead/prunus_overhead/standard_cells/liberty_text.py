"""The grammar of Liberty files: groups, simple and complex attributes.

A reader of our own, because of the two on the package index one is GPL (Prunus is Apache-2.0) and
the other an early release that leaves all tables as text; the grammar has three rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Group", "LibertySyntaxError", "parse"]

_TOKEN = re.compile(
    r"(?P<space>(?:\s|\\\r?\n|/\*.*?\*/|//[^\n]*)+)"
    r'|"(?P<string>(?:[^"\\]|\\.)*)"'
    r"|(?P<mark>[{}():;,])"
    r'|(?P<word>[^\s{}():;,"]+)'
    r"|(?P<bad>.)",
    re.DOTALL,
)
#: What a token is that is no text of the file: a punctuation mark, or a word or string.
_MARK, _TEXT = "mark", "text"
#: Groups in each other; those of real files are five or six deep.
_DEPTH = 32


class LibertySyntaxError(ValueError):
    """The text follows no rule of the grammar; gives the line."""


@dataclass(slots=True, kw_only=True)
class Group:
    """A group, ``name (arguments) { ... }``.

    Attributes
    ----------
    name : str
        Kind of the group: ``cell``, ``pin``, ``internal_power``, ...
    arguments : tuple of str
        What it is called.
    simple : dict of str to str
        Attributes ``name : value;``, without quotes.
    complex : dict of str to tuple of str
        Attributes ``name (values);``, without quotes; of those that occur twice, the last.
    groups : list of Group
        Groups in it.
    """

    name: str
    arguments: tuple[str, ...] = ()
    simple: dict[str, str] = field(default_factory=dict)
    complex: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self, name: str) -> list[Group]:
        """Return the groups of a kind."""
        return [group for group in self.groups if group.name == name]


def parse(text: str) -> Group:
    """Parse a Liberty file.

    Parameters
    ----------
    text : str
        Content of the file.

    Returns
    -------
    Group
        The outermost group.

    Raises
    ------
    LibertySyntaxError
        If the text is not one group, or its groups are nested too deep.
    """
    reader = _Reader(text)
    statement = Group(name="")
    reader.statement(statement)
    if len(statement.groups) != 1:
        raise LibertySyntaxError("line 1: a group was expected")
    return statement.groups[0]


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self._next: tuple[str, str, int] | None = next(self._tokens, None)

    def _scan(self) -> Iterator[tuple[str, str, int]]:
        """Yield kind, text and place of each token."""
        for match in _TOKEN.finditer(self._text):
            kind, place = match.lastgroup or "", match.start()
            if kind == "bad":
                self._fail("a quote that is closed", place)
            if kind == "mark":
                yield _MARK, match["mark"], place
            elif kind != "space":
                yield _TEXT, match[kind], place

    def _fail(self, wanted: str, place: int | None = None) -> None:
        if place is None:
            place = len(self._text) if self._next is None else self._next[2]
        line = self._text.count("\n", 0, place) + 1
        raise LibertySyntaxError(f"line {line}: {wanted} was expected")

    def _is(self, mark: str) -> bool:
        return self._next is not None and self._next[:2] == (_MARK, mark)

    def _take(self, mark: str) -> bool:
        """Take a punctuation mark if it comes next."""
        if not self._is(mark):
            return False
        self._next = next(self._tokens, None)
        return True

    def _word(self) -> str:
        if self._next is None or self._next[0] != _TEXT:
            self._fail("a name")
            return ""
        word = self._next[1]
        self._next = next(self._tokens, None)
        return word

    def statement(self, into: Group, depth: int = 1) -> None:
        """Read an attribute or a group, and what is in it."""
        if depth > _DEPTH:
            self._fail(f"a group that is nested at most {_DEPTH} deep")
        name = self._word()
        if self._take(":"):
            words = [self._word()]
            while self._next is not None and self._next[0] == _TEXT:
                words.append(self._word())
            into.simple[name] = " ".join(words)
            if not self._take(";") and not self._is("}"):
                self._fail("';'")
            return
        if not self._take("("):
            self._fail("':' or '('")
        values: list[str] = []
        while not self._take(")"):
            values.append(self._word())
            # A bus is written `a[3:0]`, and lists with or without commas.
            while self._take(":"):
                values[-1] += ":" + self._word()
            self._take(",")
        if not self._take("{"):
            into.complex[name] = tuple(values)
            self._take(";")
            return
        group = Group(name=name, arguments=tuple(values))
        while not self._take("}"):
            if not self._take(";"):
                self.statement(group, depth + 1)
        self._take(";")
        into.groups.append(group)
