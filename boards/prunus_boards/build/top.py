"""What is built for a board: a core behind its serial line, with clock and pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from prunus_boards.build.stretcher import Stretcher
from prunus_boards.platforms.board import LED, UART, Board
from prunus_boards.platforms.dividers import Dividers
from prunus_boards.platforms.pll import Clocks
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.uart import baud_divisor
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.serial_system import SerialSystem

__all__ = ["LED_SECONDS", "BoardTop"]

#: How long the LED shines after a presentation.
LED_SECONDS = 0.05


class BoardTop(Elaboratable):
    """A core behind its serial line, with clock and pins.

    Not a component: its ports are the pins of the board. The LED shines while a presentation runs,
    and :data:`LED_SECONDS` longer, as an image takes too little time to be seen. Pins that the
    board wants at a level (:attr:`prunus_boards.platforms.board.Board.tied`) are driven.

    Parameters
    ----------
    plan : Plan
        The core, and initial contents of its memories.
    board : Board
        Where it is built.
    baud : int
        Bits per second on the serial line.
    dividers : Dividers, optional
        Makes the clock of the core. Default: it is the oscillator.

    Raises
    ------
    ConfigError
        If the clock can't give the bit rate.
    """

    def __init__(
        self, *, plan: Plan, board: Board, baud: int, dividers: Dividers | None = None
    ) -> None:
        self._plan = plan
        self._board = board
        self._clock_hz = board.oscillator_hz if dividers is None else dividers.out_hz
        self._baud = baud
        self._divisor = baud_divisor(clock_hz=self._clock_hz, baud=baud)
        self._dividers = dividers

    @property
    def description(self) -> CoreDescription:
        """Description of the core."""
        return CoreDescription.of(self._plan, clock_hz=self._clock_hz, baud=self._baud)

    def elaborate(self, platform: Any) -> Module:
        """Build all of it."""
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.submodules.clocks = Clocks(
            domain=sync,
            family=self._board.family,
            in_hz=self._board.oscillator_hz,
            pin=self._board.oscillator,
            dividers=self._dividers,
        )
        m.submodules.system = system = SerialSystem(
            plan=self._plan, divisor=self._divisor, clock_hz=self._clock_hz
        )
        uart = platform.request(UART, 0, dir={"rx": "-", "tx": "-"})
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.submodules.led = led = io.Buffer("o", platform.request(LED, 0, dir="-"))
        m.submodules.seen = seen = Stretcher(cycles=round(LED_SECONDS * self._clock_hz))
        m.d.comb += [
            system.rx.eq(rx.i),
            tx.o.eq(system.tx),
            seen.i.eq(system.running),
            led.o.eq(seen.o),
        ]
        for name, level in self._board.tied.items():
            pin = io.Buffer("o", platform.request(name, 0, dir="-"))
            m.submodules[name] = pin
            m.d.comb += pin.o.eq(level)
        return m
