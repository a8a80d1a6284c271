# amaranth: UnusedElaboratable=no
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, IOPort, Module, Signal
from amaranth.lib import io
from amaranth.sim import Simulator

from prunus_boards.platforms.dividers import dividers
from prunus_boards.platforms.pll import Clocks

MHZ = 1_000_000


class Pin:
    """What `Clocks` needs of a platform: one pin."""

    def __init__(self, port: Any) -> None:
        self.port = port

    def request(self, name: str, *, dir: str) -> Any:
        assert (name, dir) == ("clk", "-")
        return self.port


def parameters(family: str, in_mhz: int, out_mhz: int) -> str:
    """RTLIL of the clock; on a device without buffers of its own."""
    pin = Pin(io.SingleEndedPort(IOPort(1, name="clk")))
    loop = dividers(family, in_mhz * MHZ, out_mhz * MHZ)
    m = Module()
    m.domains.sync = sync = ClockDomain()
    clocks = Clocks(domain=sync, family=family, in_hz=in_mhz * MHZ, pin="clk", dividers=loop)
    m.submodules.clocks = clocks.elaborate(pin)
    text: str = rtlil.convert(m, ports=[])
    return text


@pytest.mark.parametrize(
    ("family", "in_mhz", "out_mhz", "values"),
    [
        ("ecp5", 25, 60, {"CLKI_DIV": 5, "CLKFB_DIV": 12, "CLKOP_DIV": 7, "CLKOP_CPHASE": 3}),
        ("ice40", 12, 24, {"DIVR": 0, "DIVF": 63, "DIVQ": 5, "FILTER_RANGE": 1}),
        ("gowin", 27, 36, {"IDIV_SEL": 2, "FBDIV_SEL": 3, "ODIV_SEL": 16}),
    ],
)
def test_loop_has_its_dividers(
    family: str, in_mhz: int, out_mhz: int, values: dict[str, int]
) -> None:
    text = parameters(family, in_mhz, out_mhz)
    for name, value in values.items():
        assert f"parameter signed \\{name} {value}\n" in text or (
            f"parameter \\{name} {value}\n" in text
        ), name


def test_reset_ends_15_us_after_the_oscillator_starts() -> None:
    hz = 2 * MHZ
    port = io.SimulationPort("i", 1)
    m = Module()
    m.domains.sync = sync = ClockDomain()
    clocks = Clocks(domain=sync, family="ice40", in_hz=hz, pin="clk")
    m.submodules.clocks = clocks.elaborate(Pin(port))
    count = Signal(8)
    m.d.sync += count.eq(count + 1)
    seen = []

    async def oscillate(ctx: Any) -> None:
        for _ in range(60):
            ctx.set(port.i, 1)
            await ctx.delay(250e-9)
            seen.append(ctx.get(count))
            ctx.set(port.i, 0)
            await ctx.delay(250e-9)

    sim = Simulator(m)
    sim.add_testbench(oscillate)
    sim.run()
    held = seen.index(1)
    # 15 us are 30 cycles; 2 more for `locked`, 2 for the end of the reset and the first count.
    assert 30 <= held <= 36
    assert seen[held:] == list(range(1, len(seen) - held + 1))
