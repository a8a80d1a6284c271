"""Layout of the packed store of a core: how a host loads a network into it, and reads it back.

A core is built for memories of some depth. Any network of the same sizes whose unpruned synapses
fit can be loaded word by word through the memory port (``Space.STORE`` of
:mod:`prunus_rtl.hardware`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict

from prunus_model.common.errors import ConfigError
from prunus_model.spec.formats import WEIGHT_BITS_MAX
from prunus_rtl.memory_image.image import LaneImage, StoreImage, by_lane, pack
from prunus_rtl.memory_image.memory import LANES_MAX, Fields, Memory
from prunus_rtl.memory_image.spram import SPRAM_WORDS
from prunus_rtl.memory_image.store_formats import FORMATS

__all__ = ["StoreLayout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLayout:
    """All of a packed store but its contents.

    A word is addressed by, from the least significant bit on, its index in its memory, the number
    of the memory (as in :meth:`prunus_rtl.memory_image.image.LaneImage.writes`), and the lane.

    Parameters
    ----------
    format : str
        One of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    inputs, slots, weight_bits : int
        Inputs of the network, neurons that a lane has room for, width of a weight.
    depths : tuple of tuple of int
        For each lane, the words of each of its memories.
    flagged : bool
        Whether words of the format ``dense`` have the bit ``alive``. No other format has it.

    Raises
    ------
    ValueError
        If there is no such format, if a number is out of range, or if the memories are not those
        of the format.

    Examples
    --------
    >>> weights = np.array([[3, 0, 5], [0, 2, 0]], dtype=np.uint8)
    >>> image = pack(weights, weights > 0, format="csr", lanes=2, weight_bits=3, capacity=4)
    >>> layout = StoreLayout.of(image.lanes)
    >>> layout.depths, layout.width, layout.address(1, 0, 1)
    (((3, 4), (3, 4)), 4, 9)
    >>> other = layout.pack(weights * 2 % 8, weights > 0)
    >>> words = dict(layout.writes(other))
    >>> layout.images(words[address] for address in layout.addresses()) == other.lanes
    True
    """

    format: str
    inputs: int
    slots: int
    weight_bits: int
    depths: tuple[tuple[int, ...], ...]
    flagged: bool = True

    #: How these are checked where they are read from a file.
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {self.format!r}")
        for name, value, most in (
            ("inputs", self.inputs, 1 << 16),
            ("slots", self.slots, 1 << 16),
            ("weight_bits", self.weight_bits, WEIGHT_BITS_MAX),
            ("lanes of depths", len(self.depths), LANES_MAX),
        ):
            if not 1 <= value <= most:
                raise ValueError(f"{name} must be in 1..{most}, not {value}")
        *first, last = FORMATS[self.format].depths(inputs=self.inputs, slots=self.slots)
        # The last of several has as many words as are needed, and up to a whole SPRAM.
        least, most = (1, last + SPRAM_WORDS) if first else (last, last)
        for lane, depths in enumerate(self.depths):
            *others, depth = depths or (0,)
            if others != first or not least <= depth <= most:
                raise ValueError(
                    f"depths of lane {lane} must be {[*first, f'{least}..{most}']}, "
                    f"not {list(depths)}"
                )

    @classmethod
    def of(cls, lanes: Sequence[LaneImage]) -> StoreLayout:
        """Return the layout of a core that is built of images.

        Raises
        ------
        ValueError
            If there are none, or two differ in anything but their words.
        """
        if not lanes:
            raise ValueError("Images must be one for each lane, but there are none")
        first = lanes[0]
        layout = cls(
            format=first.format,
            inputs=first.inputs,
            slots=first.slots,
            weight_bits=first.weight_bits,
            depths=tuple(tuple(memory.depth for memory in lane.memories) for lane in lanes),
            flagged=first.format != "dense" or "alive" in dict(first["weights"].fields),
        )
        for number, lane in enumerate(lanes):
            got = {memory.name: memory.fields for memory in lane.memories}
            if lane.format != first.format or got != layout.fields:
                raise ValueError(
                    f"Image of lane {number} must have format {first.format} with fields "
                    f"{layout.fields}, not {lane.format} with {got}"
                )
        return layout

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return len(self.depths)

    @property
    def fields(self) -> dict[str, Fields]:
        """Fields of the words of each memory, in the order of their numbers."""
        return FORMATS[self.format].fields(
            slots=self.slots,
            weight_bits=self.weight_bits,
            depth=max(depths[-1] for depths in self.depths),
            flagged=self.flagged,
        )

    @property
    def width(self) -> int:
        """Width of the widest word."""
        return max(sum(bits for _, bits in fields) for fields in self.fields.values())

    @property
    def word_bits(self) -> int:
        """Width of the index of a word in its memory."""
        return (max(map(max, self.depths)) - 1).bit_length()

    @property
    def memory_bits(self) -> int:
        """Width of the number of a memory."""
        return (len(self.depths[0]) - 1).bit_length()

    @property
    def lane_bits(self) -> int:
        """Width of the number of a lane."""
        return (self.lanes - 1).bit_length()

    @property
    def address_bits(self) -> int:
        """Width of an address."""
        return self.word_bits + self.memory_bits + self.lane_bits

    def address(self, lane: int, memory: int, word: int) -> int:
        """Return the address of a word."""
        return (lane << self.memory_bits | memory) << self.word_bits | word

    @property
    def end(self) -> int:
        """Address behind the last word: at most 2 ** ``address_bits``, which has one bit more."""
        memory = len(self.depths[-1]) - 1
        return self.address(self.lanes - 1, memory, self.depths[-1][-1] - 1) + 1

    def addresses(self) -> Iterator[int]:
        """Yield the addresses of all words, in ascending order."""
        for lane, depths in enumerate(self.depths):
            for memory, depth in enumerate(depths):
                yield from (self.address(lane, memory, word) for word in range(depth))

    def pack(
        self,
        weights: npt.NDArray[np.uint8] | npt.NDArray[np.int8],
        alive: npt.NDArray[np.bool_],
        *,
        position: npt.NDArray[np.int64] | None = None,
    ) -> StoreImage:
        """Pack a network for this core: all words of all its memories.

        Parameters
        ----------
        weights, alive, position
            As of :func:`prunus_rtl.memory_image.image.pack`.

        Returns
        -------
        StoreImage

        Raises
        ------
        ConfigError
            If the network has other sizes, or too many unpruned synapses: tells in which lane, and
            how many words are missing.
        TypeError, ValueError
            As :func:`prunus_rtl.memory_image.image.pack`.
        """
        unpruned = by_lane(alive, self.lanes, position)
        if unpruned.shape[:2] != (self.inputs, self.slots):
            raise ConfigError(
                f"Network must have {self.inputs} inputs, and {self.slots} neurons in the fullest "
                f"of {self.lanes} lanes, not {unpruned.shape[0]} and {unpruned.shape[1]}"
            )
        if not (self.flagged or unpruned.all()):
            raise ConfigError("Every synapse must be unpruned, because words have no bit for it")
        room = np.array([depths[-1] for depths in self.depths])
        if self.format != "dense":
            need = unpruned.sum(axis=(0, 1))
            lane = int(np.argmax(need - room))
            if need[lane] > room[lane]:
                raise ConfigError(
                    f"Unpruned synapses of lane {lane} must fit {room[lane]} words, not be "
                    f"{need[lane]}: {need[lane] - room[lane]} words are missing"
                )
        image = pack(
            weights,
            alive,
            format=self.format,
            lanes=self.lanes,
            weight_bits=self.weight_bits,
            position=position,
            capacity=int(room.max()),
            flagged=self.flagged,
        )
        # Lanes were filled up to the deepest; what exceeds the others is padding.
        images = (
            self._image(lane, [memory.words for memory in image.lanes[lane].memories])
            for lane in range(self.lanes)
        )
        return StoreImage(format=self.format, position=image.position, lanes=tuple(images))

    def writes(self, image: StoreImage) -> Iterator[tuple[int, int]]:
        """Yield (address, word) of all words of an image that :meth:`pack` has made.

        Raises
        ------
        ValueError
            If the image has another layout.
        """
        if (other := StoreLayout.of(image.lanes)) != self:
            raise ValueError(f"Image must have the layout {self}, not {other}")
        for lane, part in enumerate(image.lanes):
            for memory, index, word in part.writes():
                yield self.address(lane, memory, index), word

    def images(self, words: Iterator[int] | Sequence[int]) -> tuple[LaneImage, ...]:
        """Put together what was read, in the order of :meth:`addresses`."""
        rest = iter(words)
        return tuple(
            self._image(lane, [[next(rest) for _ in range(depth)] for depth in depths])
            for lane, depths in enumerate(self.depths)
        )

    def _image(self, lane: int, contents: Sequence[Sequence[int]]) -> LaneImage:
        """Return the image of a lane; words beyond its memories are dropped."""
        memories = tuple(
            Memory(name=name, fields=fields, words=tuple(words[:depth]))
            for (name, fields), words, depth in zip(
                self.fields.items(), contents, self.depths[lane], strict=True
            )
        )
        return LaneImage(
            format=self.format,
            inputs=self.inputs,
            slots=self.slots,
            weight_bits=self.weight_bits,
            memories=memories,
        )
