"""Writes the configuration of the testbench of a device behind a link, ``link_tb.sv``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from prunus_rtl.link.protocol.description import Line

__all__ = ["CONFIG_FILE", "RX_OCTETS", "TX_OCTETS", "write_testbench"]

#: The file that ``link_tb.sv`` includes.
CONFIG_FILE = "link_tb_config.svh"
#: Most bytes to the device in one command, and from it.
RX_OCTETS = 512
TX_OCTETS = 1024


def write_testbench(
    folder: Path, *, divisor: int | None = None, line: Line = "uart", top: str = "dut"
) -> Path:
    """Write :data:`CONFIG_FILE` for a device.

    Parameters
    ----------
    folder : Path
        Where to write; the simulator must find included files there.
    divisor : int, optional
        Cycles of a bit, at least 2, of a device with pins. Default: ``rx`` and ``tx`` are streams
        of bytes.
    line : str
        What the pins are: ``rx`` and ``tx`` of a ``uart``, or ``sck``, ``cs``, ``mosi``, ``miso``
        and ``selected`` of ``spi``.
    top : str
        Name of the module of the device.

    Returns
    -------
    Path
        The testbench; its top module is ``tb``.
    """
    macros = {"RX_OCTETS": RX_OCTETS, "TX_OCTETS": TX_OCTETS, "TOP": top}
    if divisor is not None:
        macros["DIVISOR"] = divisor
        if line == "spi":
            macros["SPI"] = 1
    lines = ["// Written by prunus_sim.link.testbench, included by link_tb.sv."]
    lines += [f"`define {name} {value}" for name, value in macros.items()]
    (folder / CONFIG_FILE).write_text("\n".join(lines) + "\n")
    return Path(str(resources.files("prunus_sim.link"))) / "link_tb.sv"
