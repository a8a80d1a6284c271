"""Which component fetches from a packed store, by the format of its image."""

from __future__ import annotations

from collections.abc import Mapping

from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.synapses.bitmask import BitmaskStore
from prunus_rtl.synapses.csr import CsrStore
from prunus_rtl.synapses.packed import PackedStore
from prunus_rtl.synapses.raw import RawStore
from prunus_rtl.synapses.spram import CsrSpramStore

__all__ = ["COMPONENTS", "packed_store"]

#: For each format and use of SPRAM, the component.
COMPONENTS: Mapping[tuple[str, bool], type[PackedStore]] = {
    ("csr", False): CsrStore,
    ("csr", True): CsrSpramStore,
    ("bitmask", False): BitmaskStore,
    ("bitmask", True): BitmaskStore,
    ("dense", False): RawStore,
    ("dense", True): RawStore,
}


def packed_store(*, image: LaneImage, spram: bool = False) -> PackedStore:
    """Return the packed store of a lane.

    Parameters are those of :class:`prunus_rtl.synapses.packed.PackedStore`.

    Raises
    ------
    TypeError
        If ``image`` is not a :class:`prunus_rtl.memory_image.image.LaneImage`, or ``spram`` is not
        a bool.
    """
    if not isinstance(image, LaneImage):
        raise TypeError(f"Image must be a LaneImage, not {image!r}")
    if not isinstance(spram, bool):
        raise TypeError(f"Use of SPRAM must be a bool, not {spram!r}")
    return COMPONENTS[image.format, spram](image=image, spram=spram)
