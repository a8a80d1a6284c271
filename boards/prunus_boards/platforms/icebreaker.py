"""1BitSquared iCEBreaker."""

from typing import ClassVar

from amaranth.build import Attrs, Resource
from amaranth_boards.icebreaker import ICEBreakerPlatform

from prunus_boards.platforms.board import Board
from prunus_boards.platforms.spi_resource import spi_resource

__all__ = ["BOARD"]


class _Platform(ICEBreakerPlatform):
    """The board with SPI on a header."""

    resources: ClassVar[list[Resource]] = [
        *ICEBreakerPlatform.resources,
        # The order of SPI on a Pmod (type 2): pins 1 to 4 of PMOD1A.
        spi_resource(
            cs="1",
            mosi="2",
            miso="3",
            sck="4",
            attrs=Attrs(IO_STANDARD="SB_LVCMOS"),
            pull_up=Attrs(PULLUP=1),
            conn=("pmod", 0),
        ),
    ]


#: UART on channel B of the FT2232H; channel A loads. SPI on PMOD1A.
BOARD = Board(
    name="icebreaker",
    title="1BitSquared iCEBreaker",
    device="iCE40UP5K-SG48",
    family="ice40",
    memory="UP5K",
    platform=_Platform,
    oscillator="clk12",
    oscillator_hz=12_000_000,
    clock_hz=24_000_000,
    network="up5k",
    lanes=2,
    # openFPGALoader does not know this board by name.
    loader=("--board", "ice40_generic"),
    # The device loads itself from flash memory; its own memory is behind jumpers.
    volatile=False,
    links=("uart", "spi"),
)
