"""Radiona ULX3S with the largest ECP5."""

from amaranth_boards.ulx3s import ULX3S_85F_Platform

from prunus_boards.platforms.board import Board

__all__ = ["BOARD"]

#: UART on the FT231X, `/dev/ttyUSB*`.
BOARD = Board(
    name="ulx3s-85f",
    title="Radiona ULX3S 85F",
    device="LFE5U-85F-6",
    family="ecp5",
    memory="ECP5-85F",
    platform=ULX3S_85F_Platform,
    oscillator="clk25",
    oscillator_hz=25_000_000,
    # What a device nearly full of block RAM reaches; a smaller network takes 50 MHz.
    clock_hz=30_000_000,
    network="400",
    lanes=16,
    loader=("--board", "ulx3s"),
)
