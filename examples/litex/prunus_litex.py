"""LiteX module of a Prunus core: a package of `prunus generate --bus axi` or `--bus wishbone`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.axi import AXILiteInterface
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal, Signal

__all__ = ["WINDOW_BYTES", "Prunus"]

#: Size of the window with the registers.
WINDOW_BYTES = 1 << 16


class Prunus(LiteXModule):
    """A core as a slave on the bus of a SoC, with its interrupt.

    In a SoC::

        self.prunus = Prunus(platform, Path("my_package"))
        self.prunus.attach(self, "prunus")

    The streams of an AXI package stay unused: images are written to its registers.

    Parameters
    ----------
    platform : Platform
        Gets the Verilog.
    folder : Path
        The package.

    Attributes
    ----------
    bus : AXILiteInterface or wishbone.Interface
        Slave, as the package has it.

    Raises
    ------
    ValueError
        If the package has no bus.
    """

    def __init__(self, platform: Any, folder: Path) -> None:
        self._folder = folder
        interface = json.loads((folder / "manifest.json").read_text())["interface"]
        interrupt = Signal()
        ports: dict[str, Any] = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal(),
            "o_interrupt": interrupt,
        }
        if interface == "axi":
            # LiteX knows addresses of 32 bits only; the core takes the low 16.
            self.bus: Any = AXILiteInterface(data_width=32, address_width=32)
            ports |= _axi_ports(self.bus)
            levels = "levels" if "s_axis_levels_tdata" in self._text() else "events"
            ports |= {
                f"i_s_axis_{levels}_tdata": 0,
                f"i_s_axis_{levels}_tlast": 0,
                f"i_s_axis_{levels}_tvalid": 0,
                "i_m_axis_spikes_tready": 0,
            }
        elif interface == "wishbone":
            self.bus = wishbone.Interface(data_width=32, address_width=32, addressing="word")
            ports |= _wishbone_ports(self.bus)
        else:
            raise ValueError(f"Package {folder} must have --bus axi or wishbone, not {interface}")
        self.specials += Instance(f"prunus_{interface}", **ports)
        platform.add_source(str((folder / "core.v").resolve()))
        # For SoCs with a processor.
        self.ev = EventManager()
        self.ev.done = EventSourceLevel(description="A presentation is over, or an error.")
        self.ev.finalize()
        self.comb += self.ev.done.trigger.eq(interrupt)

    def attach(self, soc: Any, name: str, origin: int | None = None) -> None:
        """Make the core a slave of a SoC, in a window of its own."""
        region = SoCRegion(origin=origin, size=WINDOW_BYTES, cached=False)
        soc.bus.add_slave(name, self.bus, region)
        if soc.irq.enabled:
            soc.irq.add(name, use_loc_if_exists=True)

    def copy_memories(self, gateware: Path) -> None:
        """Copy the memory images to where the tools are started.

        Parameters
        ----------
        gateware : Path
            ``builder.gateware_dir``.
        """
        gateware.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self._folder / "memories", gateware / "memories", dirs_exist_ok=True)

    def _text(self) -> str:
        return (self._folder / "instance.v").read_text()


def _axi_ports(bus: Any) -> dict[str, Any]:
    """Return the ports of AXI4-Lite."""
    ports: dict[str, Any] = {}
    for channel, ours, payload in (
        ("aw", "i", ("addr", "prot")),
        ("w", "i", ("data", "strb")),
        ("b", "o", ("resp",)),
        ("ar", "i", ("addr", "prot")),
        ("r", "o", ("data", "resp")),
    ):
        stream = getattr(bus, channel)
        theirs = "o" if ours == "i" else "i"
        for field in payload:
            value = getattr(stream, field, 0)
            ports[f"{ours}_s_axi_{channel}{field}"] = value[:16] if field == "addr" else value
        ports[f"{ours}_s_axi_{channel}valid"] = stream.valid
        ports[f"{theirs}_s_axi_{channel}ready"] = stream.ready
    return ports


def _wishbone_ports(bus: Any) -> dict[str, Any]:
    """Return the ports of Wishbone."""
    into = ("cyc", "stb", "we", "sel", "dat_w")
    return {
        **{f"i_wb_{name}": getattr(bus, name) for name in into},
        # In words of 32 bits, as LiteX counts them.
        "i_wb_adr": bus.adr[:14],
        **{f"o_wb_{name}": getattr(bus, name) for name in ("dat_r", "ack", "err")},
    }
