"""Radiona ULX3S with the largest ECP5."""

from typing import ClassVar

from amaranth.build import Attrs, Pins, Resource
from amaranth_boards.resources import UARTResource
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from prunus_boards.platforms.board import Board
from prunus_boards.platforms.spi_resource import spi_resource

__all__ = ["BOARD"]

_GPIO0 = "wifi_gpio0"
_ATTRS = Attrs(IO_TYPE="LVCMOS33")


class _Platform(ULX3S_85F_Platform):
    """The board with a serial line of two pins, SPI on a header, and one pin of its ESP32 alone.

    Everything that is requested of a resource becomes a pin, whether it is used or not: so lines
    that nobody drives are not part of one.
    """

    resources: ClassVar[list[Resource]] = [
        *(r for r in ULX3S_85F_Platform.resources if r.name not in ("uart", "esp32")),
        UARTResource(0, rx="M1", tx="L4", attrs=_ATTRS),
        # GP0, GN0, GP1, GN1 of header J1.
        spi_resource(
            sck="0+",
            cs="0-",
            mosi="1+",
            miso="1-",
            attrs=_ATTRS,
            pull_up=Attrs(PULLMODE="UP"),
            conn=("gpio", 0),
        ),
        Resource(_GPIO0, 0, Pins("L2", dir="o"), Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),
    ]


#: UART on the FT231X, `/dev/ttyUSB*`; SPI on the header J1.
BOARD = Board(
    name="ulx3s-85f",
    title="Radiona ULX3S 85F",
    device="LFE5U-85F-6",
    family="ecp5",
    memory="ECP5-85F",
    platform=_Platform,
    oscillator="clk25",
    oscillator_hz=25_000_000,
    # What a device nearly full of block RAM reaches; a smaller network takes 50 MHz.
    clock_hz=30_000_000,
    network="400",
    lanes=16,
    loader=("--board", "ulx3s"),
    links=("uart", "spi"),
    # Left open, the ESP32 may take hold of the board and reboot it.
    tied={_GPIO0: 1},
)
