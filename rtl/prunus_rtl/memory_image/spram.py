"""SPRAM of an iCE40UP5K: what a lane has room for."""

from __future__ import annotations

from prunus_rtl.memory_image.image import LaneImage

__all__ = ["SPRAM_WORDS", "spram_room"]

#: Words of a SPRAM, of 16 bits each.
SPRAM_WORDS = 16384


def spram_room(image: LaneImage) -> int:
    """Return how many entries, or weights, a lane with this image has room for in its SPRAMs."""
    # In the format CSR the row pointers are there too.
    others = image.memories[0].depth if image.format == "csr" else 0
    words = image.memories[-1].depth + others
    return -(-words // SPRAM_WORDS) * SPRAM_WORDS - others
