"""UART: octets over two wires, 8 data bits, no parity, 1 stop bit."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from prunus_model.common.errors import ConfigError

__all__ = ["UartReceiver", "UartTransmitter", "baud_divisor", "baud_error"]

#: Bits of an octet.
_DATA_BITS = 8
#: Cycles of a bit, at least: with fewer, three samples are no longer the middle of a bit.
_MIN_DIVISOR = 8
#: Largest error of the baud rate, in percent.
_MAX_ERROR = 2


def baud_divisor(*, clock_hz: int, baud: int) -> int:
    """Return the cycles of a bit.

    Parameters
    ----------
    clock_hz : int
        Clock of the UART.
    baud : int
        Bits per second.

    Raises
    ------
    ConfigError
        If the clock is too slow, or gives the rate only with an error above 2 %.

    Examples
    --------
    >>> baud_divisor(clock_hz=12_000_000, baud=1_000_000)
    12
    """
    if baud < 1:
        raise ConfigError(f"Baud rate must be positive, not {baud}")
    divisor = (2 * clock_hz + baud) // (2 * baud)
    fastest = clock_hz // _MIN_DIVISOR
    if divisor < _MIN_DIVISOR:
        raise ConfigError(
            f"Baud rate must be at most {fastest} with a clock of {clock_hz} Hz, not {baud}"
        )
    if abs(clock_hz - divisor * baud) * 100 > _MAX_ERROR * divisor * baud:
        divisors = range(max(_MIN_DIVISOR, divisor - 1), divisor + 2)
        nearest = min((clock_hz // n for n in divisors), key=lambda rate: abs(rate - baud))
        raise ConfigError(
            f"Baud rate must be within {_MAX_ERROR} % of {clock_hz} Hz / n, not {baud}: "
            f"the nearest is {nearest}"
        )
    return divisor


def baud_error(*, clock_hz: int, baud: int) -> float:
    """Return by how many percent the rate of the divisor is above the one that was asked for.

    Examples
    --------
    >>> [baud_error(clock_hz=clock, baud=3_000_000) for clock in (24_000_000, 50_000_000)]
    [0.0, -1.96]
    """
    return round(100 * (clock_hz / baud_divisor(clock_hz=clock_hz, baud=baud) / baud - 1), 2)


def _check(divisor: int) -> None:
    if divisor < _MIN_DIVISOR:
        raise ValueError(f"Divisor must be {_MIN_DIVISOR} or more, not {divisor!r}")


class UartReceiver(wiring.Component):
    """UART receiver.

    A bit is the majority of three samples in its middle. A start bit that is over then was noise;
    an octet without a stop bit (framing error, break) is dropped, and the line must be high again
    before the next one begins. So is an octet that comes while the last one has not been taken.

    Timing
    ------
    ``octets`` is a function of registers only. The bit rates of both sides may differ by 2 %.
    Clock domain ``sync``.

    Parameters
    ----------
    divisor : int
        Cycles of a bit, at least 8.

    Members
    -------
    rx : In(1)
        Line, asynchronous; high when idle.
    octets : Out(stream.Signature(8))
        Octets.

    Raises
    ------
    ValueError
        If the divisor is too small.
    """

    def __init__(self, *, divisor: int) -> None:
        _check(divisor)
        self._divisor = divisor
        super().__init__({"rx": In(1, init=1), "octets": Out(stream.Signature(_DATA_BITS))})

    @property
    def divisor(self) -> int:
        """Cycles of a bit."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        # The last two samples and the present one; the middle one is one cycle old.
        samples = Signal(2, init=3)
        m.d.sync += samples.eq(Cat(line, samples))
        majority = (line & samples[0]) | (line & samples[1]) | (samples[0] & samples[1])

        timer = Signal(range(self._divisor))
        bit = Signal(range(_DATA_BITS))
        shift = Signal(_DATA_BITS)
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.If(self.octets.ready):
            m.d.sync += self.octets.valid.eq(0)

        with m.FSM(name="uart_receiver"):
            with m.State("Wait"):
                m.d.sync += [bit.eq(0), timer.eq(self._divisor // 2)]
                with m.If(~line):
                    m.next = "Start"
            with m.State("Start"):
                with m.If(timer == 0):
                    m.d.sync += timer.eq(self._divisor - 1)
                    m.next = "Data"
                    with m.If(majority):
                        m.next = "Wait"
            with m.State("Data"):
                with m.If(timer == 0):
                    m.d.sync += [
                        timer.eq(self._divisor - 1),
                        shift.eq(Cat(shift[1:], majority)),
                        bit.eq(bit + 1),
                    ]
                    with m.If(bit == _DATA_BITS - 1):
                        m.next = "Stop"
            with m.State("Stop"):
                with m.If(timer == 0):
                    m.next = "Recover"
                    with m.If(majority):
                        m.next = "Wait"
                        with m.If(~self.octets.valid | self.octets.ready):
                            m.d.sync += [self.octets.valid.eq(1), self.octets.payload.eq(shift)]
            with m.State("Recover"):
                with m.If(line):
                    m.next = "Wait"
        return m


class UartTransmitter(wiring.Component):
    """UART transmitter.

    Timing
    ------
    An octet takes ``10 * divisor`` cycles. ``tx`` is a register, ``octets.ready`` a function of
    registers only. Clock domain ``sync``.

    Parameters
    ----------
    divisor : int
        Cycles of a bit, at least 8.

    Members
    -------
    octets : In(stream.Signature(8))
        Octets.
    tx : Out(1)
        Line; high when idle.

    Raises
    ------
    ValueError
        If the divisor is too small.
    """

    def __init__(self, *, divisor: int) -> None:
        _check(divisor)
        self._divisor = divisor
        super().__init__({"octets": In(stream.Signature(_DATA_BITS)), "tx": Out(1, init=1)})

    @property
    def divisor(self) -> int:
        """Cycles of a bit."""
        return self._divisor

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        timer = Signal(range(self._divisor))
        # What is left to be sent, the next bit first; behind the stop bit only zeros.
        shift = Signal(_DATA_BITS + 2)
        m.d.comb += self.octets.ready.eq((shift[1:] == 0) & (timer == 0))
        m.d.sync += self.tx.eq(shift[0] | (shift == 0))
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += shift.eq(shift >> 1)
            with m.If(~self.octets.ready | self.octets.valid):
                m.d.sync += timer.eq(self._divisor - 1)
            with m.If(self.octets.ready & self.octets.valid):
                m.d.sync += shift.eq(Cat(Const(0, 1), self.octets.payload, Const(1, 1)))
        return m
