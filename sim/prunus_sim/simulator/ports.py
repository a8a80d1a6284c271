"""Ports of a component, for its conversion."""

from __future__ import annotations

from amaranth.hdl import Const, Value
from amaranth.lib import wiring

__all__ = ["ports_of"]


def ports_of(component: wiring.Component) -> list[Value]:
    """Return the ports of a component, but for those that are constant.

    By itself, ``convert`` of Amaranth 0.5 takes the constant ``ready`` of a stream that is always
    ready for a port, and refuses it.
    """
    members = component.signature.flatten(component)
    ports = (Value.cast(value) for _, _, value in members)
    return [port for port in ports if not isinstance(port, Const)]
