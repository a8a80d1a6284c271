# amaranth: UnusedElaboratable=no

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.lib import data
from amaranth.sim import Simulator

from prunus_packed import expected, fetch, image_of, rows, simulate
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.synapses.components import COMPONENTS, packed_store
from prunus_rtl.synapses.packed import PackedStore, synapse_layout, write_layout


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
        for memory, address, word in second.writes():
            ctx.set(dut.write, {"enable": 0, "memory": memory, "address": address, "data": 0})
            ctx.set(dut.read, 1)
            await ctx.tick()
            ctx.set(dut.read, 0)
            await ctx.tick().repeat(1 if spram else 2)
            width = second.memories[memory].width
            # It stays until the next access.
            for _ in range(3):
                assert ctx.get(dut.word) & ((1 << width) - 1) == word
                assert ctx.get(dut.synapse.valid) == ctx.get(dut.busy) == 0
                await ctx.tick()
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
