"""Template of an instance: what a design that holds the core is written from."""

from __future__ import annotations

from amaranth.lib import wiring

from prunus_rtl.export.ports import Port, ports
from prunus_rtl.export.template import fill

__all__ = ["INSTANCE", "make_instance"]

#: Name of the file in a package.
INSTANCE = "instance.v"


def make_instance(system: wiring.Component, *, top: str) -> str:
    """Return a wire for each port, and an instance that they are connected to.

    Parameters
    ----------
    system : wiring.Component
        What the package holds.
    top : str
        Its module.

    Returns
    -------
    str
        A part of a Verilog module.
    """
    found = ports(system)
    return fill("instance.v.j2", top=top, ports=found, declared=list(map(_declared, found)))


def _declared(port: Port) -> str:
    """Return the wire of a port."""
    bits = f"[{port.width - 1}:0] " if port.width > 1 else ""
    return f"wire {bits}{port.name};"
