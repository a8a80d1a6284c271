"""Bench of the packed store: three formats, initial contents and contents that a host writes."""

from __future__ import annotations

from functools import cache
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from prunus_model.spec.formats import max_of
from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.synapses.components import packed_store
from prunus_rtl.synapses.packed import PackedStore, synapse_layout, write_layout
from prunus_sim.simulator.streams import StreamSink, StreamSource, packed, start
from prunus_sim.unit.helpers import case_of, drive, seeds

#: Format, inputs, neurons, lanes, weight bits, density; those named so are in SPRAM.
CASES = {
    "csr": ("csr", 784, 400, 16, 8, 0.2),
    "bitmask": ("bitmask", 784, 100, 16, 8, 0.3),
    "dense": ("dense", 784, 100, 16, 8, 0.7),
    "dense, nothing pruned": ("dense", 49, 8, 4, 4, 1.0),
    "csr, odd size": ("csr", 13, 7, 4, 3, 0.4),
    "bitmask, odd size": ("bitmask", 13, 7, 4, 3, 0.4),
    "csr, nothing alive": ("csr", 5, 3, 2, 1, 0.0),
    "csr, odd size, spram": ("csr", 13, 7, 4, 3, 0.4),
}
FETCHES = 400


@cache
def image(case: str) -> LaneImage:
    """Return the contents of the last lane, which may have fewer neurons than slots."""
    format_, inputs, neurons, lanes, weight_bits, density = CASES[case]
    rng = np.random.default_rng(1)
    alive = rng.random((inputs, neurons)) < density
    # Rows without any unpruned synapse, in the middle and at the end.
    if density < 1:
        alive[rng.random(inputs) < 0.2] = False
        alive[-1] = False
    weights = (rng.integers(0, 1 << weight_bits, alive.shape) * alive).astype(np.uint8)
    store = pack(weights, alive, lanes=lanes, weight_bits=weight_bits, format=format_)
    return store.lanes[-1]


def component(case: str) -> PackedStore:
    """Return the component under test."""
    return packed_store(image=image(case), spram=case.endswith("spram"))


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(seed=seeds())
async def unpruned_synapses_are_delivered_in_order(dut: Any, seed: int) -> None:
    """Fetch random inputs, in every other test after all words were written and read back."""
    case = case_of({name: name for name in CASES})
    lane = image(case)
    layout = synapse_layout(slots=lane.slots, weight_bits=lane.weight_bits)
    rng, rng_i, rng_o = np.random.default_rng(seed).spawn(3)
    pres = StreamSource(
        dut, "pre", shape=range(lane.inputs), rng=rng_i, pause=float(rng.choice([0, 0.4]))
    )
    synapses = StreamSink(dut, "synapse", shape=layout, rng=rng_o)
    drive(dut, write=0, read=0)
    await start(dut)
    if seed % 2:
        # Memories keep their contents from test to test: this must change nothing.
        for memory, address, word in lane.writes():
            payload = {"enable": 1, "memory": memory, "address": address, "data": word}
            drive(dut, write=packed(write_layout(lane), payload))
            await RisingEdge(dut.clk)
        for memory, address, word in lane.writes():
            payload = {"enable": 0, "memory": memory, "address": address, "data": 0}
            drive(dut, write=packed(write_layout(lane), payload), read=1)
            for _ in range(3):
                await RisingEdge(dut.clk)
            await ReadOnly()
            got = int(dut.word.value) & max_of(lane.memories[memory].width)
            assert got == word, f"word {address} of memory {memory} must be {word}, not {got}"
            await FallingEdge(dut.clk)
        drive(dut, write=0, read=0)
    weights, alive = lane.unpack()
    some = _busiest(alive)
    # Often the same input, an empty one, or the one with most synapses.
    kind = rng.integers(0, 3, FETCHES)
    anywhere = rng.integers(0, lane.inputs, FETCHES)
    fetched = np.select([kind == 0, kind == 1], [anywhere, lane.inputs - 1], some).tolist()
    for pre in fetched:
        pres.put(pre)
    for j, pre in enumerate(fetched):
        for slot in np.flatnonzero(alive[pre]).tolist():
            payload = {"slot": slot, "weight": int(weights[pre, slot])}
            await synapses.expect(payload, f"fetch {j} of input {pre}")
    await pres.drained()
    for _ in range(2 * lane.slots + 8):
        await RisingEdge(dut.clk)
    await ReadOnly()
    assert int(dut.busy.value) == 0, "busy after the last synapse"
    synapses.check_silent()


def _busiest(alive: npt.NDArray[np.bool_]) -> int:
    return int(alive.sum(axis=1).argmax())
