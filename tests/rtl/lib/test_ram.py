# amaranth: UnusedElaboratable=no

import re
from typing import Any

import pytest
from amaranth.back import rtlil

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.core.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import Collisions, Ram
from prunus_sim.simulator.amaranth import simulate


@pytest.mark.parametrize("platform", [None, Collisions()], ids=["plain", "collisions"])
def test_reads_one_cycle_later_holds_and_spoils_only_collisions(platform: Any) -> None:
    dut = Ram(shape=8, depth=4, init=[1, 2, 3, 4])

    async def bench(ctx: Any) -> None:
        ctx.set(dut.read, 1)
        ctx.set(dut.read_address, 2)
        await ctx.tick()
        assert ctx.get(dut.read_data) == 3
        ctx.set(dut.read, 0)
        ctx.set(dut.write, 1)
        ctx.set(dut.write_address, 2)
        ctx.set(dut.write_data, 77)
        for _ in range(2):
            await ctx.tick()
            assert ctx.get(dut.read_data) == 3
        ctx.set(dut.read, 1)
        ctx.set(dut.write_data, 78)
        await ctx.tick()
        assert ctx.get(dut.read_data) == (77 if platform is None else 77 ^ 255)
        ctx.set(dut.write_address, 1)
        await ctx.tick()
        assert ctx.get(dut.read_data) == 78

    simulate(dut, bench, platform=platform)


def test_a_bench_that_never_ends_is_stopped() -> None:
    dut = Ram(shape=8, depth=4)

    async def bench(ctx: Any) -> None:
        while not ctx.get(dut.read_data):
            await ctx.tick()

    with pytest.raises(TimeoutError, match="Benches must be over after 50 cycles"):
        simulate(dut, bench, cycles=50)


@pytest.mark.parametrize("style", [None, "block", "distributed"])
def test_style_is_an_attribute_of_the_memory(style: str | None) -> None:
    text = rtlil.convert(Ram(shape=8, depth=32, style=style), emit_src=False)
    found = re.findall(r'attribute \\ram_style "(\w+)"', text)
    assert found == ([] if style is None else [style])


@pytest.mark.parametrize("memory", ["auto", "block", "distributed"])
def test_neuron_memory_is_the_style_of_potentials_and_thresholds(memory: str) -> None:
    hardware = HardwareConfig(lanes=2, neuron_memory=memory)  # type: ignore[arg-type]
    core = Core(network=NetworkConfig.named("tiny"), hardware=hardware)
    text = rtlil.convert(core, emit_src=False)
    assert text.count(f'attribute \\ram_style "{memory}"') == (0 if memory == "auto" else 4)
