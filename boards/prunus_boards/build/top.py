"""What is built for a board: a core behind its line, with clock and pins."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from prunus_boards.build.stretcher import Stretcher
from prunus_boards.platforms.board import LED, Board
from prunus_boards.platforms.dividers import Dividers
from prunus_boards.platforms.pll import Clocks
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.phy.spi import check_bit_rate
from prunus_rtl.link.phy.uart import baud_divisor
from prunus_rtl.link.protocol.description import CoreDescription, Line
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.spi_system import SpiSystem

__all__ = ["LED_SECONDS", "BoardTop"]

#: How long the LED shines after a presentation.
LED_SECONDS = 0.05


class BoardTop(Elaboratable):
    """A core behind its line, with clock and pins.

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
        Bits per second on the line; with SPI those that the driver asks for by default.
    dividers : Dividers, optional
        Makes the clock of the core. Default: it is the oscillator.
    link : str
        The line, one that the board has: ``uart`` or ``spi``.

    Raises
    ------
    ConfigError
        If the clock can't give the bit rate.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        board: Board,
        baud: int,
        dividers: Dividers | None = None,
        link: Line = "uart",
    ) -> None:
        self._plan = plan
        self._board = board
        self._clock_hz = board.oscillator_hz if dividers is None else dividers.out_hz
        self._baud = baud
        self._link = link
        self._dividers = dividers
        if link == "spi":
            check_bit_rate(clock_hz=self._clock_hz, baud=baud)
        else:
            self._divisor = baud_divisor(clock_hz=self._clock_hz, baud=baud)

    @property
    def description(self) -> CoreDescription:
        """Description of the core."""
        return CoreDescription.of(
            self._plan, clock_hz=self._clock_hz, baud=self._baud, link=self._link
        )

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
        system = self._spi(m, platform) if self._link == "spi" else self._uart(m, platform)
        m.submodules.led = led = io.Buffer("o", platform.request(LED, 0, dir="-"))
        m.submodules.seen = seen = Stretcher(cycles=round(LED_SECONDS * self._clock_hz))
        m.d.comb += [seen.i.eq(system.running), led.o.eq(seen.o)]
        for name, level in self._board.tied.items():
            pin = io.Buffer("o", platform.request(name, 0, dir="-"))
            m.submodules[name] = pin
            m.d.comb += pin.o.eq(level)
        return m

    def _uart(self, m: Module, platform: Any) -> SerialSystem:
        """Put the core behind the pins of a UART."""
        m.submodules.system = system = SerialSystem(
            plan=self._plan, divisor=self._divisor, clock_hz=self._clock_hz
        )
        uart = platform.request("uart", 0, dir={"rx": "-", "tx": "-"})
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [system.rx.eq(rx.i), tx.o.eq(system.tx)]
        return system

    def _spi(self, m: Module, platform: Any) -> SpiSystem:
        """Put the core behind the pins of SPI, of which it drives one, and only if selected."""
        m.submodules.system = system = SpiSystem(plan=self._plan, clock_hz=self._clock_hz)
        spi = platform.request("spi", 0, dir={"sck": "-", "cs": "-", "mosi": "-", "miso": "-"})
        for name in ("sck", "cs", "mosi"):
            pin = io.Buffer("i", getattr(spi, name))
            m.submodules[f"{name}_pin"] = pin
            m.d.comb += getattr(system, name).eq(pin.i)
        m.submodules.miso_pin = miso = io.Buffer("o", spi.miso)
        m.d.comb += [miso.o.eq(system.miso), miso.oe.eq(system.selected)]
        return system
