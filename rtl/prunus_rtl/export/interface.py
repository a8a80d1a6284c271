"""How a core is reached, and the files of a package that depend on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amaranth.lib import wiring

from prunus_rtl.core.core import Core
from prunus_rtl.export.bench import make_bench, make_bench_files
from prunus_rtl.export.netlist import TOP, Netlist
from prunus_rtl.export.plan import Plan
from prunus_rtl.export.vectors import Vectors

if TYPE_CHECKING:
    from prunus_rtl.export.waves import Diagram

__all__ = ["Interface", "Made"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """What the files of a package are made of.

    Attributes
    ----------
    plan : Plan
    core : Core
        The core by itself: shapes and ports.
    system : wiring.Component
        What the package holds: the core, or the core behind something.
    netlist : Netlist
        Of ``system``.
    vectors : Vectors
        What the bench shows, and what the golden model gives.
    """

    plan: Plan
    core: Core
    system: wiring.Component
    netlist: Netlist
    vectors: Vectors


class Interface:
    """A way to reach a core; this one is by its own ports."""

    #: What it is called on the command line, and the module at the top of the Verilog.
    name = "native"
    top = TOP
    #: What else it is called, for people.
    title = "streams with valid and ready"

    def check(self, plan: Plan) -> None:
        """Check that a core can be reached so.

        Raises
        ------
        ConfigError
            If not.
        """

    def system(self, plan: Plan, core: Core) -> wiring.Component:
        """Return what the package holds: the core by itself, or with what it is reached by."""
        return core

    def bench(self, made: Made) -> str:
        """Return the text of the bench."""
        return make_bench(made.core, made.vectors, made.netlist)

    def vectors(self, made: Made, measured: Sequence[int] | None) -> dict[str, str]:
        """Return what the bench sends and expects, by name of the file.

        Parameters
        ----------
        made : Made
        measured : sequence of int, optional
            Cycles of each image; default: the bounds of the formula are expected.
        """
        return make_bench_files(made.core, made.vectors, measured)

    def files(self, made: Made) -> dict[str, str | bytes]:
        """Return further files, by name."""
        return {}

    def missing(self) -> str:
        """Return one line on what could not be made for want of an extra; it may be nothing."""
        return ""

    def about(self) -> list[tuple[str, str]]:
        """Return what each of these files, or folders, is, for the README."""
        return []

    def diagrams(self, made: Made) -> list[Diagram]:
        """Return what is drawn of the waveforms of the bench."""
        from prunus_rtl.export.waves import native_diagrams

        return native_diagrams(made.core.hardware.source)

    def manual(self, made: Made) -> str:
        """Return what the README says of this interface alone, in Markdown; it may be nothing."""
        return ""
