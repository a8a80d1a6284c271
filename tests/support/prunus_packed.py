"""Packed stores of one lane, and what they must fetch."""

# amaranth: UnusedElaboratable=no

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.sim import Simulator

from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.synapses.packed import PackedStore

LISTS = [fmt for fmt in FORMATS if fmt != "dense"]


def image_of(
    alive: npt.NDArray[np.bool_],
    *,
    fmt: str,
    weight_bits: int = 8,
    lanes: int = 1,
    lane: int = 0,
    capacity: int = 0,
    seed: int = 0,
) -> LaneImage:
    """One lane of a network with random weights."""
    rng = np.random.default_rng(seed)
    weights = (rng.integers(0, 2**weight_bits, alive.shape) * alive).astype(np.uint8)
    image = pack(
        weights, alive, format=fmt, lanes=lanes, weight_bits=weight_bits, capacity=capacity
    )
    return image.lanes[lane]


def rows(*texts: str) -> npt.NDArray[np.bool_]:
    """Live synapses, drawn: one text for each pre, one character for each slot."""
    return np.array([[c == "x" for c in text] for text in texts], dtype=np.bool_)


def expected(image: LaneImage, pres: list[int]) -> list[tuple[int, int]]:
    """(slot, weight) of all synapses, by the model."""
    weights, alive = image.unpack()
    return [
        (slot, int(weights[pre, slot]))
        for pre in pres
        for slot in np.flatnonzero(alive[pre]).tolist()
    ]


@dataclass
class Trace:
    """What came out, and in which cycle; cycles in which a pre was taken; cycles with busy high."""

    synapses: list[tuple[int, int]]
    cycles: list[int]
    taken: list[int]
    busy: list[int]


async def fetch(
    ctx: Any,
    dut: PackedStore,
    pres: list[int],
    *,
    image: LaneImage,
    seed: int = 0,
    stall: float = 0.0,
) -> Trace:
    """Send pres until everything has come out, and check ``busy`` on the way."""
    rng = np.random.default_rng(seed)
    _, alive = image.unpack()
    fan_out = alive.sum(axis=1).tolist()
    trace = Trace([], [], [], [])
    waiting = deque(pres)
    offering = False
    owed = idle = cycle = 0
    while idle < 8:
        offering = bool(waiting) and (offering or rng.random() >= stall)
        ctx.set(dut.pre.valid, offering)
        ctx.set(dut.pre.payload, waiting[0] if offering else 0)
        busy = bool(ctx.get(dut.busy))
        assert busy or owed == 0, f"cycle {cycle}: {owed} synapses are still to come"
        if busy:
            trace.busy.append(cycle)
        valid = bool(ctx.get(dut.synapse.valid))
        got = (ctx.get(dut.synapse.p.slot), ctx.get(dut.synapse.p.weight)) if valid else None
        if got is not None:
            trace.synapses.append(got)
            trace.cycles.append(cycle)
            owed -= 1
        if offering and ctx.get(dut.pre.ready):
            trace.taken.append(cycle)
            owed += fan_out[waiting.popleft()]
            offering = False
        idle = 0 if waiting or busy or valid else idle + 1
        await ctx.tick()
        cycle += 1
        assert cycle < 100_000
    ctx.set(dut.pre.valid, 0)
    return trace


def simulate(dut: PackedStore, pres: list[int], **options: Any) -> Trace:
    traces = []

    async def testbench(ctx: Any) -> None:
        traces.append(await fetch(ctx, dut, pres, image=dut.image, **options))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
    return traces[0]
