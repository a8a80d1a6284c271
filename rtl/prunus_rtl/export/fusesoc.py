"""Description of a package for FuseSoC (CAPI2): lint, simulation, synthesis."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from prunus_rtl.export.template import fill

__all__ = ["CORE_FILE", "make_fusesoc"]

#: Name of the description in a package.
CORE_FILE = "prunus.core"


def make_fusesoc(*, top: str, what: str, memories: Iterable[str], vectors: Iterable[str]) -> str:
    """Return the description.

    Targets of the flow API: ``lint`` (Verilator), ``sim`` (Icarus), ``sim_verilator`` and ``synth``
    (yosys). Memory images and vectors are copied to where the tools start, as the Verilog names
    them relative to there.

    Parameters
    ----------
    top : str
        Module at the top.
    what : str
        One line on what it is.
    memories, vectors : iterable of str
        Files that the core and the bench read.

    Returns
    -------
    str
        YAML.
    """
    return fill(
        "prunus.core.j2",
        top=top,
        what=what,
        version=version("prunus"),
        memories=sorted(memories),
        vectors=sorted(vectors),
    )
