"""Names of classes: which are equal, which are numbers, and in which order they come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from unicodedata import normalize

from prunus_model.common.errors import DataError
from prunus_model.spec.formats import CLASSES_MAX

__all__ = ["check_names", "check_words", "in_order", "is_number", "key"]

#: Characters of a name, at most: NumPy gives each label as many as the longest has.
_LENGTH = 200
#: Digits of a name that is a number, at most.
_DIGITS = 18


def is_number(name: str) -> bool:
    """Return whether a name is a whole number, as `7` and `007` are."""
    return name.isascii() and name.isdecimal() and len(name) <= _DIGITS


def key(name: str) -> str:
    """Return what two names have in common if they are of one class.

    Numbers are equal by value. Letters with accents, which some systems write as one character and
    others as two, are equal.

    Examples
    --------
    >>> key("007"), key("kiwi")
    ('7', 'kiwi')
    """
    return str(int(name)) if is_number(name) else normalize("NFC", name)


def in_order(names: Iterable[str]) -> list[str]:
    """Return different names in the order of their classes; those that are all numbers as numbers.

    Examples
    --------
    >>> in_order(["10", "9"]), in_order(["b", "10", "9"])
    (['9', '10'], ['10', '9', 'b'])
    """
    found = sorted(names)
    return sorted(found, key=int) if all(map(is_number, found)) else found


def check_words(words: Collection[str], what: str) -> None:
    """Check that words can be classes; ``what`` is how messages call them.

    Raises
    ------
    DataError
        If one is empty, or too long.
    """
    if not all(word.strip() for word in words):
        raise DataError(f"{what} must have no empty words")
    if (longest := max(map(len, words), default=0)) > _LENGTH:
        raise DataError(f"{what} must have words of at most {_LENGTH} characters, not {longest}")


def check_names(names: Sequence[str], what: str) -> None:
    """Check that names tell the classes 0, 1, ... apart; ``what`` is how messages call them.

    Raises
    ------
    DataError
        If there are too many, or two are equal (:func:`key`).
    """
    if len(names) > CLASSES_MAX:
        raise DataError(f"{what} must have at most {CLASSES_MAX} names, not {len(names)}")
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.get(key(name))) is not None:
            raise DataError(
                f"{what} must have different names, not {other[:40]!r} and {name[:40]!r}"
            )
        seen[key(name)] = name
