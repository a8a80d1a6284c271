"""SPI: octets over four wires, of which the host drives three.

Mode 0 of the SPI Block Guide of Motorola (S12SPIV4, version 4.01, chapter 4.4: CPOL = 0, CPHA = 0,
LSBFE = 0): SCK is low when idle, both ends sample at its rising edge and change their bit at its
falling edge, the most significant bit goes first, and chip select is low while octets are
exchanged. The first bit is there before the first edge.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from prunus_model.common.errors import ConfigError

__all__ = ["FILLER", "MIN_CYCLES", "SpiPeripheral", "check_bit_rate"]

#: Bits of an octet.
_DATA_BITS = 8
#: What is sent when there is nothing to be sent: it ends a frame, or is an empty one.
FILLER = 0x00
#: Cycles of a bit, at least: half of them from SCK to MISO (3), and for pads, wires and host (1).
MIN_CYCLES = 8


def check_bit_rate(*, clock_hz: int, baud: int) -> None:
    """Check that a clock is fast enough for a bit rate.

    Parameters
    ----------
    clock_hz : int
        Clock of the peripheral.
    baud : int
        Bits per second: frequency of SCK.

    Raises
    ------
    ConfigError
        If it is not.

    Examples
    --------
    >>> check_bit_rate(clock_hz=24_000_000, baud=3_000_000)
    """
    fastest = clock_hz // MIN_CYCLES
    if not 1 <= baud <= fastest:
        raise ConfigError(
            f"Bit rate of SPI must be 1 to {fastest} with a clock of {clock_hz} Hz, not {baud}"
        )


class SpiPeripheral(wiring.Component):
    """SPI peripheral, sampled by the clock of the core.

    Octets are exchanged in both directions at once, so one of them mostly has nothing to say and
    sends :data:`FILLER`. A received 0 behind a 0 is not passed on: as octets of frames, it says
    nothing (an empty frame), and fillers must not take the place of a request in a queue. So the
    first octet that is passed on is never 0.

    Which octet is sent is decided while chip select is high, or when the last bit of the octet
    before is over: FILLER, if none is offered then. It is taken from the stream with its last bit,
    when the host has seen all of it. If chip select goes high before, it is not taken, and is sent
    again, whole; of what is received the octet that is not whole is dropped, and so is one that
    comes while the last one has not been taken.

    Timing
    ------
    With ``T`` the period of the clock, edges at the pins must be this far apart:

    - SCK low: ``3 T``, and what pads, wires and host need, as MISO changes 2 to 3 cycles after SCK
      falls (synchroniser 1 to 2, register 1). SCK high: ``2 T``.
    - Chip select low before SCK rises: ``2 T``, and as above. SCK rises before chip select goes
      high: ``T``. Chip select high: ``T``.
    - MOSI keeps its bit for ``T`` after SCK has risen.

    So SCK that is high half of the time has at most the frequency of the clock divided by 6, and
    then nothing is left for what is outside; divided by :data:`MIN_CYCLES` = 8, a cycle is left. It
    may be as slow as it likes, and stand still.

    An octet that is to follow without filler must be offered 2 cycles after the one before was
    taken. ``miso``, ``selected``, ``octets_in`` and ``octets_out.ready`` are functions of registers
    only. Clock domain ``sync``.

    Members
    -------
    sck : In(1)
        Bit clock, asynchronous.
    cs : In(1)
        Chip select, asynchronous; low selects.
    mosi : In(1)
        From the host, asynchronous.
    miso : Out(1)
        To the host.
    selected : Out(1)
        Chip select is low: ``miso`` is to be driven. Else others may drive the wire.
    octets_in : Out(stream.Signature(8))
        Octets from the host.
    octets_out : In(stream.Signature(8))
        Octets to the host.
    """

    def __init__(self) -> None:
        octets = stream.Signature(_DATA_BITS)
        super().__init__(
            {
                "sck": In(1),
                "cs": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "selected": Out(1),
                "octets_in": Out(octets),
                "octets_out": In(octets),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        sck, cs, mosi = Signal(), Signal(init=1), Signal()
        m.submodules.sck = FFSynchronizer(self.sck, sck)
        m.submodules.cs = FFSynchronizer(self.cs, cs, init=1)
        m.submodules.mosi = FFSynchronizer(self.mosi, mosi)
        before = Signal()
        m.d.sync += before.eq(sck)
        rise, fall = sck & ~before, before & ~sck

        bit = Signal(range(_DATA_BITS))
        received = Signal(_DATA_BITS - 1)
        # What is sent, the next bit last; and whether it is an octet of the stream.
        sent = Signal(_DATA_BITS)
        offered = Signal()
        last = bit == _DATA_BITS - 1
        m.d.comb += [
            self.miso.eq(sent[-1]),
            self.selected.eq(~cs),
            self.octets_out.ready.eq(~cs & rise & last & offered),
        ]
        with m.If(cs):
            m.d.sync += bit.eq(0)
        with m.Elif(rise):
            m.d.sync += [bit.eq(bit + 1), received.eq(Cat(mosi, received))]
        # Behind the last bit, `bit` is 0 again.
        with m.If(cs | (fall & (bit == 0))):
            m.d.sync += [
                sent.eq(Mux(self.octets_out.valid, self.octets_out.payload, FILLER)),
                offered.eq(self.octets_out.valid),
            ]
        with m.Elif(fall):
            m.d.sync += sent.eq(sent << 1)

        octet = Cat(mosi, received)
        zero = Signal(init=1)
        with m.If(self.octets_in.ready):
            m.d.sync += self.octets_in.valid.eq(0)
        with m.If(~cs & rise & last & ~(zero & (octet == FILLER))):
            with m.If(~self.octets_in.valid | self.octets_in.ready):
                m.d.sync += [
                    self.octets_in.valid.eq(1),
                    self.octets_in.payload.eq(octet),
                    zero.eq(octet == FILLER),
                ]
        return m
