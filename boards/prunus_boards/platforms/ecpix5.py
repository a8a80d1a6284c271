"""LambdaConcept ECPIX-5 with the larger ECP5."""

from typing import ClassVar

from amaranth.build import Attrs, Resource
from amaranth_boards.ecpix5 import ECPIX585Platform
from amaranth_boards.resources import LEDResources

from prunus_boards.platforms.board import Board

__all__ = ["BOARD"]


class _Platform(ECPIX585Platform):
    """The board with one of its colours as the LED that the others have."""

    resources: ClassVar[list[Resource]] = [
        *(r for r in ECPIX585Platform.resources if (r.name, r.number) != ("rgb_led", 0)),
        *LEDResources(pins="R21", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
    ]


#: UART on channel B of the FT2232H.
BOARD = Board(
    name="ecpix5-85f",
    title="LambdaConcept ECPIX-5 85F",
    device="LFE5UM5G-85F-8",
    family="ecp5",
    memory="ECP5-85F",
    platform=_Platform,
    oscillator="clk100",
    oscillator_hz=100_000_000,
    clock_hz=60_000_000,
    network="400",
    lanes=16,
    loader=("--board", "ecpix5"),
)
