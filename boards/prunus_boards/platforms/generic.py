"""Devices on boards of the user's: four pins, which the user may move."""

from collections.abc import Mapping, Sequence

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeECP5Platform, LatticeICE40Platform
from amaranth_boards.resources import LEDResources, UARTResource

from prunus_boards.platforms.board import Board

__all__ = ["ECP5", "ICE40"]

_ECP5_HZ = 25_000_000
_ICE40_HZ = 12_000_000


def _resources(pins: Mapping[str, str], hz: int, attrs: Attrs, clock: Attrs) -> list[Resource]:
    return [
        Resource("clk", 0, Pins(pins["clock"], dir="i"), Clock(hz), clock),
        UARTResource(0, rx=pins["rx"], tx=pins["tx"], attrs=attrs),
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
        self.resources = _resources(pins, _ECP5_HZ, attrs, attrs)
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
        self.resources = _resources(pins, _ICE40_HZ, attrs, clock)
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
    lanes=4,
    pins={"clock": "35", "rx": "6", "tx": "9", "led": "11"},
)
