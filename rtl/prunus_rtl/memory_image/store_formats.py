"""Formats of the packed store: what each memory of a lane holds.

A lane holds, for every pre, the unpruned synapses of its own neurons, in one of three formats:

``csr`` (compressed sparse rows)
    ``row_pointers[pre]`` = (start, none), ``entries`` = (value, column) in the order of columns,
    where a value is a weight and a column is a slot. The entries of ``pre`` end where those of
    ``pre + 1`` start, so there is one row pointer more than inputs. Starts count modulo a power of
    2 that is not below the entries; so an end needs no further bit, and the flag ``none`` tells a
    row of no entries from one that fills the memory.
``bitmask``
    ``rows[pre]`` = (alive, start), where ``alive`` has one bit per slot; ``weights`` holds the
    unpruned weights only, in slot order.
``dense``
    ``weights[pre * slots + slot]`` = (weight, alive). The bit ``alive`` is left out if it would be
    1 everywhere: nothing pruned, and all slots of all lanes in use.

Fields are listed from the least significant bit on. An unpruned synapse of weight 0 (also one
frozen by soft pruning) stays: it adds nothing to ``v``, but it is a forward SOP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import max_of
from prunus_rtl.memory_image.memory import Fields, Memory

__all__ = ["FORMATS", "Contents", "Format"]

#: For each memory, in the order of their numbers, each field of all words.
Contents: TypeAlias = dict[str, dict[str, npt.NDArray[Any]]]


class Format(ABC):
    """How a lane stores its unpruned synapses."""

    @abstractmethod
    def fields(
        self, *, slots: int, weight_bits: int, depth: int, flagged: bool
    ) -> dict[str, Fields]:
        """Return the fields of the words of each memory, in the order of their numbers.

        Parameters
        ----------
        slots, weight_bits : int
            Neurons of a lane, width of a weight.
        depth : int
            Words of the last memory (entries or weights) of the lane that has most.
        flagged : bool
            Whether ``dense`` has the bit ``alive``.
        """

    @abstractmethod
    def depths(self, *, inputs: int, slots: int) -> tuple[int, ...]:
        """Return the words of each memory if nothing is pruned.

        Only the last memory of several has another number if something is, or to spare.
        """

    @abstractmethod
    def contents(
        self,
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
        fields: Mapping[str, Fields],
    ) -> Contents:
        """Return what the memories of a lane hold.

        Parameters
        ----------
        weights, alive : ndarray, shape (inputs, slots)
            Synapses of the lane.
        fields : mapping
            As of :meth:`fields`.
        """

    @abstractmethod
    def unpack(
        self,
        memories: Mapping[str, Memory],
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
    ) -> None:
        """Read the memories of a lane as the hardware does.

        Parameters
        ----------
        memories : mapping
            By name.
        weights, alive : ndarray, shape (inputs, slots)
            All 0, and all False; unpruned synapses are written into them.
        """


class _Csr(Format):
    def fields(
        self, *, slots: int, weight_bits: int, depth: int, flagged: bool
    ) -> dict[str, Fields]:
        column = ("column", (slots - 1).bit_length())
        return {
            "row_pointers": (_start(depth), ("none", 1)),
            "entries": (("value", weight_bits), column),
        }

    def depths(self, *, inputs: int, slots: int) -> tuple[int, ...]:
        return inputs + 1, inputs * slots

    def contents(
        self,
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
        fields: Mapping[str, Fields],
    ) -> Contents:
        lengths, start = _rows(alive)
        starts = np.append(start, lengths.sum()) & max_of(dict(fields["row_pointers"])["start"])
        return {
            "row_pointers": {"start": starts, "none": np.append(lengths == 0, True)},
            "entries": {"value": weights[alive], "column": np.nonzero(alive)[1]},
        }

    def unpack(
        self,
        memories: Mapping[str, Memory],
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
    ) -> None:
        pointers, entries = memories["row_pointers"], memories["entries"]
        some = np.flatnonzero(pointers.column("none") == 0)
        start = pointers.column("start")[some]
        room = 1 << dict(pointers.fields)["start"]
        lengths = (pointers.column("start")[some + 1] - start - 1) % room + 1
        pre, address = _spread(some, start, lengths)
        column = entries.column("column")[address]
        alive[pre, column] = True
        weights[pre, column] = entries.column("value")[address]


class _Bitmask(Format):
    def fields(
        self, *, slots: int, weight_bits: int, depth: int, flagged: bool
    ) -> dict[str, Fields]:
        return {"rows": (("alive", slots), _start(depth)), "weights": (("weight", weight_bits),)}

    def depths(self, *, inputs: int, slots: int) -> tuple[int, ...]:
        return inputs, inputs * slots

    def contents(
        self,
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
        fields: Mapping[str, Fields],
    ) -> Contents:
        lengths, start = _rows(alive)
        return {
            "rows": {"alive": _masks(alive), "start": np.where(lengths > 0, start, 0)},
            "weights": {"weight": weights[alive]},
        }

    def unpack(
        self,
        memories: Mapping[str, Memory],
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
    ) -> None:
        rows = memories["rows"]
        inputs, slots = alive.shape
        masks = rows.column("alive").tolist()
        alive[:] = [[bool(mask >> slot & 1) for slot in range(slots)] for mask in masks]
        lengths = alive.sum(axis=1)
        _, address = _spread(np.arange(inputs), rows.column("start"), lengths)
        weights[alive] = memories["weights"].column("weight")[address]


class _Dense(Format):
    def fields(
        self, *, slots: int, weight_bits: int, depth: int, flagged: bool
    ) -> dict[str, Fields]:
        weight = ("weight", weight_bits)
        return {"weights": (weight, ("alive", 1)) if flagged else (weight,)}

    def depths(self, *, inputs: int, slots: int) -> tuple[int, ...]:
        return (inputs * slots,)

    def contents(
        self,
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
        fields: Mapping[str, Fields],
    ) -> Contents:
        return {"weights": {"weight": weights.ravel(), "alive": alive.ravel()}}

    def unpack(
        self,
        memories: Mapping[str, Memory],
        weights: npt.NDArray[np.uint8],
        alive: npt.NDArray[np.bool_],
    ) -> None:
        memory = memories["weights"]
        flagged = "alive" in dict(memory.fields)
        alive[:] = memory.column("alive").reshape(alive.shape) if flagged else True
        weights[:] = memory.column("weight").reshape(weights.shape)


#: Formats by name, the one with the smallest fetch unit first: it wins if two have the same size.
FORMATS: Mapping[str, Format] = {"csr": _Csr(), "dense": _Dense(), "bitmask": _Bitmask()}


def _start(depth: int) -> tuple[str, int]:
    """Return the field that holds the address of the first synapse of an input."""
    return "start", (depth - 1).bit_length()


def _rows(alive: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the number of unpruned synapses of each input, and how many there are before it."""
    lengths = alive.sum(axis=1)
    return lengths, np.cumsum(lengths) - lengths


def _masks(alive: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Return each row as one integer, slot 0 in the least significant bit."""
    packed = np.packbits(alive, axis=1, bitorder="little")
    return np.array([int.from_bytes(row.tobytes(), "little") for row in packed], dtype=object)


def _spread(
    pre: npt.NDArray[np.int64], start: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return pre and address of every entry of many runs."""
    before = np.cumsum(lengths) - lengths
    address = np.arange(int(lengths.sum())) + np.repeat(start - before, lengths)
    return np.repeat(pre, lengths), address
