"""One memory of a packed store: the fields of its words, its contents, and its banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import max_of

__all__ = ["LANES_MAX", "Fields", "Memory", "banks", "make_memory"]

#: Names and widths of the fields of a word, the least significant first.
Fields: TypeAlias = tuple[tuple[str, int], ...]
#: Most lanes of a core, each of which has memories of its own.
LANES_MAX = 64
#: Words that the last bank of a memory may have.
_LAST_BANK = 2048
#: Widest word that is packed in int64.
_INT64_BITS = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One memory of one lane.

    Parameters
    ----------
    name : str
        What it holds.
    fields : tuple of (str, int)
        Names and widths of the fields of a word, the least significant first.
    words : tuple of int
        Contents. At least one word, because there is no memory without words.
    """

    name: str
    fields: Fields
    words: tuple[int, ...]

    @property
    def width(self) -> int:
        """Width of a word."""
        return sum(bits for _, bits in self.fields)

    @property
    def depth(self) -> int:
        """Number of words."""
        return len(self.words)

    @property
    def bits(self) -> int:
        """Bits, raw: not rounded up to what a block RAM offers."""
        return self.width * self.depth

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one field of all words: int64, or Python integers if it is wider than that."""
        offset = 0
        for field, bits in self.fields:
            if field == name:
                values = [word >> offset & max_of(bits) for word in self.words]
                return np.array(values, dtype=_dtype(bits))
            offset += bits
        raise KeyError(name)


def make_memory(
    name: str, fields: Fields, values: Mapping[str, npt.NDArray[Any]], *, capacity: int = 0
) -> Memory:
    """Return a memory whose words are made of fields.

    Parameters
    ----------
    name : str
        Name of the memory.
    fields : tuple of (str, int)
        Fields of a word.
    values : mapping of str to ndarray of int, shape (words,)
        Each field of all words.
    capacity : int
        Words that there are at least; those without values are 0.
    """
    dtype = _dtype(sum(bits for _, bits in fields))
    word: Any = 0
    offset = 0
    for field, bits in fields:
        word = word + (values[field].astype(dtype) << offset)
        offset += bits
    words = word.tolist()
    words += [0] * (max(1, capacity) - len(words))
    return Memory(name=name, fields=fields, words=tuple(words))


def banks(depth: int) -> tuple[int, ...]:
    """Return the depths of the banks of which a memory of block RAMs is made.

    Powers of 2, the largest first, while more than 2048 words are left: a block RAM offers 1 or 2
    bits of many words in one mode, so that the blocks of a bank show their bits side by side, and
    only the banks need a multiplexer.

    Examples
    --------
    >>> banks(8295), banks(19600), banks(2000)
    ((8192, 103), (16384, 2048, 1168), (2000,))
    """
    found = []
    while depth > _LAST_BANK:
        found.append(1 << depth.bit_length() - 1)
        depth -= found[-1]
    return (*found, depth) if depth else tuple(found)


def _dtype(bits: int) -> type[Any]:
    return np.int64 if bits <= _INT64_BITS else object
