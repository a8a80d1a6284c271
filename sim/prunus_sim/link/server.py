"""A simulated device at a socket: the real gateware in the simulator, for the driver of boards.

``python -m prunus_sim.link.server demo --socket prunus.sock`` builds the core behind its link and
serves hosts (``prunus run demo IMAGES --on socket:prunus.sock``), one after the other, until it is
interrupted. While the device is idle, simulated time stands still.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click
from amaranth.lib import wiring

from prunus_model.cli.common import load_network, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.training.artifact import Artifact
from prunus_rtl.cli.options import choice_option, lanes_option
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import LINES, CoreDescription, Line, link_plan
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.spi_system import SpiSystem
from prunus_rtl.link.system import System
from prunus_sim.link.testbench import write_testbench
from prunus_sim.simulator.runner import BenchError, build
from prunus_sim.simulator.verilog import TOP as DUT

__all__ = ["CLOCK_HZ", "TOP", "main", "serve"]

#: Clock that a simulated core reports, unless the description of a core says another.
CLOCK_HZ = 50_000_000
#: Name of the module of a netlist.
TOP = "top"
#: Cell models of the iCE40 give their inputs default values only if this is not defined. Their
#: timescale is not that of the testbench, whose clock would run a thousand times as fast.
_NETLIST_ARGUMENTS = ("-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--timescale-override", "1ns/1ps")
#: What a folder with a netlist holds, the netlist first.
_NETLIST_FILES = ("netlist.v", "cells.v")


def serve(
    device: wiring.Component | Sequence[Path],
    folder: Path,
    *,
    socket: Path,
    divisor: int | None = None,
    line: Line = "uart",
    once: bool = False,
) -> None:
    """Build a device and serve hosts.

    Parameters
    ----------
    device : System, SerialSystem or SpiSystem, or sequence of Path
        What is simulated; or a netlist of it, with the module :data:`TOP`, and models of its cells.
    folder : Path
        Where the simulation is built; it is emptied first.
    socket : Path
        Unix socket to be made. It appears when the device can be reached.
    divisor : int, optional
        The device has pins, with so many cycles per bit. Default: the bytes of the link.
    line : str
        What these pins are: ``uart`` or ``spi``.
    once : bool
        End when the first host hangs up.

    Raises
    ------
    PrunusError
        If something that the simulator needs is missing.
    BenchError
        If the simulation can't be built, or ends on its own.
    """
    netlist = not isinstance(device, wiring.Component)
    top = TOP if netlist else DUT
    built = build(
        device,
        folder,
        testbench=lambda _source, where: write_testbench(
            where, divisor=divisor, line=line, top=top
        ),
        arguments=_NETLIST_ARGUMENTS if netlist else (),
        public_signals=False,
        # Of a netlist, the compiler would take longer to optimise than any image takes.
        optimise=not netlist,
        waves=False,
        sim="verilator",
    )
    environment = {
        "PRUNUS_LINK_SOCKET": str(socket.absolute()),
        "PRUNUS_LINK_ONCE": str(int(once)),
        "PRUNUS_LINK_DIVISOR": str(divisor or 0),
    }
    try:
        built.run("prunus_sim.link.bench", env=environment, name="serve")
    finally:
        # If it was killed, it could not.
        socket.unlink(missing_ok=True)


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    required=True,
    help="Unix socket to make; it appears when the device can be reached.",
)
@click.option("--core", type=click.Path(path_type=Path), help="Simulate this core.json.")
@choice_option("mode", "Whether the core can learn.")
@lanes_option()
@choice_option("store", "What holds the weights.")
@click.option(
    "--pins",
    type=WholeNumber(min=8),
    metavar="CYCLES",
    help="Serve the device through its pins, with so many cycles per bit.",
)
@click.option(
    "--link",
    type=click.Choice(LINES),
    help="What pins these are. Default: those of --core, or uart.",
)
@click.option(
    "--netlist",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Simulate what `python -m prunus_boards.build.netlist NETWORK -o FOLDER` has written.",
)
@click.option("--once", is_flag=True, help="End when the first host hangs up.")
@click.option("--build", "folder", type=click.Path(path_type=Path), help="Where to build.")
def main(
    *,
    network: str,
    socket: Path,
    core: Path | None,
    mode: Literal["inference", "learning"],
    lanes: int | None,
    store: str,
    pins: int | None,
    link: Line | None,
    netlist: Path | None,
    once: bool,
    folder: Path | None,
) -> None:
    """Simulate a core with NETWORK and serve it at a socket.

    NETWORK is a file or one of demo, 400, up5k, windows.
    """
    with user_errors(), tempfile.TemporaryDirectory(prefix="prunus-server-") as scratch:
        device: wiring.Component | Sequence[Path]
        description = None if core is None else CoreDescription.load(core)
        line = link or ("uart" if description is None else description.link)
        if netlist is None:
            options = ExportOptions(mode=mode, lanes=lanes, store=store)
            device = _device(load_network(network), description, options, pins, line)
        else:
            device = [netlist / name for name in _NETLIST_FILES]
            for path in device:
                if not path.is_file():
                    raise FileNotFoundError(errno.ENOENT, "there must be such a file", str(path))
        if socket.exists():
            raise FileExistsError(errno.EEXIST, "there must be no such file yet", str(socket))
        where = Path(scratch) / "build" if folder is None else folder
        click.echo(f"Building the simulation of {netlist or network} ...", err=True)
        try:
            serve(device, where, socket=socket, divisor=pins, line=line, once=once)
        except BenchError as e:
            raise click.ClickException(" ".join(str(e).split())) from e


def _device(
    artifact: Artifact,
    core: CoreDescription | None,
    options: ExportOptions,
    divisor: int | None,
    line: Line,
) -> wiring.Component:
    """Return the gateware to be simulated."""
    plan = link_plan(artifact, options) if core is None else core.plan(artifact)
    clock_hz = CLOCK_HZ if core is None else core.clock_hz or CLOCK_HZ
    if divisor is None:
        return System(plan=plan, clock_hz=clock_hz)
    if line == "spi":
        return SpiSystem(plan=plan, clock_hz=clock_hz)
    return SerialSystem(plan=plan, divisor=divisor, clock_hz=clock_hz)


if __name__ == "__main__":
    main()
