"""Driver in C of a core on a bus: bare metal, no memory of its own."""

from __future__ import annotations

from prunus_rtl.bus.fields import Field
from prunus_rtl.bus.registers import COUNTS, MAGIC, MAP_VERSION, REGISTERS
from prunus_rtl.export.template import fill
from prunus_rtl.hardware import Space

__all__ = ["FOLDER", "driver_files"]

#: Where it is, in a package.
FOLDER = "driver"


def driver_files() -> dict[str, str]:
    """Return header and source, by name. They are the same for all cores."""
    header = fill(
        "soc/prunus.h.j2",
        version=MAP_VERSION,
        registers=REGISTERS,
        mask=_mask,
        spaces=list(Space),
        counts=COUNTS,
    )
    source = fill("soc/prunus.c.j2", magic=f"0x{MAGIC:08X}u", version=MAP_VERSION, counts=COUNTS)
    return {f"{FOLDER}/prunus.h": header, f"{FOLDER}/prunus.c": source}


def _mask(field: Field) -> int:
    return ((1 << field.width) - 1) << field.lsb
