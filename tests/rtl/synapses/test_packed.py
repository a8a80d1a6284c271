# amaranth: UnusedElaboratable=no

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.lib import data
from amaranth.sim import Simulator

from prunus_rtl.memory_image.formats import FORMATS
from prunus_rtl.memory_image.image import LaneImage, pack
from prunus_rtl.synapses.formats import COMPONENTS, packed_store
from prunus_rtl.synapses.packed import PackedStore, synapse_layout, write_layout

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
    """Unpruned synapses, drawn: one text for each pre, one character for each slot."""
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


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("density", [0.0, 0.05, 0.2, 0.6, 1.0])
@pytest.mark.parametrize("fmt", FORMATS)
def test_synapses_are_those_of_the_model_in_order(fmt: str, density: float, stall: float) -> None:
    for seed, (inputs, neurons, lanes, weight_bits) in enumerate(
        [(1, 1, 1, 8), (7, 13, 2, 8), (20, 40, 5, 4), (33, 9, 1, 1), (5, 2, 3, 3)]
    ):
        rng = np.random.default_rng(seed)
        alive = rng.random((inputs, neurons)) < density
        image = image_of(alive, fmt=fmt, lanes=lanes, lane=lanes - 1, weight_bits=weight_bits)
        pres = rng.integers(0, inputs, 80).tolist()
        trace = simulate(packed_store(image=image), pres, seed=seed, stall=stall)
        assert trace.synapses == expected(image, pres)


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("fmt", FORMATS)
def test_spram_delivers_the_same(fmt: str, stall: float) -> None:
    rng = np.random.default_rng(5)
    image = image_of(rng.random((12, 9)) < 0.4, fmt=fmt)
    pres = rng.integers(0, 12, 150).tolist()
    plain, spram = (
        simulate(packed_store(image=image, spram=spram), pres, stall=stall)
        for spram in (False, True)
    )
    assert spram.synapses == plain.synapses == expected(image, pres)
    # Nothing else changes, but for lists, which look up pointers in the same memory.
    assert (spram == plain) == (fmt != "csr")


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_list_in_spram_is_that_of_the_model(density: float, stall: float) -> None:
    for seed, (inputs, neurons, lanes, weight_bits, spare) in enumerate(
        [(1, 1, 1, 8, 0), (7, 13, 2, 8, 0), (20, 40, 5, 4, 3), (8, 3, 1, 1, 24), (9, 2, 3, 3, 1)]
    ):
        rng = np.random.default_rng(seed)
        alive = rng.random((inputs, neurons)) < density
        capacity = int(alive.sum()) + spare
        image = image_of(
            alive, fmt="csr", lanes=lanes, weight_bits=weight_bits, capacity=capacity, seed=seed
        )
        pres = rng.integers(0, inputs, 80).tolist()
        dut = packed_store(image=image, spram=True)
        trace = simulate(dut, pres, seed=seed, stall=stall)
        assert trace.synapses == expected(image, pres)


def test_list_in_spram_takes_two_cycles_more_for_each_pre() -> None:
    image = image_of(rows("xxx", "...", ".x.", "x.x"), fmt="csr")
    trace = simulate(packed_store(image=image, spram=True), [0, 1, 1, 2, 3, 0])
    # Pointers are looked up in the cycles in which nothing comes.
    assert trace.taken == [0, 5, 7, 9, 12, 16]
    assert trace.cycles == [4, 5, 6, 13, 16, 17, 20, 21, 22]
    assert trace.busy == list(range(1, 23))


@pytest.mark.parametrize(
    "alive",
    [
        pytest.param(rows("x..", ".x.", "..x"), id="single entries"),
        pytest.param(rows("xxxx", "xxxx"), id="full rows"),
        pytest.param(rows("x....", "xx...", ".xxxx", "....x"), id="all lengths"),
        pytest.param(rows("xx..", "....", ".xxx", "x..x"), id="with empty rows between"),
        pytest.param(rows("x", "x"), id="one slot"),
    ],
)
def test_bitmap_loses_no_cycle_between_the_first_synapse_and_the_last(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="bitmask")
    pres = list(range(len(alive))) * 10
    # An empty row is hidden if the rows around it are longer than one.
    trace = simulate(packed_store(image=image), pres)
    assert trace.synapses == expected(image, pres)
    assert trace.cycles == list(range(3, 3 + len(trace.synapses)))


@pytest.mark.parametrize(
    "alive",
    [
        pytest.param(rows("x.x.", ".x.x", "..xx"), id="two entries"),
        pytest.param(rows("xxxx", "xxxx"), id="full rows"),
        pytest.param(rows("xx.x", ".xxx", "...x"), id="one is hidden behind longer ones"),
        pytest.param(rows("xxxx", "...."), id="an empty one is hidden behind longer ones"),
    ],
)
def test_list_loses_no_cycle_if_lists_have_two_synapses_or_more(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="csr")
    pres = list(range(len(alive))) * 10
    trace = simulate(packed_store(image=image), pres)
    assert trace.synapses == expected(image, pres)
    assert trace.cycles == list(range(6, 6 + len(trace.synapses)))


@pytest.mark.parametrize("alive", [rows("x..", ".x.", "..x"), rows("x", "x")])
def test_list_takes_two_cycles_for_a_pre_of_one_synapse(alive: npt.NDArray[np.bool_]) -> None:
    image = image_of(alive, fmt="csr")
    trace = simulate(packed_store(image=image), [0, 1] * 10)
    assert trace.cycles == list(range(6, 6 + 40, 2))


@pytest.mark.parametrize("alive", [rows("xx", "xx"), rows("x", "x"), rows("xxxxx", "xxxxx")])
def test_dense_delivers_one_synapse_per_cycle_if_nothing_is_pruned(
    alive: npt.NDArray[np.bool_],
) -> None:
    image = image_of(alive, fmt="dense")
    assert dict(image["weights"].fields) == {"weight": 8}
    trace = simulate(packed_store(image=image), [0, 1] * 10)
    assert trace.synapses == expected(image, [0, 1] * 10)
    assert trace.cycles == list(range(2, 2 + len(trace.synapses)))


def test_dense_spends_one_cycle_on_every_slot() -> None:
    image = image_of(rows("x..x.", ".....", "..x.."), fmt="dense")
    trace = simulate(packed_store(image=image), [0, 1, 2])
    assert [slot for slot, _ in trace.synapses] == [0, 3, 2]
    assert trace.cycles == [2 + 0, 2 + 3, 2 + 12]


@pytest.mark.parametrize(("fmt", "each", "first"), [("csr", 2, 6), ("bitmask", 1, 3)])
def test_pres_without_synapses_cost_few_cycles(fmt: str, each: int, first: int) -> None:
    image = image_of(rows("....", ".x.."), fmt=fmt)
    trace = simulate(packed_store(image=image), [0] * 20 + [1])
    assert trace.taken == list(range(0, 21 * each, each))
    assert trace.cycles == [20 * each + first]
    assert trace.busy == list(range(1, 20 * each + first + 1))


@pytest.mark.parametrize(("fmt", "first"), [("csr", 6), ("bitmask", 3)])
def test_pres_without_synapses_are_dropped_while_another_is_walked(fmt: str, first: int) -> None:
    image = image_of(rows("xxxxxxxx", "........"), fmt=fmt)
    trace = simulate(packed_store(image=image), [0, 1, 1, 0, 1, 1, 0])
    assert trace.cycles == list(range(first, first + 24))


def test_list_without_entries_is_dropped_though_another_waits() -> None:
    image = image_of(rows("xxxxxxxx", "xx......", "........"), fmt="csr")
    trace = simulate(packed_store(image=image), [0, 1, 2, 0, 1])
    assert trace.cycles == list(range(6, 6 + 20))


@pytest.mark.parametrize("fmt", LISTS)
def test_fewer_than_one_cycle_in_twenty_is_lost_at_the_density_of_a_trained_network(
    fmt: str,
) -> None:
    rng = np.random.default_rng(0)
    image = image_of(rng.random((100, 50)) < 0.2, fmt=fmt)
    pres = rng.integers(0, 100, 100).tolist()
    trace = simulate(packed_store(image=image), pres)
    first = {"csr": 6, "bitmask": 3}[fmt]
    assert trace.cycles == list(range(first, first + len(trace.synapses)))
    assert len(trace.synapses) > 900


@pytest.mark.parametrize("fmt", FORMATS)
def test_busy_spans_the_fetch_exactly(fmt: str) -> None:
    image = image_of(rows("xxx", "xxx"), fmt=fmt)
    trace = simulate(packed_store(image=image), [0, 1])
    assert trace.taken[0] == 0
    assert trace.busy == list(range(1, trace.cycles[-1] + 1))


@pytest.mark.parametrize("spram", [False, True])
@pytest.mark.parametrize("fmt", FORMATS)
def test_host_reloads_another_network(fmt: str, spram: bool) -> None:
    rng = np.random.default_rng(8)
    first, second = (
        image_of(rng.random((11, 7)) < density, fmt=fmt, capacity=80, seed=seed)
        for seed, density in ((1, 0.3), (2, 0.5))
    )
    assert [m.fields for m in first.memories] == [m.fields for m in second.memories]
    pres = rng.integers(0, 11, 60).tolist()
    dut = packed_store(image=first, spram=spram)
    results = []

    async def testbench(ctx: Any) -> None:
        results.append((await fetch(ctx, dut, pres, image=first)).synapses)
        for memory, address, word in second.writes():
            ctx.set(dut.write, {"enable": 1, "memory": memory, "address": address, "data": word})
            await ctx.tick()
            assert ctx.get(dut.synapse.valid) == 0
            # Not enabled: changes nothing.
            ctx.set(dut.write, {"enable": 0, "memory": memory, "address": 0, "data": 0})
            await ctx.tick()
        results.append((await fetch(ctx, dut, pres, image=second, stall=0.3)).synapses)
        # All words read back, and nothing is disturbed by that.
        ctx.set(dut.read, 1)
        for memory, address, word in second.writes():
            ctx.set(dut.write, {"enable": 0, "memory": memory, "address": address, "data": 0})
            await ctx.tick().repeat(2)
            width = second.memories[memory].width
            assert ctx.get(dut.word) & ((1 << width) - 1) == word
            assert ctx.get(dut.synapse.valid) == ctx.get(dut.busy) == 0
        ctx.set(dut.read, 0)
        results.append((await fetch(ctx, dut, pres, image=second)).synapses)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
    assert results == [expected(first, pres), expected(second, pres), expected(second, pres)]


@pytest.mark.parametrize("spram", [False, True])
@pytest.mark.parametrize("fmt", FORMATS)
def test_reset_stops_the_fetch_and_keeps_the_memories(fmt: str, spram: bool) -> None:
    image = image_of(rows("xxxx", "xx.x", "x..."), fmt=fmt)
    dut = packed_store(image=image, spram=spram)
    reset = Signal()
    results = []

    async def testbench(ctx: Any) -> None:
        for delay in range(9):
            ctx.set(dut.pre.payload, 0)
            ctx.set(dut.pre.valid, 1)
            for _ in range(delay):
                await ctx.tick()
            ctx.set(dut.pre.valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            assert ctx.get(dut.busy) == 0
            assert ctx.get(dut.synapse.valid) == 0
            results.append((await fetch(ctx, dut, [1, 2, 0], image=image)).synapses)

    sim = Simulator(ResetInserter(reset)(dut))
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()
    assert results == [expected(image, [1, 2, 0])] * 9


@pytest.mark.parametrize("fmt", FORMATS)
def test_parameters_and_layouts(fmt: str) -> None:
    image = image_of(np.ones((6, 21), dtype=np.bool_), fmt=fmt, lanes=4, weight_bits=5)
    dut = packed_store(image=image, spram=True)
    assert (dut.image, dut.spram) == (image, True)
    assert synapse_layout(slots=6, weight_bits=5) == data.StructLayout(
        {"slot": range(6), "weight": 5}
    )
    assert dut.synapse.payload.shape() == synapse_layout(slots=6, weight_bits=5)
    assert dut.pre.payload.shape().width == 3
    widths = {name: field.width for name, field in write_layout(image)}
    width = {"csr": 8, "bitmask": 12, "dense": 6}[fmt]
    assert widths == {
        "enable": 1,
        "memory": len(image.memories) - 1,
        "address": 6,
        "data": width,
    }


@pytest.mark.parametrize("image", [None, "csr", 3])
def test_rejects_what_is_no_image(image: Any) -> None:
    with pytest.raises(
        TypeError, match=f"^{re.escape(f'Image must be a LaneImage, not {image!r}')}$"
    ):
        packed_store(image=image)


@pytest.mark.parametrize("spram", [False, True])
@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_has_a_component_with_the_same_signature(fmt: str, spram: bool) -> None:
    image = image_of(rows("x.x", ".x."), fmt=fmt)
    store = packed_store(image=image, spram=spram)
    assert type(store) is COMPONENTS[fmt, spram] is not PackedStore
    assert store.signature == PackedStore(image=image, spram=spram).signature


@pytest.mark.parametrize("spram", [None, 1, "yes"])
def test_rejects_use_of_spram_that_is_no_bool(spram: Any) -> None:
    with pytest.raises(
        TypeError, match=f"^{re.escape(f'Use of SPRAM must be a bool, not {spram!r}')}$"
    ):
        packed_store(image=image_of(rows("x"), fmt="csr"), spram=spram)
