"""Elaborates cores with every option, so that a mutant that is no hardware is not judged.

The host link is not elaborated here, as that needs a trained network: a mutant of it that is no
hardware fails in its tests, and counts as killed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from amaranth.back import rtlil

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import ConstantPruning, NoPruning
from prunus_model.spec.state import State
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions
from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.synapses.components import packed_store
from prunus_sim.simulator.ports import ports_of

__all__ = ["elaborate_all"]

_LIVELY = replace(NetworkConfig.named("tiny"), inputs=10, neurons=5)


def elaborate_all() -> None:
    """Elaborate cores that have every unit with every option; raise whatever that raises."""
    for core in _cores():
        rtlil.convert(core, emit_src=False, platform=Collisions())
    for image in (_images(fmt)[0] for fmt in FORMATS):
        store = packed_store(image=image, spram=True)
        rtlil.convert(store, ports=ports_of(store), emit_src=False)


def _cores() -> Iterator[Core]:
    """Yield cores, each when the one before is elaborated."""
    yield Core(network=_LIVELY, hardware=HardwareConfig(lanes=2))
    yield Core(
        network=replace(_LIVELY, pruning=ConstantPruning(w_prune=9)),
        hardware=HardwareConfig(lanes=4, multiplier="dsp", source="events"),
    )
    yield Core(
        network=replace(_LIVELY, inputs=2, neurons=1, pruning=NoPruning()),
        hardware=HardwareConfig(lanes=1, queue_depth=2, event_depth=2),
    )
    yield Core(network=_LIVELY, hardware=HardwareConfig(lanes=1, learn=False))
    hardware = HardwareConfig(lanes=2, learn=False, store="packed")
    for fmt in FORMATS:
        state = State.initial(_LIVELY)
        yield Core(network=_LIVELY, hardware=hardware, state=state, images=_images(fmt))


def _images(fmt: str) -> Sequence[LaneImage]:
    """Return contents of a packed store of two lanes; no synapse of one input is alive."""
    alive = np.ones((_LIVELY.inputs, _LIVELY.neurons), bool)
    alive[3] = False
    weights = alive.astype(np.uint8)
    return pack(weights, alive, format=fmt, lanes=2, weight_bits=_LIVELY.weight_bits).lanes
