"""Priority encoders, as functions that add logic to a module."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal

__all__ = ["lowest"]


def lowest(m: Module, bits: Any, index: Any) -> None:
    """Drive ``index`` with the number of the lowest set bit of ``bits``; any number if none is.

    Each bit of the number is the OR of the bits of the isolated one: a carry chain and trees,
    no chain of multiplexers.
    """
    one = Signal.like(bits, name=f"{index.name}_one")
    m.d.comb += one.eq(bits & -bits)
    for j in range(len(index)):
        m.d.comb += index[j].eq(Cat(one[k] for k in range(len(bits)) if k >> j & 1).any())
