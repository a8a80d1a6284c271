"""How many bits the packed store needs in each format, and which devices it fits.

What is stored: :mod:`prunus_rtl.memory_image.image`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ConfigError
from prunus_rtl.memory_image.image import FORMATS, Memory, StoreImage, banks, pack

__all__ = [
    "DEVICES",
    "BlockRam",
    "Device",
    "Fit",
    "StoreRow",
    "StoreTable",
    "choose",
    "table",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRam:
    """One kind of memory block of a device.

    Parameters
    ----------
    count, bits : int
        How many there are, and bits of one.
    shapes : tuple of (int, int)
        (width, depth) of a block, in each of its modes.
    """

    count: int
    bits: int
    shapes: tuple[tuple[int, int], ...]

    def blocks(self, memory: Memory) -> int:
        """Return how many blocks a memory takes, all in the best mode for it."""
        return self._blocks(memory.width, memory.depth)

    def banked_blocks(self, memory: Memory) -> int:
        """Return how many blocks a memory takes in banks, or in one if that is less."""
        parts = sum(self._blocks(memory.width, depth) for depth in banks(memory.depth))
        return min(self.blocks(memory), parts)

    def _blocks(self, width: int, depth: int) -> int:
        return min(-(-width // bits) * -(-depth // words) for bits, words in self.shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a store fits a device.

    Attributes
    ----------
    device : str
        Name of the device.
    bits : int
        Bits of the blocks taken: rounded up to whole blocks.
    missing_bits : int
        Bits of the blocks that the device has too few; 0 if the store fits.
    """

    device: str
    bits: int
    missing_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Memory blocks of a device. Nothing is set aside for the other memories of a core.

    Parameters
    ----------
    name : str
        Name of the device.
    kinds : tuple of BlockRam
        Kinds of blocks; the largest memories take the first kind that has room.
    """

    name: str
    kinds: tuple[BlockRam, ...]

    def fit(self, image: StoreImage) -> Fit:
        """Place all memories, the largest first."""
        free = [kind.count for kind in self.kinds]
        memories = [memory for lane in image.lanes for memory in lane.memories]
        taken = 0
        for memory in sorted(memories, key=lambda memory: -memory.bits):
            needs = [kind.banked_blocks(memory) for kind in self.kinds]
            roomy = [n for n, need in enumerate(needs) if need <= free[n]]
            costs = [need * kind.bits for need, kind in zip(needs, self.kinds, strict=True)]
            n = roomy[0] if roomy else int(np.argmin(costs))
            free[n] -= needs[n]
            taken += costs[n]
        missing = sum(
            max(0, -left) * kind.bits for left, kind in zip(free, self.kinds, strict=True)
        )
        return Fit(device=self.name, bits=taken, missing_bits=missing)


def _kilobits(count: int, *, kbit: int, shapes: Sequence[tuple[int, int]]) -> BlockRam:
    return BlockRam(count=count, bits=kbit * 1024, shapes=tuple(shapes))


_18K = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
_4K = ((2, 2048), (4, 1024), (8, 512), (16, 256))
#: Devices by name.
DEVICES: Mapping[str, Device] = {
    device.name: device
    for device in (
        Device(name="ECP5-85F", kinds=(_kilobits(208, kbit=18, shapes=_18K),)),
        Device(name="ECP5-25F", kinds=(_kilobits(56, kbit=18, shapes=_18K),)),
        Device(
            name="UP5K",
            kinds=(
                _kilobits(4, kbit=256, shapes=((16, 16384),)),
                _kilobits(30, kbit=4, shapes=_4K),
            ),
        ),
        Device(name="GW1NR-9", kinds=(_kilobits(26, kbit=18, shapes=_18K),)),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """Size of the store in one format.

    Attributes
    ----------
    format : str
        One of :data:`FORMATS`.
    lane_bits : tuple of int
        Raw bits of each lane.
    fits : tuple of Fit
        How it fits each of :data:`DEVICES`.
    """

    format: str
    lane_bits: tuple[int, ...]
    fits: tuple[Fit, ...]

    @property
    def bits(self) -> int:
        """Raw bits of all lanes."""
        return sum(self.lane_bits)

    def fit(self, device: str) -> Fit:
        """Return how it fits a device."""
        return {fit.device: fit for fit in self.fits}[device]

    def check_fit(self, device: str) -> None:
        """Raise ConfigError, which says how many bits are missing, if it does not fit a device."""
        if missing := self.fit(device).missing_bits:
            capacity = sum(kind.count * kind.bits for kind in DEVICES[device].kinds)
            raise ConfigError(
                f"Store must fit the {capacity} bits of memory blocks of {device}, not take "
                f"{self.fit(device).bits} bits in format {self.format}: {missing} bits are missing"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """Sizes of a store in all formats; as text, a table.

    Attributes
    ----------
    rows : tuple of StoreRow
        One for each of :data:`FORMATS`.
    """

    rows: tuple[StoreRow, ...]

    def row(self, format: str) -> StoreRow:
        """Return the row of a format."""
        return {row.format: row for row in self.rows}[format]

    def __str__(self) -> str:
        lines = [f"{'format':<8}{'bits':>10}{'largest lane':>14}"]
        lines[0] += "".join(f"{name:>22}" for name in DEVICES)
        for row in self.rows:
            line = f"{row.format:<8}{row.bits:>10}{max(row.lane_bits):>14}"
            for fit in row.fits:
                text = f"{fit.missing_bits} missing" if fit.missing_bits else f"{fit.bits} fits"
                line += f"{text:>22}"
            lines.append(line)
        return "\n".join(lines)


def table(
    weights: npt.NDArray[np.uint8],
    alive: npt.NDArray[np.bool_],
    *,
    lanes: int,
    weight_bits: int,
    position: npt.NDArray[np.int64] | None = None,
) -> StoreTable:
    """Return the exact sizes of a store in all formats. Arguments as of :func:`pack`."""
    rows = []
    for format in FORMATS:
        image = pack(
            weights, alive, format=format, lanes=lanes, weight_bits=weight_bits, position=position
        )
        rows.append(
            StoreRow(
                format=format,
                lane_bits=tuple(lane.bits for lane in image.lanes),
                fits=tuple(device.fit(image) for device in DEVICES.values()),
            )
        )
    return StoreTable(rows=tuple(rows))


def choose(table: StoreTable, device: str | None = None) -> str:
    """Choose a format.

    Parameters
    ----------
    table : StoreTable
        Sizes.
    device : str, optional
        One of :data:`DEVICES`: the fewest missing bits, then the fewest bits of whole blocks, win.

    Returns
    -------
    str
        Among equals (all, without a device) the format with the fewest raw bits, then the first of
        :data:`FORMATS`.
    """

    def size(row: StoreRow) -> tuple[int, int, int]:
        fit = row.fit(device) if device is not None else None
        return (fit.missing_bits if fit else 0, fit.bits if fit else 0, row.bits)

    return min(table.rows, key=size).format
