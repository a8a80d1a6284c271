"""A SoC for the ULX3S: a Prunus core, and a UART bridge by which a host reaches its registers.

    prunus generate demo --bus wishbone --output package
    python ulx3s.py package --output build [--build]

Without ``--build`` it stops at Verilog and scripts; with it, yosys and nextpnr-ecp5 must be there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from litex.build.generic_platform import IOStandard, Pins, Subsignal
from litex.build.io import CRG
from litex.build.lattice import LatticePlatform
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc_core import SoCMini
from prunus_litex import Prunus

__all__ = ["BAUD", "CLOCK_HZ", "ORIGIN", "PrunusSoC", "build"]

#: Clock of the board, used as it is.
CLOCK_HZ = 25_000_000
#: The fastest that its USB bridge has and that this clock gives within 2 %.
BAUD = 1_000_000
#: Where the registers of the core begin.
ORIGIN = 0x3000_0000
_IO = [
    ("clk25", 0, Pins("G2"), IOStandard("LVCMOS33")),
    (
        "serial",
        0,
        Subsignal("tx", Pins("L4"), IOStandard("LVCMOS33")),
        Subsignal("rx", Pins("M1"), IOStandard("LVCMOS33")),
    ),
]


class _Platform(LatticePlatform):  # type: ignore[misc]
    default_clk_name = "clk25"
    default_clk_period = 1e9 / CLOCK_HZ

    def __init__(self, device: str) -> None:
        super().__init__(device, _IO, toolchain="trellis")


class PrunusSoC(SoCMini):  # type: ignore[misc]
    """A core and a UART bridge; no processor.

    Parameters
    ----------
    platform : Platform
        The board.
    package : Path
        Of `prunus generate --bus axi` or `--bus wishbone`.
    baud : int
        Bits per second of the bridge.
    """

    def __init__(self, platform: Any, package: Path, *, baud: int = BAUD) -> None:
        super().__init__(platform, CLOCK_HZ, ident="Prunus", ident_version=False)
        self.crg = CRG(platform.request("clk25"))
        self.add_uartbone(baudrate=baud)
        self.prunus = Prunus(platform, package)
        self.prunus.attach(self, "prunus", ORIGIN)


def build(package: Path, output: Path, *, device: str, run: bool, baud: int = BAUD) -> Path:
    """Write the SoC; return the folder with its Verilog, scripts and memory images.

    Parameters
    ----------
    package, output : Path
    device : str
        ``LFE5U-12F-6BG381C`` to ``LFE5U-85F-6BG381C``.
    run : bool
        Whether it is synthesised, placed and routed.
    baud : int
        Bits per second of the bridge.
    """
    soc = PrunusSoC(_Platform(device), package, baud=baud)
    builder = Builder(soc, output_dir=str(output), csr_csv=str(output / "csr.csv"))
    soc.prunus.copy_memories(Path(builder.gateware_dir))
    builder.build(build_name="ulx3s", run=run)
    return Path(builder.gateware_dir)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--output", type=Path, default=Path("build"))
    parser.add_argument("--device", default="LFE5U-85F-6BG381C")
    parser.add_argument("--build", action="store_true")
    options = parser.parse_args()
    build(options.package, options.output, device=options.device, run=options.build)


if __name__ == "__main__":
    main()
