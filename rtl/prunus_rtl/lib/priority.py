"""Priority encoders, as functions that add logic to a module."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value

__all__ = ["index_of", "lowest"]


def index_of(one_hot: Any, bits: int) -> Value:
    """Return the number of the one bit that is set, with ``bits`` bits; any number if none is.

    Each bit of the number is the OR of some bits of ``one_hot``: trees, and no chain of
    multiplexers.
    """
    chosen = [[one_hot[n] for n in range(len(one_hot)) if n >> bit & 1] for bit in range(bits)]
    return Cat(Cat(*signals).any() for signals in chosen)


def lowest(m: Module, bits: Any, index: Any) -> None:
    """Drive ``index`` with the number of the lowest set bit of ``bits``; any number if none is.

    The lowest bit is isolated by a carry chain, and its number is :func:`index_of` it.
    """
    one = Signal.like(bits, name=f"{index.name}_one")
    m.d.comb += [one.eq(bits & -bits), index.eq(index_of(one, len(index)))]
