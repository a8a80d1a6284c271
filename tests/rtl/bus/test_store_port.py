# amaranth: UnusedElaboratable=no

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal

from prunus_rtl.bus.store_port import StorePort, store_has
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_sim.simulator.amaranth import simulate

LAYOUTS = {
    "lists of two lanes": StoreLayout(
        format="csr", inputs=5, slots=3, weight_bits=4, depths=((6, 9), (6, 5))
    ),
    "dense, four lanes": StoreLayout(
        format="dense", inputs=3, slots=2, weight_bits=8, depths=((6,),) * 4
    ),
    "bitmask, one lane": StoreLayout(
        format="bitmask", inputs=4, slots=3, weight_bits=1, depths=((4, 11),)
    ),
    "one word": StoreLayout(format="dense", inputs=1, slots=1, weight_bits=3, depths=((1,),)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_address_exists_if_a_memory_has_that_word(name: str) -> None:
    layout = LAYOUTS[name]
    m = Module()
    address = Signal(layout.address_bits)
    found = Signal()
    m.d.comb += found.eq(store_has(layout, address))
    there = set(layout.addresses())

    async def bench(ctx: Any) -> None:
        for value in range(1 << layout.address_bits):
            ctx.set(address, value)
            await ctx.delay(1e-9)
            assert ctx.get(found) == (value in there), value

    simulate(m, bench)


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_word_is_written_to_and_read_from_its_lane_alone(name: str) -> None:
    layout = LAYOUTS[name]
    dut = StorePort(layout=layout)
    rng = np.random.default_rng(1)

    async def bench(ctx: Any) -> None:
        for lane, depths in enumerate(layout.depths):
            for memory, depth in enumerate(depths):
                for index in range(depth):
                    write = int(rng.integers(2))
                    words = rng.integers(0, 1 << layout.width, layout.lanes + 1).tolist()
                    ctx.set(dut.access.address, layout.address(lane, memory, index))
                    ctx.set(dut.access.write, write)
                    ctx.set(dut.access.data, words[-1])
                    ctx.set(dut.access.strobe, 1)
                    assert ctx.get(dut.enable) == ctx.get(dut.access.done) == 0
                    await ctx.tick()
                    ctx.set(dut.access.strobe, 0)
                    assert ctx.get(dut.enable) == 1 << lane
                    assert (ctx.get(dut.write), ctx.get(dut.data)) == (write, words[-1])
                    assert (ctx.get(dut.memory), ctx.get(dut.address)) == (memory, index)
                    assert ctx.get(dut.access.done) == 0
                    await ctx.tick()
                    for _ in range(2):
                        assert (ctx.get(dut.enable), ctx.get(dut.access.done)) == (0, 0)
                        await ctx.tick()
                    for k, word in enumerate(words[:-1]):
                        ctx.set(dut.words[k], word)
                    assert (ctx.get(dut.enable), ctx.get(dut.access.done)) == (0, 1)
                    assert ctx.get(dut.access.value) == words[lane]
                    await ctx.tick()
                    assert ctx.get(dut.access.done) == 0

    simulate(dut, bench)
    assert dut.layout is layout
