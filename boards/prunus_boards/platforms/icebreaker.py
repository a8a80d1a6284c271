"""1BitSquared iCEBreaker."""

from amaranth_boards.icebreaker import ICEBreakerPlatform

from prunus_boards.platforms.board import Board

__all__ = ["BOARD"]

#: UART on channel B of the FT2232H; channel A loads.
BOARD = Board(
    name="icebreaker",
    title="1BitSquared iCEBreaker",
    device="iCE40UP5K-SG48",
    family="ice40",
    memory="UP5K",
    platform=ICEBreakerPlatform,
    oscillator="clk12",
    oscillator_hz=12_000_000,
    clock_hz=24_000_000,
    network="up5k",
    lanes=2,
    # openFPGALoader does not know this board by name.
    loader=("--board", "ice40_generic"),
    # The device loads itself from flash memory; its own memory is behind jumpers.
    volatile=False,
)
