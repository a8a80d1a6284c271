"""Memories of a device: words by space and address, all of them or some."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.contents import Words, blocks
from prunus_boards.driver.requests import Requests
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.hardware import Space
from prunus_rtl.widths import Widths

__all__ = ["PASSING", "Memories"]

#: What presentations change, whatever the network.
PASSING = (Space.V, Space.LAST_STEP, Space.PRESENTATION)


class Memories:
    """Memories of a device.

    Every method raises :class:`prunus_boards.driver.link.RefusedError` for an address that does not
    exist; then nothing of the request it was in is written.

    Parameters
    ----------
    requests : Requests
        To the device.
    widths : Widths
        Of its core.
    """

    def __init__(self, requests: Requests, widths: Widths) -> None:
        self._requests = requests
        self._widths = widths

    @property
    def loadable(self) -> bool:
        """Whether synapses are within reach."""
        return not {Space.SYNAPSES, Space.STORE}.isdisjoint(spaces(self._widths))

    @property
    def presentation(self) -> int:
        """Number of the next presentation. Can be set."""
        return int(self.read(Space.PRESENTATION, 0, 1)[0])

    @presentation.setter
    def presentation(self, number: int) -> None:
        self.write(Space.PRESENTATION, 0, np.array([number]))

    def read(self, space: Space, first: int, count: int) -> npt.NDArray[np.int64]:
        """Read words from address ``first`` on."""
        bits = spaces(self._widths)[space][1]
        return np.array(self._requests.read(space, bits, first, count), dtype=np.int64)

    def write(self, space: Space, first: int, words: npt.NDArray[np.int64]) -> None:
        """Write words from address ``first`` on."""
        self._requests.write(space, spaces(self._widths)[space][1], first, words.tolist())

    def read_all(self) -> Words:
        """Read everything that can be read."""
        words: Words = {}
        for space in sorted(readable(self._widths)):
            _, _, depth = spaces(self._widths)[space]
            words[space] = np.zeros(depth, dtype=np.int64)
            for first, n in blocks(self._widths, space):
                words[space][first : first + n] = self.read(space, first, n)
        return words

    def write_all(self, words: Words, progress: Callable[[int, int], None] | None = None) -> None:
        """Write everything; tell how many words were written, and how many there are."""
        total = sum(n for space in words for _, n in blocks(self._widths, space))
        done = 0
        for space, values in words.items():
            for first, n in blocks(self._widths, space):
                self.write(space, first, values[first : first + n])
                done += n
                if progress is not None:
                    progress(done, total)

    @property
    def compared(self) -> int:
        """Words that :meth:`differences` compares, if none differs."""
        return sum(
            n
            for space in readable(self._widths)
            if space not in PASSING
            for _, n in blocks(self._widths, space)
        )

    def differences(self, words: Words) -> list[str]:
        """Read what belongs to a network and can be read; return the first difference of each."""
        lines = []
        for space, want in words.items():
            compared = space in readable(self._widths) and space not in PASSING
            for first, n in blocks(self._widths, space) if compared else ():
                have = self.read(space, first, n)
                wrong = np.flatnonzero(have != want[first : first + n])
                if wrong.size:
                    at = first + int(wrong[0])
                    lines.append(f"{space.name}[{at}] is {have[at - first]}, not {want[at]}")
                    break
        return lines
