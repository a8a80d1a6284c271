"""The testbench of a device behind a link, link_tb.sv: free of lint."""

from pathlib import Path

import pytest

from prunus_devices import PACKED, network
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.system import System
from prunus_sim.link.testbench import write_testbench
from prunus_sim.simulator.lint import lint
from prunus_sim.simulator.runner import build
from prunus_sim.simulator.verilog import write_verilog


@pytest.mark.sim
@pytest.mark.parametrize("divisor", [None, 8])
def test_testbench_is_free_of_lint(tmp_path: Path, divisor: int | None) -> None:
    plan = link_plan(network(), PACKED)
    device = (
        System(plan=plan, clock_hz=1_000_000)
        if divisor is None
        else SerialSystem(plan=plan, divisor=divisor, clock_hz=1_000_000)
    )
    source = write_verilog(device, tmp_path)
    assert lint(write_testbench(tmp_path, divisor=divisor), source) == ""


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
