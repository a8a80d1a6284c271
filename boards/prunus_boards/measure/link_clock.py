"""Clock of the host link alone on an ECP5: `python -m prunus_boards.measure.link_clock`.

The link must not be what limits the clock of a core. It is placed and routed without one, and
without pins: what its ports are connected to is left out of the timing, paths between its registers
and memories are not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_boards.build.tools import Tools
from prunus_boards.build.usage import Placement, read_placement
from prunus_boards.platforms import find_board
from prunus_model.cli.common import console, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.digest.gateware import unnamed_endpoint
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.lib.ram import COLLISION_SCRIPT
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES

__all__ = ["SerialLink", "main", "place_link"]

#: Cycles of a bit: 3 Mbit/s at 48 MHz.
_DIVISOR = 16
_BOARD = "ulx3s-85f"
#: Clock that place and route aims at.
_ASKED_MHZ = 100


class SerialLink(wiring.Component):
    """Host link of a core, from the pins of the serial line to the ports of the core.

    Timing
    ------
    As :class:`prunus_rtl.link.serial_system.SerialSystem`. Clock domain ``sync``.

    Parameters
    ----------
    network : NetworkConfig
        Network of the core.
    hardware : HardwareConfig
        The core.

    Members
    -------
    rx, tx : In(1), Out(1)
        Serial line.

    The other members are those of :class:`prunus_rtl.link.endpoint.endpoint.Endpoint`.
    """

    def __init__(self, *, network: NetworkConfig, hardware: HardwareConfig) -> None:
        self._endpoint = unnamed_endpoint(network, hardware)
        self._ports = {
            name: member
            for name, member in self._endpoint.signature.members.items()
            if name not in ("rx", "tx")
        }
        super().__init__({"rx": In(1), "tx": Out(1), **self._ports})

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        m.submodules.endpoint = endpoint = self._endpoint
        m.submodules.receiver = receiver = UartReceiver(divisor=_DIVISOR)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=_DIVISOR)
        m.submodules.queue = queue = ReceiveQueue(depth=QUEUE_BYTES)
        wiring.connect(m, receiver.octets, queue.i)
        wiring.connect(m, queue.o, endpoint.rx)
        wiring.connect(m, endpoint.tx, transmitter.octets)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        for name, member in self._ports.items():
            inner, outer = getattr(endpoint, name), getattr(self, name)
            if member.is_port:
                m.d.comb += outer.eq(inner)
            else:
                wiring.connect(m, inner, wiring.flipped(outer))
        return m


def place_link(
    link: wiring.Component, *, seeds: Sequence[int], tools: Tools | None = None
) -> list[Placement]:
    """Synthesise, place and route a link for the ULX3S, once for each seed.

    Parameters
    ----------
    link : wiring.Component
        The link.
    seeds : sequence of int
        Seeds of place and route.
    tools : Tools, optional
        Default: those of the Python packages.

    Returns
    -------
    list of Placement
        What each attempt reaches, and takes.

    Raises
    ------
    ToolError
        If a tool is missing or fails.
    """
    tools = Tools() if tools is None else tools
    tools.check(["yosys", "nextpnr-ecp5"])
    board = find_board(_BOARD)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "link.il").write_text(rtlil.convert(link, name="link", emit_src=False))
        script = [
            "read_rtlil link.il",
            COLLISION_SCRIPT,
            f"synth_ecp5 {board.flow.synth_opts} -top link -json link.json",
        ]
        tools.run(["yosys", "-q", "-p", "; ".join(script)], folder)
        place = ["nextpnr-ecp5", "--85k", "--speed", "6", "--package", "CABGA381", "--quiet"]
        place += ["--json", "link.json", "--freq", str(_ASKED_MHZ), "--timing-allow-fail"]
        place += ["--out-of-context", "--report", "report.json", *board.flow.place_opts]
        for seed in seeds:
            tools.run([*place, "--seed", str(seed)], folder)
            found.append(read_placement(folder / "report.json", seed=seed))
    return found


@click.command()
@click.option("--seeds", type=WholeNumber(1, 100), default=5, show_default=True)
def main(seeds: int) -> None:
    """Place the host link alone on an ULX3S, and tell the clock that it reaches."""
    with user_errors():
        hardware = HardwareConfig(lanes=16, learn=False)
        link = SerialLink(network=NetworkConfig.named("demo"), hardware=hardware)
        placements = place_link(link, seeds=range(1, seeds + 1))
    reached = [placement.fmax_mhz for placement in placements]
    cells = placements[0].cells
    console.print(
        f"{median(reached):.1f} MHz: median of {', '.join(f'{mhz:.1f}' for mhz in reached)}"
    )
    console.print(", ".join(f"{kind} {count:,}" for kind, count in cells.items() if count))


if __name__ == "__main__":
    main()
