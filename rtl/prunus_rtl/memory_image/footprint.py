"""How many bits the packed store needs in each format, and the format to choose.

What is stored: :mod:`prunus_rtl.memory_image.store_formats`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_rtl.memory_image.devices import DEVICES, Fit
from prunus_rtl.memory_image.image import pack
from prunus_rtl.memory_image.store_formats import FORMATS

__all__ = ["StoreRow", "StoreTable", "choose", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """Size of the store in one format, without the other memories of a core.

    Attributes
    ----------
    format : str
        One of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    lane_bits : tuple of int
        Raw bits of each lane.
    fits : tuple of Fit
        How it fits each of :data:`prunus_rtl.memory_image.devices.DEVICES`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """Sizes of a store in all formats; as text, a table.

    Attributes
    ----------
    rows : tuple of StoreRow
        One for each of :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
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
    weights: npt.NDArray[np.uint8] | npt.NDArray[np.int8],
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
        sizes = [(m.width, m.depth) for lane in image.lanes for m in lane.memories]
        rows.append(
            StoreRow(
                format=format,
                lane_bits=tuple(lane.bits for lane in image.lanes),
                fits=tuple(device.fit(sizes) for device in DEVICES.values()),
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
        One of :data:`prunus_rtl.memory_image.devices.DEVICES`: the fewest missing bits,
        then the fewest bits of whole blocks, win.

    Returns
    -------
    str
        Among equals (all, without a device) the format with the fewest raw bits, then the first of
        :data:`prunus_rtl.memory_image.store_formats.FORMATS`.
    """

    def size(row: StoreRow) -> tuple[int, int, int]:
        fit = row.fit(device) if device is not None else None
        return (fit.missing_bits if fit else 0, fit.bits if fit else 0, row.bits)

    return min(table.rows, key=size).format
