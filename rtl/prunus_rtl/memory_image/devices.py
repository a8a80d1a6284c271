"""Memory blocks of devices, and how memories fit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prunus_rtl.memory_image.memory import banks

__all__ = ["DEVICES", "BlockRam", "Device", "Fit", "Multipliers"]


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

    def blocks(self, *, width: int, depth: int) -> int:
        """Return how many blocks a memory takes, all in the best mode for it."""
        return min(-(-width // bits) * -(-depth // words) for bits, words in self.shapes)

    def banked_blocks(self, *, width: int, depth: int) -> int:
        """Return how many blocks a memory takes in banks, or in one if that is less."""
        parts = sum(self.blocks(width=width, depth=bank) for bank in banks(depth))
        return min(self.blocks(width=width, depth=depth), parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipliers:
    """Multiplier blocks of a device.

    Parameters
    ----------
    count, bits : int
        How many there are, and the width of both factors of one, without sign.
    """

    count: int
    bits: int

    def blocks(self, first: int, second: int) -> int:
        """Return how many blocks the product of factors of these widths takes."""
        return -(-first // self.bits) * -(-second // self.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How memories fit a device.

    Attributes
    ----------
    device : str
        Name of the device.
    bits : int
        Bits of the blocks taken: rounded up to whole blocks.
    missing_bits : int
        Bits of the blocks that the device has too few; 0 if all fit.
    """

    device: str
    bits: int
    missing_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Memory and multiplier blocks of a device.

    Parameters
    ----------
    name : str
        Name of the device.
    kinds : tuple of BlockRam
        Kinds of blocks; the largest memories take the first kind that has room.
    multipliers : Multipliers
        Multiplier blocks. Default: none.
    lut_ram : bool
        Whether small memories may be made of LUTs.
    """

    name: str
    kinds: tuple[BlockRam, ...]
    multipliers: Multipliers = Multipliers(count=0, bits=1)
    lut_ram: bool = True

    def style_refusal(self, style: str) -> str:
        """Return why no memory can be of a style here, as the end of a message; empty if it can."""
        if self.lut_ram or style != "distributed":
            return ""
        return f", which has no LUT RAM, not {style!r}"

    @property
    def bits(self) -> int:
        """Bits of all blocks."""
        return sum(kind.count * kind.bits for kind in self.kinds)

    def fit(self, memories: Iterable[tuple[int, int]]) -> Fit:
        """Place memories of these widths and depths, the largest first."""
        free = [kind.count for kind in self.kinds]
        taken = 0
        for width, depth in sorted(memories, key=lambda memory: -memory[0] * memory[1]):
            needs = [kind.banked_blocks(width=width, depth=depth) for kind in self.kinds]
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
        Device(
            name="ECP5-85F",
            kinds=(_kilobits(208, kbit=18, shapes=_18K),),
            multipliers=Multipliers(count=156, bits=18),
        ),
        Device(
            name="ECP5-25F",
            kinds=(_kilobits(56, kbit=18, shapes=_18K),),
            multipliers=Multipliers(count=28, bits=18),
        ),
        Device(
            name="UP5K",
            kinds=(
                _kilobits(4, kbit=256, shapes=((16, 16384),)),
                _kilobits(30, kbit=4, shapes=_4K),
            ),
            multipliers=Multipliers(count=8, bits=16),
            lut_ram=False,
        ),
        Device(
            name="GW1NR-9",
            kinds=(_kilobits(26, kbit=18, shapes=_18K),),
            multipliers=Multipliers(count=20, bits=18),
        ),
    )
}
