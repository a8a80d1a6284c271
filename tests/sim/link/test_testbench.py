"""The testbench of a device behind a link, link_tb.sv: free of lint."""

from pathlib import Path

import pytest
from amaranth.lib import wiring

from prunus_devices import PACKED, network
from prunus_rtl.link.protocol.description import Line, link_plan
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.spi_system import SpiSystem
from prunus_rtl.link.system import System
from prunus_sim.link.testbench import write_testbench
from prunus_sim.simulator.lint import lint
from prunus_sim.simulator.runner import build
from prunus_sim.simulator.verilog import write_verilog


@pytest.mark.sim
@pytest.mark.parametrize(("divisor", "line"), [(None, "uart"), (8, "uart"), (8, "spi"), (9, "spi")])
def test_testbench_is_free_of_lint(tmp_path: Path, divisor: int | None, line: Line) -> None:
    plan = link_plan(network(), PACKED)
    device: wiring.Component
    if divisor is None:
        device = System(plan=plan, clock_hz=1_000_000)
    elif line == "spi":
        device = SpiSystem(plan=plan, clock_hz=1_000_000)
    else:
        device = SerialSystem(plan=plan, divisor=divisor, clock_hz=1_000_000)
    source = write_verilog(device, tmp_path)
    assert lint(write_testbench(tmp_path, divisor=divisor, line=line), source) == ""


@pytest.mark.sim
def test_device_is_idle_after_quiet_cycles_alone(tmp_path: Path) -> None:
    device = System(plan=link_plan(network(), PACKED), clock_hz=1_000_000)
    built = build(
        device,
        tmp_path,
        testbench=lambda _source, where: write_testbench(where, divisor=None),
        public_signals=False,
        waves=False,
        sim="verilator",
    )
    assert built.run("prunus_sim.link.rest_bench", name="rest") == 1
