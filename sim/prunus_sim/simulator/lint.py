"""Lints a testbench with Verilator."""

from __future__ import annotations

from pathlib import Path

from prunus_model.common import owned
from prunus_rtl.export import verilator

__all__ = ["lint"]

#: Options: the module of every testbench is ``tb``, and its registers have initial values.
_OPTIONS = ("-Wall", "-Wno-DECLFILENAME", "-Wno-PROCASSINIT")


def lint(testbench: Path, source: Path) -> str:
    """Return the warnings and errors of a testbench.

    Parameters
    ----------
    testbench : Path
        File with the module ``tb``.
    source : Path
        Verilog of the component, in the folder with what the testbench includes. Amaranth wrote it:
        it is not linted itself.
    """
    folder = source.parent
    waiver = folder / "waiver.vlt"
    waiver.write_text(f'`verilator_config\nlint_off -file "{source}"\n')
    command = ["verilator", "--lint-only", "--timing", "--top-module", "tb", *_OPTIONS]
    command += [f"-I{folder}", str(waiver), str(testbench), str(source)]
    return owned.run(command, env=verilator.environment()).stderr
