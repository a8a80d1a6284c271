"""Script for Vivado: synthesis, placement and routing of a package without a project."""

from __future__ import annotations

from prunus_rtl.export.netlist import TOP, Netlist
from prunus_rtl.export.template import fill

__all__ = ["PERIOD_NS", "SCRIPT", "make_vivado"]

#: Name of the script in a package.
SCRIPT = "vivado.tcl"
#: Period of the clock unless the user asks for another, in nanoseconds.
PERIOD_NS = 10.0


def make_vivado(netlist: Netlist, *, top: str = TOP) -> str:
    """Return the script.

    It takes the device as its argument, and ends with an error if a memory image is missing, which
    Vivado itself only warns of. Commands as in the Vivado Tcl Command Reference (UG835); memory
    images as in Vivado Synthesis (UG901), "Specifying RAM Initial Contents in an External Data
    File": one word per line and nothing else.

    Parameters
    ----------
    netlist : Netlist
        The core of the package.
    top : str
        Its module.

    Returns
    -------
    str
        Tcl.
    """
    return fill("vivado.tcl.j2", top=top, period=PERIOD_NS, memories=list(netlist.files()))
