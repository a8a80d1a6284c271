"""All ways to reach a core, by their names."""

from __future__ import annotations

from prunus_rtl.export.interface import Interface
from prunus_rtl.soc.buses import AxiInterface, WishboneInterface
from prunus_rtl.soc.serial import SerialInterface

__all__ = ["INTERFACES", "make_interface"]

#: Names, as on the command line.
INTERFACES = ("native", "axi", "wishbone", "uart")


def make_interface(name: str, *, clock_hz: int, baud: int) -> Interface:
    """Return a way to reach a core.

    Parameters
    ----------
    name : str
        One of :data:`INTERFACES`.
    clock_hz, baud : int
        Clock, and bits per second, of a serial line.

    Raises
    ------
    ConfigError
        If that serial line is not possible.
    """
    if name == "uart":
        return SerialInterface(clock_hz=clock_hz, baud=baud)
    plain: dict[str, type[Interface]] = {
        "native": Interface,
        "axi": AxiInterface,
        "wishbone": WishboneInterface,
    }
    return plain[name]()
