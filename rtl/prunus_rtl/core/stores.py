"""Synapse stores of the lanes, and the ways to them from elsewhere than the lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring

from prunus_model.spec.state import State
from prunus_rtl.bus.memory_port import MemoryPort
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.bus.store_port import StorePort
from prunus_rtl.hardware import Space
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.memory_image.image import LaneImage
from prunus_rtl.memory_image.two_complement import words_of_signed
from prunus_rtl.neurons.array import Membrane
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.columns import Columns
from prunus_rtl.synapses.components import packed_store
from prunus_rtl.synapses.dense import LearningStore

__all__ = ["build_store_access", "build_stores"]


def build_stores(
    m: Module,
    shapes: Shapes,
    queue: BroadcastQueue,
    membrane: Membrane | FeedforwardMembrane,
    *,
    state: State | None,
    images: Sequence[LaneImage] | None,
) -> list[Any]:
    """Build the synapse store of each lane between its queue and its membranes.

    Parameters
    ----------
    m : Module
        Module of the core.
    shapes : Shapes
        Shapes of the core.
    queue, membrane
        Units of the core before and behind the stores.
    state : State, optional
        Initial contents of stores that learn. Default: all 0, nothing alive.
    images : sequence of LaneImage, optional
        Layout and contents of packed stores, one for each lane.

    Returns
    -------
    list
        Stores, by lane.
    """
    lanes, slots = shapes.hardware.lanes, shapes.slots
    stores: list[Any] = []
    for k in range(lanes):
        if shapes.hardware.store == "packed" and images is not None:
            store = packed_store(image=images[k], spram=shapes.hardware.spram)
        else:
            contents: dict[str, Any] = {}
            if state is not None:
                for name in ("weights", "alive"):
                    column = getattr(state, name)[:, k::lanes]
                    if name == "weights":
                        column = words_of_signed(column, shapes.network.weight_bits)
                    contents[name] = np.pad(column, ((0, 0), (0, slots - column.shape[1])))
            store = LearningStore(shapes=shapes, **contents)
        m.submodules[f"store{k}"] = store
        wiring.connect(m, queue.o[k], store.pre)
        wiring.connect(m, store.synapse, membrane.synapses[k])
        stores.append(store)
    return stores


def build_store_access(m: Module, shapes: Shapes, port: MemoryPort, stores: list[Any]) -> None:
    """Let the memory port, and the learning sweep, reach the synapse stores of all lanes.

    The sweep reaches them through the unit ``columns``, which cores that learn have.
    """
    if shapes.hardware.store == "learning":
        m.submodules.columns = columns = Columns(shapes=shapes)
        if Space.SYNAPSES in spaces(shapes):
            wiring.connect(m, port.synapses, columns.access)
        for k, store in enumerate(stores):
            wiring.connect(m, columns.columns[k], store.column)
    elif shapes.store is not None and Space.STORE in spaces(shapes):
        shown = Space.STORE in readable(shapes)
        m.submodules.store_port = store_port = StorePort(layout=shapes.store, readable=shown)
        wiring.connect(m, port.store, store_port.access)
        for k, store in enumerate(stores):
            m.d.comb += [
                store.write.enable.eq(store_port.enable[k] & store_port.write),
                store.write.memory.eq(store_port.memory),
                store.write.address.eq(store_port.address),
                store.write.data.eq(store_port.data),
            ]
            if shown:
                m.d.comb += [
                    store.read.eq(store_port.enable[k] & ~store_port.write),
                    store_port.words[k].eq(store.word),
                ]
