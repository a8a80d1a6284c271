"""March test of the memories of a core, through its memory port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.selftest.result import FaultError, check_time
from prunus_model.spec.formats import max_of
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.protocol import MAX_BODY, READ_WRITE, word_bytes

__all__ = ["March"]

_Words = npt.NDArray[np.int64]


def _slice(addresses: _Words, *, shift: int, mask: int) -> _Words:
    """Return some bits of each address."""
    found: _Words = addresses >> shift & mask
    return found


class March:
    """March test of words of one width in an address space. Their contents are lost.

    March C-, in blocks of as many words as a request holds: write 0; up read 0, write 1; up read 1,
    write 0; down the same twice; read 0. It finds stuck bits, bits that can't change, and words
    that change when a word of another block is written.

    What the blocks hide, patterns show: one after the other, the bits of a word are told apart by
    the binary digits of their numbers (bits that are shorted), and words by slices of their address
    that are as wide as a word (any two addresses that are one word). At last, words whose addresses
    differ in one bit are written one at a time (address lines).

    Parameters
    ----------
    memories : Memories
        Of the device.
    space : Space
        Where they are.
    bits : int
        Bits of a word.
    spans : sequence of tuple of int
        First address and number of words that follow each other. At least one.
    deadline : Deadline
        When the test must be over.

    Attributes
    ----------
    words : int
        Words that are tested.
    accesses : int
        Words read and written so far.
    """

    def __init__(
        self,
        memories: Memories,
        space: Space,
        bits: int,
        spans: Sequence[tuple[int, int]],
        deadline: Deadline,
    ) -> None:
        self._memories = memories
        self._space = space
        self._deadline = deadline
        self._bits = bits
        most = (MAX_BODY - READ_WRITE.size) // word_bytes(bits)
        self._blocks = [
            np.arange(first + start, first + min(start + most, count))
            for first, count in spans
            for start in range(0, count, most)
        ]
        self.words = sum(block.size for block in self._blocks)
        self.accesses = 0

    def run(self) -> None:
        """Test the space.

        Raises
        ------
        FaultError
            At the first word that is wrong: space, address, bits, and in which part.
        """
        ones = max_of(self._bits)
        up, down = self._blocks, self._blocks[::-1]
        self._write(up, 0)
        for order, name in ((up, "up"), (down, "down")):
            for old, new in ((0, ones), (ones, 0)):
                for block in order:
                    self._check(block, np.full(block.size, old), f"march {name}")
                    self._put(block, np.full(block.size, new))
        self._read(up, np.zeros_like, "march")
        for digit in range((self._bits - 1).bit_length()):
            word = sum(1 << bit for bit in range(self._bits) if bit >> digit & 1)
            self._write(up, word)
            self._read(down, partial(np.full_like, fill_value=word), "pattern of bits")
        for shift in range(0, int(self._blocks[-1][-1]).bit_length(), self._bits):
            for order in (up, down):
                for block in order:
                    self._put(block, _slice(block, shift=shift, mask=ones))
                self._read(up, partial(_slice, shift=shift, mask=ones), "pattern of addresses")
        self._check_lines(ones)

    def _check_lines(self, ones: int) -> None:
        """Write words one at a time whose addresses differ in one bit from the first address."""
        there = np.concatenate(self._blocks)
        first = int(there[0])
        lines = [first ^ 1 << k for k in range(int(there[-1]).bit_length())]
        some = [np.array([a]) for a in (first, *lines) if np.isin(a, there)]
        for word in some:
            self._put(word, np.array([0]))
        for word in some:
            self._put(word, np.array([ones]))
            for other in some:
                want = np.array([ones if other is word else 0])
                self._check(other, want, f"address lines, {int(word[0])} written")
            self._put(word, np.array([0]))

    def _write(self, order: list[_Words], word: int) -> None:
        for block in order:
            self._put(block, np.full(block.size, word))

    def _read(self, order: list[_Words], want: Callable[[_Words], _Words], part: str) -> None:
        for block in order:
            self._check(block, want(block), part)

    def _put(self, block: _Words, words: _Words) -> None:
        check_time(self._deadline, f"{self._space.name}, {self.accesses:,} accesses")
        self._memories.write(self._space, int(block[0]), words)
        self.accesses += block.size

    def _check(self, block: _Words, want: _Words, part: str) -> None:
        check_time(self._deadline, f"{self._space.name}, {self.accesses:,} accesses")
        have = self._memories.read(self._space, int(block[0]), block.size)
        self.accesses += block.size
        wrong = np.flatnonzero(have != want)
        if not wrong.size:
            return
        at = int(wrong[0])
        bits = int(np.bitwise_or.reduce(have ^ want))
        names = [str(bit) for bit in range(self._bits) if bits >> bit & 1]
        more = f" and {wrong.size - 1} more words" if wrong.size > 1 else ""
        raise FaultError(
            f"{self._space.name}[{block[at]}]{more}: {have[at]:#x} in place of {want[at]:#x}, "
            f"wrong bit{'s' if len(names) > 1 else ''} {', '.join(names)} ({part})"
        )
