"""What all benches need: seeds, cases, single signals, and accesses by the memory port."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

__all__ = ["Access", "case_of", "drive", "sample", "seeds"]

_T = TypeVar("_T")


def seeds() -> list[int]:
    """Return the seeds to run: ``SEEDS`` many (default 3), from ``SEED`` on (default 0)."""
    first = int(os.environ.get("SEED") or 0)
    return list(range(first, first + int(os.environ.get("SEEDS") or 3)))


def case_of(cases: Mapping[str, _T]) -> _T:
    """Return the case that ``CASE`` names: what the component was built with."""
    return cases[os.environ.get("CASE") or next(iter(cases))]


def drive(dut: Any, **values: int) -> None:
    """Set inputs; those of no bits have no port and are left out."""
    for name, value in values.items():
        if hasattr(dut, name):
            getattr(dut, name).value = int(value)
        elif value:
            raise AttributeError(f"{name} must be a port to be {value}")


async def sample(dut: Any, *names: str) -> list[int]:
    """Return signals at the end of this cycle; then go on to the next."""
    # Not before sinks have decided whether they are ready.
    await FallingEdge(dut.clk)
    await ReadOnly()
    values = [int(getattr(dut, name).value) if hasattr(dut, name) else 0 for name in names]
    await RisingEdge(dut.clk)
    return values


class Access:
    """The memory port's side of one memory (:class:`prunus_rtl.streams.Access`).

    Parameters
    ----------
    dut : cocotb handle
        Component under test.
    name : str
        Name of the port.
    """

    def __init__(self, dut: Any, name: str) -> None:
        self._dut = dut
        self._name = name
        self._set(strobe=0, write=0)

    def _set(self, **values: int) -> None:
        drive(self._dut, **{f"{self._name}__{key}": value for key, value in values.items()})

    async def _go(self, address: int, write: int, data: int) -> int:
        self._set(strobe=1, write=write, address=address, data=data)
        waited = 0
        while True:
            done, value = await sample(self._dut, f"{self._name}__done", f"{self._name}__value")
            self._set(strobe=0)
            if done and waited:
                return value
            if waited == 64:
                raise AssertionError(f"{self._name} must be done within 64 cycles")
            waited += 1

    async def read(self, address: int) -> int:
        """Read a word."""
        return await self._go(address, 0, 0)

    async def write(self, address: int, value: int) -> None:
        """Write a word."""
        await self._go(address, 1, value)
