"""Graphs that another tool has trained, read and run here: rows of `model/results/nir.json`.

`python -m prunus_model.exchange.readin` has snnTorch train layers on MNIST in an environment of its
own, imports them, and shows them and their floating-point originals the same spikes of test images.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from prunus_model.common.errors import ExchangeError, PrunusError
from prunus_model.common.other_python import run_script
from prunus_model.common.text import printable
from prunus_model.data.datasets import fetch, load
from prunus_model.exchange.graph import DT
from prunus_model.exchange.importing import VotesBy, import_graph, with_agreement
from prunus_model.exchange.results import RESULTS, Row, write_rows

__all__ = ["LAYERS", "NETWORKS", "SCRIPT", "main", "read_in"]

SCRIPT = Path("model/bench/nir_snntorch.py")
#: Neurons that are trained, the epochs that they are, and how each layer votes.
LAYERS: dict[int, tuple[int, tuple[VotesBy, ...]]] = {
    10: (3, ("number",)),
    100: (2, ("number", "response")),
}
_BITS = (8, 4)
#: Where networks are kept, those with the widest weights that vote by number.
NETWORKS = Path("build/nir")


def read_in(
    graph: Path,
    made: dict[str, Any],
    data: str,
    images: int,
    votes_by: VotesBy,
    bits: int,
    *,
    keep: Path | None = None,
) -> Row:
    """Import a graph and compare it with its original.

    Parameters
    ----------
    graph : Path
        The file.
    made : dict
        What the script has told about it.
    data : str
        Data set: training images for votes, test images to compare.
    images : int
        At most so many test images are compared.
    votes_by : "number" or "response"
        As :func:`prunus_model.exchange.importing.import_graph`.
    bits : int
        Width of a weight.
    keep : Path, optional
        Where the network is saved, with its rate.
    """
    settings: dict[str, Any] = {
        "weight_bits": bits,
        "encoder": {"steps": made["steps"], "spikes": "low-discrepancy"},
    }
    imported = import_graph(
        graph,
        settings,
        dt=DT,
        reset=made["reset"],
        load=lambda _: load(data, "train"),
        votes_by=votes_by,
    )
    test = load(data, "test")
    imported = with_agreement(imported, test.head(min(images, len(test))))
    found = imported.agreement
    if found is None:
        raise ExchangeError(f"Graph {graph} must be shown images")
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
        imported.artifact.save(keep)
    said = ", votes by response" if votes_by == "response" else ""
    return Row(
        framework="snnTorch",
        version=made["versions"]["snntorch"],
        direction="import",
        node=imported.artifact.provenance["imported"]["nodes"],
        status="equal" if found.equal_counts == 1 else "run",
        equal_predictions=found.equal_predictions,
        network=f"784-{made['neurons']}, {bits} bits{said}: "
        f"{100 * found.golden_accuracy:.2f} % right, {100 * found.graph_accuracy:.2f} % in floats",
        images=found.images,
    )


def train(python: str, data: Path, folder: Path, neurons: int, epochs: int) -> tuple[Path, Any]:
    """Have a layer trained; return its graph and what the script tells.

    Raises
    ------
    PrunusError
        If the other Python does not run it.
    """
    graph = folder / f"mnist-{neurons}.nir"
    args = ["--data", str(data), "--output", str(graph)]
    args += ["--neurons", str(neurons), "--epochs", str(epochs)]
    what = f"{SCRIPT} must train {neurons} neurons"
    return graph, run_script(python, SCRIPT, args, what=what)


@click.command()
@click.option(
    "--python",
    default=".venv-nir/bin/python",
    show_default=True,
    help="Python of the environment that has snnTorch.",
)
@click.option(
    "-n",
    "--images",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="At most so many of the test images are compared.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=RESULTS,
    show_default=True,
    help="Where the rows go; those of exported graphs stay.",
)
@click.option(
    "--networks",
    type=click.Path(path_type=Path, file_okay=False),
    default=NETWORKS,
    show_default=True,
    help="Where the imported networks of 8-bit weights are left: mnist-10.npz, mnist-100.npz.",
)
def main(*, python: str, images: int, output: Path, networks: Path) -> None:
    """Have layers trained with snnTorch on MNIST, import them, and compare."""
    try:
        rows: list[Row] = []
        made: dict[str, Any] = {}
        mnist = fetch("mnist", progress=True)
        with tempfile.TemporaryDirectory() as folder:
            for neurons, (epochs, votes) in LAYERS.items():
                graph, made = train(python, mnist, Path(folder), neurons, epochs)
                for votes_by in votes:
                    for bits in _BITS:
                        kept = votes_by == votes[0] and bits == max(_BITS)
                        to = networks / f"mnist-{neurons}.npz" if kept else None
                        row = read_in(graph, made, "mnist", images, votes_by, bits, keep=to)
                        rows.append(row)
                        click.echo(f"{rows[-1].network}: {rows[-1].equal_predictions}")
        write_rows(
            rows,
            direction="import",
            command=f"python -m prunus_model.exchange.readin --images {images}",
            data="mnist",
            tools=made["versions"],
            path=output,
        )
    except (PrunusError, OSError) as e:
        click.echo(f"readin: {printable(' '.join(str(e).split()))}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
