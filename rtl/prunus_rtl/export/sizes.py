"""Which devices the memories of a core fit."""

from __future__ import annotations

from collections.abc import Sequence

from prunus_model.common.errors import ConfigError
from prunus_rtl.counts.memories import MemoryUse
from prunus_rtl.memory_image.devices import DEVICES, Fit

__all__ = ["check_device", "device_fits"]


def device_fits(memories: Sequence[MemoryUse]) -> list[Fit]:
    """Place all memories of a core, other than those made of logic, in each device."""
    placed = [
        (memory.width, depth)
        for memory in memories
        for depth in memory.depths
        if memory.in_blocks(depth)
    ]
    return [device.fit(placed) for device in DEVICES.values()]


def check_device(memories: Sequence[MemoryUse], device: str | None) -> None:
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
