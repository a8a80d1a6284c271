"""Devices on boards of the user's, who may move the pins."""

from collections.abc import Mapping, Sequence

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeECP5Platform, LatticeICE40Platform
from amaranth_boards.resources import LEDResources, UARTResource

from prunus_boards.platforms.board import LINE_PINS, Board
from prunus_boards.platforms.spi_resource import spi_resource

__all__ = ["ECP5", "ICE40"]

#: Columns of each row of the package BG256 (caBGA256) that are inputs and outputs of an
#: LFE5U-25F, from Project Trellis.
_BG256 = {
    "A": ((2, 15),),
    "B": ((1, 16),),
    "C": ((1, 16),),
    "D": ((1, 1), (3, 14), (16, 16)),
    "E": ((1, 16),),
    "F": ((1, 5), (12, 16)),
    "G": ((1, 5), (12, 16)),
    "H": ((2, 5), (12, 15)),
    "J": ((1, 5), (12, 16)),
    "K": ((1, 5), (12, 16)),
    "L": ((1, 5), (12, 16)),
    "M": ((1, 9), (11, 16)),
    "N": ((1, 1), (3, 8), (11, 14), (16, 16)),
    "P": ((1, 8), (11, 16)),
    "R": ((1, 8), (12, 16)),
    "T": ((2, 4), (6, 8), (13, 15)),
}
#: Pins of the package SG48 that an ordinary buffer can use, from the data sheet: 39 to 41 are those
#: of the LED driver.
_SG48 = (
    "2 3 4 6 9 10 11 12 13 14 15 16 17 18 19 20 21 23 25 26 27 28 31 32 34 35 36 37 38 "
    "42 43 44 45 46 47 48"
)
_ECP5_HZ = 25_000_000
_ICE40_HZ = 12_000_000


def _resources(
    pins: Mapping[str, str], hz: int, attrs: Attrs, clock: Attrs, pull_up: Attrs
) -> list[Resource]:
    if "rx" in pins:
        line = UARTResource(0, rx=pins["rx"], tx=pins["tx"], attrs=attrs)
    else:
        sck, cs, mosi, miso = (pins[name] for name in LINE_PINS["spi"])
        line = spi_resource(sck=sck, cs=cs, mosi=mosi, miso=miso, attrs=attrs, pull_up=pull_up)
    return [
        Resource("clk", 0, Pins(pins["clock"], dir="i"), Clock(hz), clock),
        line,
        *LEDResources(pins=pins["led"], attrs=attrs),
    ]


class _Ecp5(LatticeECP5Platform):
    """The ECP5 of 24,000 logic cells, 3.3 V."""

    device = "LFE5U-25F"
    package = "BG256"
    speed = "6"
    default_clk = "clk"
    resources: Sequence[Resource] = ()
    connectors = ()

    def __init__(self, pins: Mapping[str, str]) -> None:
        attrs = Attrs(IO_TYPE="LVCMOS33")
        self.resources = _resources(pins, _ECP5_HZ, attrs, attrs, Attrs(PULLMODE="UP"))
        super().__init__()


class _Ice40(LatticeICE40Platform):
    """The iCE40UP5K."""

    device = "iCE40UP5K"
    package = "SG48"
    default_clk = "clk"
    resources: Sequence[Resource] = ()
    connectors = ()

    def __init__(self, pins: Mapping[str, str]) -> None:
        attrs = Attrs(IO_STANDARD="SB_LVCMOS")
        clock = Attrs(GLOBAL=True, IO_STANDARD="SB_LVCMOS")
        self.resources = _resources(pins, _ICE40_HZ, attrs, clock, Attrs(PULLUP=1))
        super().__init__()


#: Pins as on the Colorlight 5A-75B.
ECP5 = Board(
    name="generic-ecp5",
    title="any board with an ECP5-25F",
    device="LFE5U-25F-6 BG256",
    family="ecp5",
    memory="ECP5-25F",
    platform=_Ecp5,
    oscillator="clk",
    oscillator_hz=_ECP5_HZ,
    clock_hz=50_000_000,
    network="demo",
    lanes=8,
    pins={"clock": "P6", "rx": "M13", "tx": "P11", "led": "F3"},
    package=" ".join(
        f"{row}{column}"
        for row, ranges in _BG256.items()
        for first, last in ranges
        for column in range(first, last + 1)
    ),
    links=("uart", "spi"),
)
#: Pins as on the iCEBreaker.
ICE40 = Board(
    name="generic-ice40",
    title="any board with an iCE40UP5K",
    device="iCE40UP5K-SG48",
    family="ice40",
    memory="UP5K",
    platform=_Ice40,
    oscillator="clk",
    oscillator_hz=_ICE40_HZ,
    clock_hz=18_000_000,
    network="demo",
    lanes=2,
    pins={"clock": "35", "rx": "6", "tx": "9", "led": "11"},
    package=_SG48,
    links=("uart", "spi"),
)
