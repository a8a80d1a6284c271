"""Graphs that Prunus exports, read and run by other simulators: rows of `model/results/nir.json`.

`python -m prunus_model.exchange.readback` exports bundled networks, has them read by the importers
of the simulators in an environment of its own, shows both the same spikes of test images, and
compares spikes and predictions.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ExchangeError, PrunusError
from prunus_model.common.other_python import run_script
from prunus_model.common.text import printable
from prunus_model.data.datasets import load
from prunus_model.data.events.split import stimuli
from prunus_model.data.split import Split
from prunus_model.exchange.agreement import compare
from prunus_model.exchange.export import measured_graph
from prunus_model.exchange.files import read_graph, write_graph
from prunus_model.exchange.graph import DT, Reader, float_layer
from prunus_model.exchange.results import RESULTS, Row, write_rows
from prunus_model.exchange.simulate import simulate
from prunus_model.exchange.spikes import input_spikes
from prunus_model.training.artifact import Artifact

__all__ = ["FRAMEWORKS", "SCRIPT", "main", "read_back"]

SCRIPT = Path("model/bench/nir_readback.py")
#: Simulators by what the script calls them: the name to show, and for whom graphs are written.
FRAMEWORKS: dict[str, tuple[str, tuple[Reader, ...]]] = {
    "snntorch": ("snnTorch", ("nir", "spikingjelly", "snntorch")),
    "spikingjelly": ("SpikingJelly", ("nir", "spikingjelly")),
}
#: Bundled networks that can be said in NIR, beside one as small as the first.
_NETWORKS = ("demo", "400")
#: Nodes of a graph between input and output, by for whom it is written.
_NODES: dict[Reader, str] = {
    "nir": "Affine, LIF, Linear (thresholds of their own)",
    "spikingjelly": "Affine, LIF, Linear (one threshold)",
    "snntorch": "Affine, LIF, Linear, Linear (one threshold)",
}


def read_back(
    name: str, artifact: Artifact, data: Split, *, python: str
) -> tuple[list[Row], dict[str, str]]:
    """Have a network read and run by all simulators.

    Parameters
    ----------
    name : str
        What rows call the network.
    artifact : Artifact
        The network.
    data : Split
        Test images.
    python : str
        Python of the environment that has the simulators.

    Returns
    -------
    rows : list of Row
        One for each simulator and form of the graph.
    versions : dict of str to str
        Of the simulators and what they need.

    Raises
    ------
    ExchangeError
        If the other Python does not run.
    """
    spikes = input_spikes(artifact.config, stimuli(data, artifact.config))
    rows: list[Row] = []
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "spikes.npz"
        np.savez(shown, spikes=np.packbits(spikes, axis=2), inputs=artifact.config.inputs)
        floats = {}
        for reader in _NODES:
            path = Path(folder) / f"{reader}.nir"
            write_graph(path, measured_graph(artifact, data.head(1), reader=reader)[0])
            floats[reader] = simulate(float_layer(read_graph(path), dt=DT), spikes).sum(axis=1)
        for framework, (title, readers) in FRAMEWORKS.items():
            for reader in readers:
                report, counts = _run(python, framework, Path(folder), reader)
                versions |= report["versions"]
                rows.append(
                    Row(
                        framework=title,
                        version=report["versions"][framework],
                        direction="export",
                        node=_NODES[reader],
                        network=name,
                        why=report["why"],
                        **_judged(report["status"], counts, floats[reader], artifact, data),
                    )
                )
    return rows, versions


def _judged(
    status: str,
    counts: npt.NDArray[np.int64] | None,
    floats: npt.NDArray[np.int64],
    artifact: Artifact,
    data: Split,
) -> dict[str, Any]:
    """Return what a row says of the counts."""
    if counts is None:
        return {"status": status}
    if counts.shape != floats.shape:
        raise ExchangeError(f"Counts must be of shape {floats.shape}, not {counts.shape}")
    return {
        "status": "equal" if np.array_equal(counts, floats) else "run",
        "equal_predictions": compare(artifact, data, counts).equal_predictions,
        "images": len(data),
    }


def _run(
    python: str, framework: str, folder: Path, reader: Reader
) -> tuple[dict[str, Any], npt.NDArray[np.int64] | None]:
    """Run the script; return its report and the counts, if there are any."""
    output = folder / f"{framework}-{reader}.npz"
    args = ["--framework", framework, "--graph", str(folder / f"{reader}.nir")]
    args += ["--spikes", str(folder / "spikes.npz"), "--output", str(output)]
    report = run_script(python, SCRIPT, args, what="Simulators must run")
    # Not folders of this machine.
    report["why"] = printable(report["why"].replace(str(folder), ""))
    if not output.exists():
        return report, None
    with np.load(output) as content:
        return report, content["counts"]


@click.command(context_settings={"show_default": True})
@click.option("--data", default="mnist", help="Data set.")
@click.option("--images", default=500, type=click.IntRange(min=1), help="Test images.")
@click.option("--python", default=".venv-nir/bin/python", help="Has the simulators.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS)
def main(*, data: str, images: int, python: str, output: Path) -> None:
    """Have bundled networks read and run by other simulators, and write one JSON file."""
    rows: list[Row] = []
    tools: dict[str, str] = {}
    try:
        test = load(data, "test")
        shown = test.head(min(images, len(test)))
        for name in _NETWORKS:
            path = Path(str(files("prunus_model.pretrained") / f"{name}.npz"))
            more, versions = read_back(name, Artifact.load(path), shown, python=python)
            rows += more
            tools |= versions
        command = f"python -m prunus_model.exchange.readback --data {data} --images {images}"
        write_rows(rows, direction="export", command=command, data=data, tools=tools, path=output)
    except (PrunusError, OSError) as e:
        click.echo(f"Error: {e}", err=True)
        sys.exit(2)
    for row in rows:
        rate = "-" if row.equal_predictions is None else f"{100 * row.equal_predictions:.1f} %"
        click.echo(
            f"{row.network}: {row.framework} {row.version}: {row.node}: {row.status}, {rate}"
        )


if __name__ == "__main__":
    main()
