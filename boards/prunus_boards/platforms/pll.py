"""Clock and reset of a core: the oscillator of the board as it is, or a phase-locked loop."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from prunus_boards.platforms.dividers import Dividers

__all__ = ["Clocks"]

#: Block RAMs of the iCE40 read as 0 for about 3 us after configuration; five times that.
_SETTLE_S = 15e-6


class Clocks(Elaboratable):
    """Drives clock and reset of a domain.

    Not a component: its only port is a pin. Reset of the domain ends a while after the loop has
    locked, when the memories of the device can be read.

    Pin or loop drive the clock of the domain itself, without a net of another name between:
    synthesis merges such nets, and a constraint must not name the one that is gone. It names
    :data:`prunus_boards.platforms.board.CLOCK_NET`. Flip-flops that must run during the reset are
    in the same domain, without reset.

    Parameters
    ----------
    domain : ClockDomain
        Called ``sync``, of the design that this is in.
    family : str
        One of :data:`prunus_boards.platforms.dividers.PLLS`.
    in_hz : int
        Frequency of the oscillator.
    pin : str
        Resource of the oscillator.
    dividers : Dividers, optional
        Setting of the loop. Default: no loop, the clock is the oscillator.
    """

    def __init__(
        self,
        *,
        domain: ClockDomain,
        family: str,
        in_hz: int,
        pin: str,
        dividers: Dividers | None = None,
    ) -> None:
        self._domain = domain
        self._family = family
        self._in_hz = in_hz
        self._out_hz = in_hz if dividers is None else dividers.out_hz
        self._pin = pin
        self._dividers = dividers

    def elaborate(self, platform: Any) -> Module:
        """Build clock and reset."""
        m = Module()
        port = platform.request(self._pin, dir="-")
        clock = self._domain.clk
        # Of several names of a net, synthesis leaves that with the most attributes.
        clock.attrs["keep"] = "true"
        locked = Signal(init=1)
        if self._dividers is None:
            m.submodules.pin = pin = io.Buffer("i", port)
            m.d.comb += clock.eq(pin.i)
        elif self._family == "ice40":
            # This loop takes the pin itself; a buffer beside it could not be placed.
            m.submodules.pll = _ice40(self._dividers, self._in_hz, port.io, clock, locked)
        else:
            m.submodules.pin = pin = io.Buffer("i", port)
            build = {"ecp5": _ecp5, "gowin": _gowin}[self._family]
            m.submodules.pll = build(self._dividers, self._in_hz, pin.i, clock, locked)

        cycles = int(_SETTLE_S * self._out_hz)
        steady = Signal()
        timer = Signal(range(cycles + 1), reset_less=True)
        ready = Signal(reset_less=True)
        m.submodules.steady = FFSynchronizer(locked, steady)
        with m.If(~steady):
            m.d.sync += timer.eq(0)
        with m.Elif(timer != cycles):
            m.d.sync += timer.eq(timer + 1)
        m.d.sync += ready.eq(timer == cycles)
        m.d.comb += self._domain.rst.eq(~ready)
        return m


def _ecp5(d: Dividers, in_hz: int, source: Any, clock: Signal, locked: Signal) -> Instance:
    """Return the loop of an ECP5; parameters beside the dividers as ecppll sets them."""
    return Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{in_hz / 1e6:g}",
        a_FREQUENCY_PIN_CLKOP=f"{d.out_hz / 1e6:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_PLLRST_ENA="DISABLED",
        p_INTFB_WAKE="DISABLED",
        p_STDBY_ENABLE="DISABLED",
        p_DPHASE_SOURCE="DISABLED",
        p_OUTDIVIDER_MUXA="DIVA",
        p_CLKI_DIV=d.reference,
        p_CLKFB_DIV=d.feedback,
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=d.output,
        p_CLKOP_CPHASE=d.output // 2,
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_RST=0,
        i_STDBY=0,
        i_CLKI=source,
        i_CLKFB=clock,
        i_PHASESEL0=0,
        i_PHASESEL1=0,
        i_PHASEDIR=1,
        i_PHASESTEP=1,
        i_PHASELOADREG=1,
        i_PLLWAKESYNC=0,
        i_ENCLKOP=0,
        o_CLKOP=clock,
        o_LOCK=locked,
    )


def _ice40(d: Dividers, in_hz: int, pin: Any, clock: Signal, locked: Signal) -> Instance:
    """Return the loop of an iCE40; the range of its filter is that of icepll."""
    compared = in_hz / d.reference / 1e6
    limits = (17, 26, 44, 66, 101)
    return Instance(
        "SB_PLL40_PAD",
        p_FEEDBACK_PATH="SIMPLE",
        p_DIVR=d.reference - 1,
        p_DIVF=d.feedback - 1,
        p_DIVQ=d.output.bit_length() - 1,
        p_FILTER_RANGE=1 + sum(compared >= limit for limit in limits),
        i_PACKAGEPIN=pin,
        i_RESETB=1,
        i_BYPASS=0,
        o_PLLOUTGLOBAL=clock,
        o_LOCK=locked,
    )


def _gowin(d: Dividers, in_hz: int, source: Any, clock: Signal, locked: Signal) -> Instance:
    """Return the loop of a GW1N."""
    return Instance(
        "rPLL",
        p_FCLKIN=f"{in_hz / 1e6:g}",
        p_IDIV_SEL=d.reference - 1,
        p_FBDIV_SEL=d.feedback - 1,
        p_ODIV_SEL=d.output,
        i_RESET=0,
        i_RESET_P=0,
        i_CLKFB=0,
        i_FBDSEL=0,
        i_IDSEL=0,
        i_ODSEL=0,
        i_PSDA=0,
        i_DUTYDA=0,
        i_FDLY=0,
        i_CLKIN=source,
        o_CLKOUT=clock,
        o_LOCK=locked,
    )
