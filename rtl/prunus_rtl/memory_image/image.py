"""Packed inference store: the memories of each lane, made of a network.

Neuron at *position* ``p`` sits in lane ``p mod lanes``, slot ``p div lanes``. What the memories of
a lane hold: :mod:`prunus_rtl.memory_image.store_formats`. What the hardware must know about
positions: :mod:`prunus_rtl.memory_image.lanes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import WEIGHT_BITS_MAX, max_of
from prunus_rtl.memory_image.memory import Memory, make_memory
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.memory_image.two_complement import words_of_signed

__all__ = ["LaneImage", "StoreImage", "by_lane", "check_position", "pack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneImage:
    """The memories of one lane: all that the fetch unit of the lane is made from.

    Parameters
    ----------
    format : str
        One of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    inputs, slots, weight_bits : int
        Inputs of the network, neurons that a lane has room for, width of a weight.
    memories : tuple of Memory
        For ``csr``: row_pointers, entries; for ``bitmask``: rows, weights; for ``dense``: weights.
    """

    format: str
    inputs: int
    slots: int
    weight_bits: int
    memories: tuple[Memory, ...]

    def __getitem__(self, name: str) -> Memory:
        """Return a memory by its name."""
        return {memory.name: memory for memory in self.memories}[name]

    @property
    def bits(self) -> int:
        """Bits of all memories, raw."""
        return sum(memory.bits for memory in self.memories)

    def writes(self) -> Iterator[tuple[int, int, int]]:
        """Yield (number of the memory, address, word) of every word: what a host sends."""
        for number, memory in enumerate(self.memories):
            for address, word in enumerate(memory.words):
                yield number, address, word

    def unpack(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Read the memories as the hardware does.

        Returns
        -------
        weights : ndarray of uint8, shape (inputs, slots)
            Words of weights, 0 where there is no unpruned synapse.
        alive : ndarray of bool, shape (inputs, slots)
            Which synapses are unpruned.
        """
        shape = (self.inputs, self.slots)
        weights, alive = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.bool_)
        memories = {memory.name: memory for memory in self.memories}
        FORMATS[self.format].unpack(memories, weights, alive)
        return weights, alive


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoreImage:
    """The images of all lanes.

    Parameters
    ----------
    format : str
        One of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    position : ndarray of int64, shape (neurons,)
        Position of each post.
    lanes : tuple of LaneImage
        One for each lane. Their words have the same fields; their last memories differ in depth.
    """

    format: str
    position: npt.NDArray[np.int64]
    lanes: tuple[LaneImage, ...]

    @property
    def bits(self) -> int:
        """Bits of all lanes, raw."""
        return sum(lane.bits for lane in self.lanes)

    def unpack(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Return weights and alive, shape (inputs, neurons), by post: the inverse of packing.

        Of signed weights it returns the words
        (:func:`prunus_rtl.memory_image.two_complement.signed_values`).
        """
        weights, alive = zip(*(lane.unpack() for lane in self.lanes), strict=True)
        shape = (self.lanes[0].inputs, -1)
        return (
            np.stack(weights, axis=2).reshape(shape)[:, self.position],
            np.stack(alive, axis=2).reshape(shape)[:, self.position],
        )


def pack(
    weights: npt.NDArray[np.uint8] | npt.NDArray[np.int8],
    alive: npt.NDArray[np.bool_],
    *,
    format: str,
    lanes: int,
    weight_bits: int,
    position: npt.NDArray[np.int64] | None = None,
    keep_zeros: bool = True,
    capacity: int = 0,
    flagged: bool = False,
) -> StoreImage:
    """Build the memory images of a network.

    Parameters
    ----------
    weights : ndarray of uint8, or int8 if signed, shape (inputs, neurons)
        ``weights[pre, post]`` (:attr:`prunus_model.spec.state.State.weights`). Memories hold signed
        ones in two's complement.
    alive : ndarray of bool, shape (inputs, neurons)
        False where the synapse is pruned (:attr:`prunus_model.spec.state.State.alive`).
    format : str
        One of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    lanes : int
        Lanes of the core. Positive; may exceed the number of neurons.
    weight_bits : int
        Width of a weight, 1..8.
    position : ndarray of int64, shape (neurons,), optional
        Position of each post, a permutation (:func:`prunus_rtl.memory_image.lanes.balance`).
        Default: position is post.
    keep_zeros : bool
        Whether unpruned synapses of weight 0 are kept. Without them the spikes are the same, and
        the hardware counts fewer forward SOPs than the golden model.
    capacity : int
        Words that ``entries`` of ``csr``, or ``weights`` of ``bitmask``, have at least in every
        lane: room for another network, or a whole SPRAM. Addresses are made wide enough.
    flagged : bool
        Whether ``dense`` has the bit ``alive`` even if it is 1 everywhere: so that another network
        fits.

    Returns
    -------
    StoreImage

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.

    See Also
    --------
    prunus_rtl.memory_image.address_map.StoreLayout : Packs for a core that is built already.
    prunus_rtl.synapses.components.packed_store : The unit that fetches from these memories.

    Examples
    --------
    >>> weights = np.array([[3, 0, 5], [0, 0, 0]], dtype=np.uint8)
    >>> image = pack(weights, weights > 0, format="csr", lanes=1, weight_bits=3)
    >>> pointers, entries = image.lanes[0].memories
    >>> pointers.column("none").tolist(), pointers.column("start").tolist()
    ([0, 1, 1], [0, 0, 0])
    >>> entries.column("column").tolist(), image.bits
    ([0, 2], 16)
    """
    if format not in FORMATS:
        raise ValueError(f"Format must be one of {', '.join(FORMATS)}, not {format!r}")
    if not isinstance(weight_bits, int) or not 1 <= weight_bits <= WEIGHT_BITS_MAX:
        raise ValueError(f"Weight width must be in 1..{WEIGHT_BITS_MAX}, not {weight_bits!r}")
    if not isinstance(capacity, int) or capacity < 0:
        raise ValueError(f"Capacity must be an integer of 0 or more, not {capacity!r}")
    _check_synapses(weights, alive, weight_bits)
    if not keep_zeros:
        alive = alive & (weights != 0)
    words = words_of_signed(weights, weight_bits).astype(np.uint8)
    grid, unpruned = by_lane(words, lanes, position), by_lane(alive, lanes, position)
    inputs, slots, _ = grid.shape
    depth = max(1, capacity, int(unpruned.sum(axis=(0, 1)).max()))
    packing = FORMATS[format]
    fields = packing.fields(
        slots=slots,
        weight_bits=weight_bits,
        depth=depth,
        flagged=flagged or not bool(unpruned.all()),
    )
    images = []
    for lane in range(lanes):
        contents = packing.contents(grid[:, :, lane], unpruned[:, :, lane], fields)
        # The first memory has its words for each input, and no room to spare.
        memories = tuple(
            make_memory(name, fields[name], values, capacity=capacity if number else 0)
            for number, (name, values) in enumerate(contents.items())
        )
        images.append(
            LaneImage(
                format=format,
                inputs=inputs,
                slots=slots,
                weight_bits=weight_bits,
                memories=memories,
            )
        )
    return StoreImage(
        format=format, position=check_position(position, weights.shape[1]), lanes=tuple(images)
    )


def check_position(position: npt.NDArray[np.int64] | None, neurons: int) -> npt.NDArray[np.int64]:
    """Return positions, the identity for None, and raise ValueError if not a permutation."""
    if position is None:
        return np.arange(neurons, dtype=np.int64)
    if sorted(position.tolist()) != list(range(neurons)):
        raise ValueError(f"Position must be a permutation of 0..{neurons - 1}")
    return position.astype(np.int64)


def by_lane(
    synapses: npt.NDArray[Any], lanes: int, position: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[Any]:
    """Order synapses by lane.

    Parameters
    ----------
    synapses : ndarray, shape (inputs, neurons)
        Anything that there is for each synapse.
    lanes : int
        Lanes of the core. Positive.
    position : ndarray of int64, shape (neurons,), optional
        Position of each post. Default: position is post.

    Returns
    -------
    ndarray, shape (inputs, slots, lanes)
        Slots without a neuron hold 0.
    """
    if not isinstance(lanes, int) or lanes <= 0:
        raise TypeError(f"Lanes must be a positive integer, not {lanes!r}")
    inputs, neurons = synapses.shape
    slots = -(-neurons // lanes)
    padded = np.zeros((inputs, slots * lanes), dtype=synapses.dtype)
    padded[:, check_position(position, neurons)] = synapses
    return padded.reshape(inputs, slots, lanes)


def _check_synapses(
    weights: npt.NDArray[np.uint8] | npt.NDArray[np.int8],
    alive: npt.NDArray[np.bool_],
    weight_bits: int,
) -> None:
    signed = isinstance(weights, np.ndarray) and weights.dtype == np.int8
    want: type[np.generic] = np.int8 if signed else np.uint8
    for name, array, dtype in (("Weights", weights, want), ("Alive", alive, np.bool_)):
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise TypeError(f"{name} must be an array of {np.dtype(dtype)}, not {kind}")
    if weights.ndim != 2 or weights.shape != alive.shape or weights.size == 0:
        raise ValueError(
            "Weights and alive must have one shape (inputs, neurons), but got "
            f"weights: {weights.shape}, alive: {alive.shape}"
        )
    low, high = (-1 << weight_bits - 1 if signed else 0), max_of(weight_bits - signed)
    smallest, largest = int(weights.min()), int(weights.max())
    if not low <= smallest <= largest <= high:
        raise ValueError(
            f"Weights must be in {low}..{high} for weight_bits={weight_bits}, "
            f"not {largest if largest > high else smallest}"
        )
    if np.any(weights[~alive]):
        pre, post = np.argwhere(~alive & (weights != 0))[0].tolist()
        raise ValueError(f"weights[{pre}, {post}] must be 0 because it is pruned")
