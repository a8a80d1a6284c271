"""Masters of the buses, from cocotbext-axi and cocotbext-wishbone: accesses of 32 bits.

They are independent of our gateware: what they and we take the buses to be must agree.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp
from cocotbext.wishbone import driver as wishbone

__all__ = ["ACCESS_CYCLES", "AxiLiteAccess", "WishboneAccess", "master_of", "pauses", "quiet"]

#: Cycles in which an access is answered, pauses of the master included.
ACCESS_CYCLES = 400
#: What a bus driver answers with.
_ACK, _ERR = 1, 2


def _set(signal: Any, value: int) -> None:
    """Set a signal, not at once: Icarus 11 passes nothing on of an input that was set at once."""
    signal.value = value


wishbone.set_immediate = _set


def quiet(dut: Any) -> None:
    """Keep the drivers of buses from logging every access, which takes longer than it."""
    for name in (f"cocotb.{dut._name}", "cocotb.dut"):
        logging.getLogger(name).setLevel(logging.WARNING)


def pauses(rng: np.random.Generator, pause: float) -> Iterator[bool]:
    """Yield whether a channel pauses, cycle by cycle, for ever."""
    while True:
        yield bool(rng.random() < pause)


class AxiLiteAccess:
    """Accesses over AXI4-Lite.

    Parameters
    ----------
    dut : cocotb handle
        The system; its bus is ``s_axi``.
    rng : numpy.random.Generator
        Source of the pauses.
    pause : float
        Probability of a pause, in every cycle of each of the five channels.
    """

    def __init__(self, dut: Any, rng: np.random.Generator, pause: float) -> None:
        quiet(dut)
        bus = AxiLiteBus.from_prefix(dut, "s_axi")
        self._master = AxiLiteMaster(bus, dut.clk, dut.rst)
        write, read = self._master.write_if, self._master.read_if
        self._channels = (
            write.aw_channel,
            write.w_channel,
            write.b_channel,
            read.ar_channel,
            read.r_channel,
        )
        self._rng = rng
        self.pause(pause)

    def pause(self, pause: float) -> None:
        """Set the probability of a pause."""
        for channel, rng in zip(self._channels, self._rng.spawn(5), strict=True):
            if pause:
                channel.set_pause_generator(pauses(rng, pause))
            else:
                channel.clear_pause_generator()
                channel.pause = False

    async def read(self, offset: int) -> tuple[int, bool]:
        """Read a word; return it, and whether there was an error."""
        found = await self._master.read(offset, 4)
        return int.from_bytes(found.data, "little"), found.resp != AxiResp.OKAY

    async def write(self, offset: int, value: int, *, size: int = 4) -> bool:
        """Write a word, or only its low bytes; return whether there was an error."""
        found = await self._master.write(offset, value.to_bytes(4, "little")[:size])
        return bool(found.resp != AxiResp.OKAY)


class WishboneAccess:
    """Accesses over Wishbone.

    Parameters
    ----------
    dut : cocotb handle
        The system; its bus is ``wb``.
    rng : numpy.random.Generator
        Source of the pauses.
    pause : float
        Share of the cycles in which the master waits between ``cyc`` and ``stb``.
    """

    def __init__(self, dut: Any, rng: np.random.Generator, pause: float) -> None:
        quiet(dut)
        names = {name: name for name in ("cyc", "stb", "we", "adr", "ack")}
        signals = names | {"datwr": "dat_w", "datrd": "dat_r"}
        self._master = wishbone.WishboneMaster(
            dut, "wb", dut.clk, timeout=ACCESS_CYCLES, signals_dict=signals
        )
        self._clk = dut.clk
        self._rng = rng
        self._pause = pause

    def pause(self, pause: float) -> None:
        """Set the share of pauses."""
        self._pause = pause

    async def _go(self, offset: int, value: int | None, select: int) -> tuple[int, bool]:
        idle = int(self._rng.geometric(1 - self._pause)) - 1
        (found,) = await self._master.send_cycle(
            [
                wishbone.WBOp(
                    adr=offset >> 2, dat=value, idle=idle, sel=select, acktimeout=ACCESS_CYCLES
                )
            ]
        )
        if found.ack not in (_ACK, _ERR):
            raise AssertionError(f"access must be answered by ack or err, not {found.ack}")
        return int(found.datrd) if found.datrd.is_resolvable else 0, found.ack == _ERR

    async def read(self, offset: int) -> tuple[int, bool]:
        """Read a word; return it, and whether there was an error."""
        return await self._go(offset, None, 15)

    async def write(self, offset: int, value: int, *, size: int = 4) -> bool:
        """Write a word, or only its low bytes; return whether there was an error."""
        return (await self._go(offset, value, (1 << size) - 1))[1]


def master_of(bus: str, dut: Any, rng: np.random.Generator, pause: float) -> Any:
    """Return the master of a bus: ``axi`` or ``wishbone``."""
    return {"axi": AxiLiteAccess, "wishbone": WishboneAccess}[bus](dut, rng, pause)
