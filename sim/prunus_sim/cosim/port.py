"""Reads and writes the state of a core through its memory port (the frontdoor)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.state import NO_STEP
from prunus_rtl.bus.memory_port import answer_layout
from prunus_rtl.bus.spaces import (
    PLAIN_SPACES,
    plain_values,
    plain_words,
    readable,
    spaces,
    synapse_values,
    synapse_words,
)
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays
from prunus_sim.cosim.interface import POKE_FILE, PORT_FILE, Opcode

__all__ = ["Port"]

#: Cycles in which a request of the memory port must be answered, pauses included.
_REQUEST_CYCLES = 400


class Port:
    """Drives the memory port of a core.

    Parameters
    ----------
    command : callable
        Gives the testbench a command and waits until it is done.
    shapes : Shapes
        Network and hardware.
    folder : Path
        Where the simulator was started.
    """

    def __init__(
        self, command: Callable[..., Awaitable[None]], *, shapes: Shapes, folder: Path
    ) -> None:
        self._command = command
        self._shapes = shapes
        self._folder = folder

    async def read_space(
        self, space: Space, *, rows: int = 1, stride: int = 0, columns: int, first: int = 0
    ) -> npt.NDArray[np.int64]:
        """Read ``rows`` times ``columns`` addresses.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            Answers, packed as :func:`prunus_rtl.bus.memory_port.answer_layout`.
        """
        await self._command(
            Opcode.PEEK,
            timeout=_REQUEST_CYCLES * rows * columns,
            space=int(space),
            first=first,
            rows=rows,
            stride=stride,
            columns=columns,
        )
        return self._answers(rows, columns)

    async def write_space(
        self,
        space: Space,
        words: npt.NDArray[np.int64],
        *,
        stride: int = 0,
        first: int = 0,
    ) -> npt.NDArray[np.int64]:
        """Write rows of words; return the answers, as :meth:`read_space` does."""
        rows, columns = words.shape
        lines = "\n".join(f"{word:x}" for word in words.ravel().tolist())
        (self._folder / POKE_FILE).write_text(lines + "\n")
        await self._command(
            Opcode.POKE,
            timeout=_REQUEST_CYCLES * words.size,
            space=int(space),
            first=first,
            last=words.size,
            rows=rows,
            stride=stride,
            columns=columns,
        )
        return self._answers(rows, columns)

    def _answers(self, rows: int, columns: int) -> npt.NDArray[np.int64]:
        words = [int(line, 16) for line in (self._folder / PORT_FILE).read_text().split()]
        return np.array(words, dtype=np.int64).reshape(rows, columns)

    async def write_presentation(self, number: int) -> None:
        """Write the number of the next presentation."""
        _data(await self.write_space(Space.PRESENTATION, np.array([[number]])))

    async def write_state(self, state: StateArrays) -> None:
        """Write all state variables that the core has within reach through the memory port.

        Raises
        ------
        AssertionError
            If a request is answered with an error.
        """
        for space, (rows, _, stride) in _grids(self._shapes).items():
            name = space.name.lower()
            if name == "store":
                await self._write_store(state[name])
                continue
            if name == "synapses":
                words = synapse_words(self._shapes, state["weights"], state["alive"])
            elif name == "votes":
                words = state[name].T
            else:
                words = state[name].reshape(rows, -1)
            if space in PLAIN_SPACES:
                words = plain_words(self._shapes, space, words)
            if name == "last_step":
                words = np.where(words == NO_STEP, 0, words | 1 << STEP_BITS)
            _data(await self.write_space(space, words, stride=stride))

    async def read_state(self) -> StateArrays:
        """Read all state variables that can be read through the memory port.

        Raises
        ------
        AssertionError
            If a request is answered with an error.
        """
        shapes, found = self._shapes, StateArrays()
        for space, (rows, columns, stride) in _grids(shapes).items():
            if space not in readable(shapes):
                continue
            name = space.name.lower()
            if name == "store":
                found[name] = await self._read_store()
                continue
            answers = await self.read_space(space, rows=rows, stride=stride, columns=columns)
            words = _data(answers)
            if name == "synapses":
                found["weights"], found["alive"] = synapse_values(shapes, words)
            elif name == "votes":
                found["votes"] = words.T
            elif name == "last_step":
                valid = words[0] >> STEP_BITS
                found[name] = np.where(valid, words[0] & ((1 << STEP_BITS) - 1), NO_STEP)
            elif space in PLAIN_SPACES:
                found[name] = plain_values(shapes, space, words.ravel())
            else:
                found[name] = words.ravel()
        return found

    async def _write_store(self, words: npt.NDArray[np.int64]) -> None:
        for first, part in self._parts(words):
            _data(await self.write_space(Space.STORE, part[np.newaxis], first=first))

    async def _read_store(self) -> npt.NDArray[np.int64]:
        parts = []
        for first, part in self._parts(np.zeros(_store_size(self._shapes), dtype=np.int64)):
            answers = await self.read_space(Space.STORE, columns=part.size, first=first)
            parts.append(_data(answers)[0])
        return np.concatenate(parts)

    def _parts(self, words: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        """Yield the first address and the words of each memory of the packed store."""
        layout, at = self._shapes.store, 0
        if layout is None:
            return
        for lane, depths in enumerate(layout.depths):
            for memory, depth in enumerate(depths):
                yield layout.address(lane, memory, 0), words[at : at + depth]
                at += depth


def _grids(shapes: Shapes) -> dict[Space, tuple[int, int, int]]:
    """Return the address spaces that a core has, with rows, columns, and addresses from row to row.

    For the packed store, which :meth:`Port._parts` divides, they mean nothing.
    """
    network, stride = shapes.network, 1 << shapes.post.width
    found = {space: (1, depth, 0) for space, (_, _, depth) in spaces(shapes).items()}
    every = network.all_neurons
    grids = {
        Space.V_FIRE: (network.group_count, network.neurons, stride),
        Space.VOTES: (network.readout.classes, every, every),
        Space.SYNAPSES: (network.rows, network.neurons, stride),
    }
    return {space: grids.get(space, grid) for space, grid in found.items()}


def _store_size(shapes: Shapes) -> int:
    """Return the words of the packed store."""
    return 0 if shapes.store is None else sum(map(sum, shapes.store.depths))


def _data(answers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    layout = answer_layout()
    if np.any(answers >> layout["error"].offset & 1):
        where = int(np.flatnonzero(answers >> layout["error"].offset & 1)[0])
        raise AssertionError(f"memory port must answer request {where} without an error")
    found: npt.NDArray[np.int64] = answers >> layout["data"].offset & (
        (1 << layout["data"].width) - 1
    )
    return found
