"""Packed inference store: what the synapse memories of each lane hold, and how many bits that is.

Neuron at *position* ``p`` sits in lane ``p mod lanes``, slot ``p div lanes``. A lane holds, for
every pre, the live synapses of its own neurons, in one of three formats:

``list``
    ``pointers[pre]`` = (start, none), ``entries`` = (weight, slot) in slot order. The entries of
    ``pre`` end where those of ``pre + 1`` start, so there is one pointer more than inputs. Starts
    count modulo a power of 2 that is not below the entries; so an end needs no further bit, and the
    flag ``none`` tells a list of no entries from one that fills the memory.
``bitmap``
    ``rows[pre]`` = (alive, start), where ``alive`` has one bit per slot; ``weights`` holds the live
    weights only, in slot order.
``dense``
    ``weights[pre * slots + slot]`` = (weight, alive). The bit ``alive`` is left out if it would be
    1 everywhere: nothing pruned, and all slots of all lanes in use.

Fields are listed from the least significant bit on. A live synapse of weight 0 (also one frozen by
soft pruning) stays: it adds nothing to ``v``, but it is a forward SOP. What the hardware must know
about positions: :mod:`prunus_rtl.memory_image.lanes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import WEIGHT_BITS_MAX, max_of

__all__ = [
    "FORMATS",
    "LaneImage",
    "Memory",
    "StoreImage",
    "banks",
    "by_lane",
    "check_position",
    "fields_of",
    "pack",
]

#: Formats, the one with the smallest fetch unit first: it wins if two have the same size.
FORMATS = ("list", "dense", "bitmap")

Fields: TypeAlias = tuple[tuple[str, int], ...]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneImage:
    """The memories of one lane: all that the fetch unit of the lane is made from.

    Parameters
    ----------
    format : str
        One of :data:`FORMATS`.
    inputs, slots, weight_bits : int
        Inputs of the network, neurons that a lane has room for, width of a weight.
    memories : tuple of Memory
        For ``list``: pointers, entries; for ``bitmap``: rows, weights; for ``dense``: weights.
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
            Weights, 0 where there is no live synapse.
        alive : ndarray of bool, shape (inputs, slots)
            Which synapses are live.
        """
        shape = (self.inputs, self.slots)
        weights, alive = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.bool_)
        match self.format:
            case "list":
                pointers, entries = self["pointers"], self["entries"]
                some = np.flatnonzero(pointers.column("none") == 0)
                start = pointers.column("start")[some]
                room = 1 << dict(pointers.fields)["start"]
                lengths = (pointers.column("start")[some + 1] - start - 1) % room + 1
                pre, address = _spread(some, start, lengths)
                slot = entries.column("slot")[address]
                alive[pre, slot] = True
                weights[pre, slot] = entries.column("weight")[address]
            case "bitmap":
                rows = self["rows"]
                masks = rows.column("alive").tolist()
                alive[:] = [
                    [bool(mask >> slot & 1) for slot in range(self.slots)] for mask in masks
                ]
                lengths = alive.sum(axis=1)
                _, address = _spread(np.arange(self.inputs), rows.column("start"), lengths)
                weights[alive] = self["weights"].column("weight")[address]
            case _:
                memory = self["weights"]
                flagged = "alive" in dict(memory.fields)
                alive[:] = memory.column("alive").reshape(shape) if flagged else True
                weights[:] = memory.column("weight").reshape(shape)
        return weights, alive


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoreImage:
    """The images of all lanes.

    Parameters
    ----------
    format : str
        One of :data:`FORMATS`.
    position : ndarray of int64, shape (neurons,)
        Position of each post.
    lanes : tuple of LaneImage
        One for each lane. Their words have the same fields; their lists differ in length.
    """

    format: str
    position: npt.NDArray[np.int64]
    lanes: tuple[LaneImage, ...]

    @property
    def bits(self) -> int:
        """Bits of all lanes, raw."""
        return sum(lane.bits for lane in self.lanes)

    def unpack(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Return weights and alive, shape (inputs, neurons), by post: the inverse of packing."""
        weights, alive = zip(*(lane.unpack() for lane in self.lanes), strict=True)
        shape = (self.lanes[0].inputs, -1)
        return (
            np.stack(weights, axis=2).reshape(shape)[:, self.position],
            np.stack(alive, axis=2).reshape(shape)[:, self.position],
        )


def pack(
    weights: npt.NDArray[np.uint8],
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
    weights : ndarray of uint8, shape (inputs, neurons)
        ``weights[pre, post]`` (:attr:`prunus_model.spec.state.State.weights`).
    alive : ndarray of bool, shape (inputs, neurons)
        False where the synapse is pruned (:attr:`prunus_model.spec.state.State.alive`).
    format : str
        One of :data:`FORMATS`.
    lanes : int
        Lanes of the core. Positive; may exceed the number of neurons.
    weight_bits : int
        Width of a weight, 1..8.
    position : ndarray of int64, shape (neurons,), optional
        Position of each post, a permutation (:func:`prunus_rtl.memory_image.lanes.balance`).
        Default: position is post.
    keep_zeros : bool
        Whether live synapses of weight 0 are kept. Without them the spikes are the same, and the
        hardware counts fewer forward SOPs than the golden model.
    capacity : int
        Words that ``entries`` of the list, or ``weights`` of the bitmap, have at least in every
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
    prunus_rtl.synapses.packed.PackedStore : The unit that fetches from these memories.

    Examples
    --------
    >>> weights = np.array([[3, 0, 5], [0, 0, 0]], dtype=np.uint8)
    >>> image = pack(weights, weights > 0, format="list", lanes=1, weight_bits=3)
    >>> pointers, entries = image.lanes[0].memories
    >>> pointers.column("none").tolist(), pointers.column("start").tolist()
    ([0, 1, 1], [0, 0, 0])
    >>> entries.column("slot").tolist(), image.bits
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
    grid, live = by_lane(weights, lanes, position), by_lane(alive, lanes, position)
    inputs, slots, _ = grid.shape
    depth = max(1, capacity, int(live.sum(axis=(0, 1)).max()))
    fields = fields_of(
        format,
        slots=slots,
        weight_bits=weight_bits,
        depth=depth,
        flagged=flagged or not bool(live.all()),
    )
    images = []
    for lane in range(lanes):
        w, a = grid[:, :, lane], live[:, :, lane]
        lengths = a.sum(axis=1)
        start = np.cumsum(lengths) - lengths
        contents: dict[str, dict[str, npt.NDArray[Any]]]
        if format == "list":
            starts = np.append(start, lengths.sum()) & max_of(dict(fields["pointers"])["start"])
            contents = {
                "pointers": {"start": starts, "none": np.append(lengths == 0, True)},
                "entries": {"weight": w[a], "slot": np.nonzero(a)[1]},
            }
        elif format == "bitmap":
            start = np.where(lengths > 0, start, 0)
            contents = {
                "rows": {"alive": _masks(a), "start": start},
                "weights": {"weight": w[a]},
            }
        else:
            contents = {"weights": {"weight": w.ravel(), "alive": a.ravel()}}
        # The first memory has its words for each input, and no room to spare.
        memories = tuple(
            _memory(name, fields[name], values, capacity if number else 0)
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


def fields_of(
    format: str, *, slots: int, weight_bits: int, depth: int, flagged: bool
) -> dict[str, Fields]:
    """Return the fields of the words of each memory, in the order of their numbers.

    Parameters
    ----------
    format : str
        One of :data:`FORMATS`.
    slots, weight_bits : int
        Neurons of a lane, width of a weight.
    depth : int
        Words of the entries, or weights, of the lane that has most.
    flagged : bool
        Whether ``dense`` has the bit ``alive``.
    """
    start = ("start", (depth - 1).bit_length())
    weight = ("weight", weight_bits)
    match format:
        case "list":
            slot = ("slot", (slots - 1).bit_length())
            return {"pointers": (start, ("none", 1)), "entries": (weight, slot)}
        case "bitmap":
            return {"rows": (("alive", slots), start), "weights": (weight,)}
        case _:
            return {"weights": (weight, ("alive", 1)) if flagged else (weight,)}


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
    weights: npt.NDArray[np.uint8], alive: npt.NDArray[np.bool_], weight_bits: int
) -> None:
    for name, array, dtype in (("Weights", weights, np.uint8), ("Alive", alive, np.bool_)):
        if not isinstance(array, np.ndarray) or array.dtype != dtype:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise TypeError(f"{name} must be an array of {np.dtype(dtype)}, not {kind}")
    if weights.ndim != 2 or weights.shape != alive.shape or weights.size == 0:
        raise ValueError(
            "Weights and alive must have one shape (inputs, neurons), but got "
            f"weights: {weights.shape}, alive: {alive.shape}"
        )
    if (largest := int(weights.max())) > max_of(weight_bits):
        raise ValueError(
            f"Weights must be in 0..{max_of(weight_bits)} for weight_bits={weight_bits}, "
            f"not {largest}"
        )
    if np.any(weights[~alive]):
        pre, post = np.argwhere(~alive & (weights != 0))[0].tolist()
        raise ValueError(f"weights[{pre}, {post}] must be 0 because it is pruned")


def _dtype(bits: int) -> type[Any]:
    return np.int64 if bits <= _INT64_BITS else object


def _masks(alive: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Return each row as one integer, slot 0 in the least significant bit."""
    packed = np.packbits(alive, axis=1, bitorder="little")
    return np.array([int.from_bytes(row.tobytes(), "little") for row in packed], dtype=object)


def _memory(
    name: str, fields: Fields, values: Mapping[str, npt.NDArray[Any]], capacity: int
) -> Memory:
    """Pack fields into words; fill up with 0."""
    dtype = _dtype(sum(bits for _, bits in fields))
    word: Any = 0
    offset = 0
    for field, bits in fields:
        word = word + (values[field].astype(dtype) << offset)
        offset += bits
    words = word.tolist()
    words += [0] * (max(1, capacity) - len(words))
    return Memory(name=name, fields=fields, words=tuple(words))


def _spread(
    pre: npt.NDArray[np.int64], start: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return pre and address of every entry of many runs."""
    before = np.cumsum(lengths) - lengths
    address = np.arange(int(lengths.sum())) + np.repeat(start - before, lengths)
    return np.repeat(pre, lengths), address
