"""Energy of networks: ``python -m prunus_overhead.energy``, in the checkout."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from prunus_model.cli.common import user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header
from prunus_model.data.datasets import data_digest, load
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.trainer import versions
from prunus_overhead.energy.estimate import SOP_DEFINITION
from prunus_overhead.energy.measure import EPOCHS, NETWORKS, measure, network
from prunus_overhead.energy.technology import Technology
from prunus_rtl.digest.gateware import gateware_digest

__all__ = ["ENERGY", "main"]

#: Where the results are, in the checkout.
ENERGY = Path("overhead/results/energy.json")


@click.command()
@data_option("mnist")
@click.option("--tech", type=click.Path(path_type=Path), metavar="FILE", help="Energies, in TOML.")
@click.option("--lanes", type=int, default=16, show_default=True, help="Lanes of the cores.")
@click.option("--epochs", type=WholeNumber(min=1), default=EPOCHS, show_default=True)
@click.option("--only", metavar="TEXT", default="", help="Networks with this in `NAME POLICY`.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/energy"),
    show_default=True,
    help="Networks that were trained before.",
)
@results_option(ENERGY)
def main(
    *,
    data: str,
    tech: Path | None,
    lanes: int,
    epochs: int,
    only: str,
    cache: Path,
    output: Path,
) -> None:
    """Train networks with and without pruning, and estimate their energy (minutes)."""
    console = Console(highlight=False)
    with user_errors():
        technology = Technology.bundled() if tech is None else Technology.read(tech)
        images, test = load(data, "train"), load(data, "test")
        rows, units, sensitivity = [], [], []
        for name, policy in NETWORKS:
            if only not in f"{name} {policy}":
                continue
            console.print(f"{name} {policy} ...")
            artifact = network(name, policy, images, epochs=epochs, cache=cache)
            found = measure(artifact, test, technology, lanes=lanes)
            rows += found.rows
            units += [found.pruning_unit] if found.pruning_unit else []
            sensitivity += found.sensitivity
        content = {
            "provenance": header(
                "energy",
                command=f"python -m prunus_overhead.energy --data {data} --lanes {lanes} "
                f"--epochs {epochs}" + (f" --tech {tech.name}" if tech else ""),
                # Accesses of class b are those of the gateware's memories.
                inputs={
                    "model": fingerprint(),
                    "gateware": gateware_digest(),
                    "data": data_digest(data),
                },
                tools=versions(),
            ),
            "rows": rows,
            "pruning_unit": units,
            "technology": asdict(technology),
            "sop": SOP_DEFINITION,
            "sensitivity": sensitivity,
        }
        write_json(output, content)
    console.print(f"Wrote {output}", soft_wrap=True)


if __name__ == "__main__":
    main()
