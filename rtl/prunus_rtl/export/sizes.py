"""How many bits the memories of a core take, and which devices they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prunus_model.common.errors import ConfigError
from prunus_rtl.export.netlist import MemoryImage
from prunus_rtl.memory_image.devices import DEVICES, Fit
from prunus_rtl.memory_image.image import LaneImage, StoreImage
from prunus_rtl.memory_image.memory import Memory

__all__ = ["LOGIC_BITS", "MemoryRow", "check_device", "device_fits", "memory_rows"]

#: Memories of fewer bits are made of logic (LUT RAM, flip-flops) and take no block.
LOGIC_BITS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """All memories of one kind, in all lanes.

    Attributes
    ----------
    kind : str
        Name without the numbers of lanes.
    count : int
        How many there are.
    width : int
        Bits of a word.
    shallowest, deepest : int
        Fewest and most words that one has.
    bits : int
        Bits of all together.
    logic : bool
        Whether each is so small that it takes no block.
    """

    kind: str
    count: int
    width: int
    shallowest: int
    deepest: int
    bits: int
    logic: bool


def memory_rows(memories: Sequence[MemoryImage]) -> list[MemoryRow]:
    """Return one row for each kind of memory, the largest first."""
    kinds: dict[tuple[str, int], list[MemoryImage]] = {}
    for memory in memories:
        kinds.setdefault((memory.kind, memory.width), []).append(memory)
    rows = [
        MemoryRow(
            kind=kind,
            count=len(group),
            width=width,
            shallowest=min(memory.depth for memory in group),
            deepest=max(memory.depth for memory in group),
            bits=sum(memory.bits for memory in group),
            logic=all(memory.bits < LOGIC_BITS for memory in group),
        )
        for (kind, width), group in kinds.items()
    ]
    return sorted(rows, key=lambda row: (-row.bits, row.kind))


def device_fits(memories: Sequence[MemoryImage]) -> list[Fit]:
    """Place all memories of the core, other than those made of logic, in each device."""
    placed = tuple(
        Memory(name=memory.name, fields=(("word", memory.width),), words=memory.words)
        for memory in memories
        if memory.bits >= LOGIC_BITS
    )
    # To the device, a core is one lane with many memories.
    lane = LaneImage(format="dense", inputs=1, slots=1, weight_bits=1, memories=placed)
    image = StoreImage(format="dense", position=np.arange(1), lanes=(lane,))
    return [device.fit(image) for device in DEVICES.values()]


def check_device(memories: Sequence[MemoryImage], device: str | None) -> None:
    """Check that the core fits the device that was asked for.

    Raises
    ------
    ConfigError
        In one line, with the bits that are missing.
    """
    for fit in device_fits(memories):
        if fit.device == device and fit.missing_bits:
            raise ConfigError(
                f"Memories must fit the {DEVICES[device].bits} bits of memory blocks of {device}, "
                f"not take {fit.bits} bits: {fit.missing_bits} bits are missing"
            )
