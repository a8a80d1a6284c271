"""Test of the memories of a device, with their contents put back."""

from __future__ import annotations

from typing import Any

import numpy as np

from prunus_boards.driver.contents import Words, blocks
from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.link import RefusedError
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.requests import NO_NETWORK, DeviceError, Requests
from prunus_boards.driver.selftest.march import March
from prunus_boards.driver.selftest.result import FaultError, check_time
from prunus_model.common.errors import PrunusError
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.hardware import Space
from prunus_rtl.widths import Widths

__all__ = ["check_memories", "parts", "restore"]


def check_memories(
    requests: Requests, widths: Widths, deadline: Deadline
) -> tuple[str, dict[str, Any]]:
    """March through every memory that the core lets a host read, and put its contents back.

    The device forgets which network it holds first, and is told again when all words are back: so
    what was interrupted is never taken for a network.

    Returns
    -------
    text, figures
        What was tested, and words and accesses of each space.

    Raises
    ------
    FaultError
        At the first word that is wrong; after the contents were put back as far as they can be.
    """
    memories = Memories(requests, widths)
    network = requests.identify().network
    kept: Words = {}
    for space in sorted(readable(widths)):
        check_time(deadline, f"{len(kept)} of {len(readable(widths))} memories read")
        kept[space] = _read(memories, widths, space)
    requests.name_network(NO_NETWORK)
    figures: dict[str, Any] = {}
    fault: PrunusError | None = None
    for space in kept:
        marches = [
            March(memories, space, bits, spans, deadline) for bits, spans in parts(widths, space)
        ]
        try:
            for march in marches:
                march.run()
        except (FaultError, RefusedError, DeviceError) as e:
            fault = e
        finally:
            restore(memories, widths, {space: kept[space]})
        figures[space.name] = {
            "words": sum(march.words for march in marches),
            "accesses": sum(march.accesses for march in marches),
        }
        if fault is not None:
            break
    # All of them again: a memory may have been changed by way of another.
    wrong = [
        f"{space.name}[{at}] is {have[at]:#x}, not {kept[space][at]:#x}"
        for space in kept
        for have in [_read(memories, widths, space)]
        for at in np.flatnonzero(have != kept[space])[:1]
    ]
    if not wrong:
        requests.name_network(network)
    if fault is not None:
        left = "; contents could not be put back, load a network" if wrong else ""
        raise FaultError(f"{fault}{left}")
    if wrong:
        raise FaultError(
            f"memories must hold what they held when all is written back, but {wrong[0]}; "
            f"load a network"
        )
    words = sum(figure["words"] for figure in figures.values())
    text = f"{words:,} words of {', '.join(figures)}"
    if widths.hardware.host_access != "all":
        text += f"; others skipped, which host_access {widths.hardware.host_access} does not show"
    elif {Space.SYNAPSES, Space.STORE}.isdisjoint(kept):
        text += "; synapses skipped, whose words are too wide for the memory port"
    return text, figures


def parts(widths: Widths, space: Space) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the words of a space that are equally wide: their bits, and where they are.

    Only those of a packed store differ: each lane has several memories, with words of their own.
    The port has the width of the widest, and bits that a memory does not have read as 0.
    """
    store = widths.store
    if space is not Space.STORE or store is None:
        return [(spaces(widths)[space][1], list(blocks(widths, space)))]
    return [
        (
            sum(bits for _, bits in fields),
            [
                (store.address(lane, memory, 0), depths[memory])
                for lane, depths in enumerate(store.depths)
            ],
        )
        for memory, fields in enumerate(store.fields.values())
    ]


def restore(memories: Memories, widths: Widths, words: Words) -> None:
    """Write what some spaces held."""
    for space, values in words.items():
        for first, count in blocks(widths, space):
            memories.write(space, first, values[first : first + count])


def _read(memories: Memories, widths: Widths, space: Space) -> Any:
    words = np.zeros(spaces(widths)[space][2], dtype=np.int64)
    for first, count in blocks(widths, space):
        words[first : first + count] = memories.read(space, first, count)
    return words
