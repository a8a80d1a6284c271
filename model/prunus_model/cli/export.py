"""`prunus export`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_model.cli.common import console, counted, load_network, load_test, percent
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option
from prunus_model.cli.outputs import claimed_file
from prunus_model.data.events.split import Labelled
from prunus_model.exchange.export import export_graph
from prunus_model.exchange.files import write_data
from prunus_model.exchange.graph import DT, READERS, Reader, check_dt, check_graph
from prunus_model.exchange.spikes import check_undivided
from prunus_model.exchange.trace import to_data, trace
from prunus_model.training.artifact import Artifact

__all__ = ["command"]

_dt_option = click.option(
    "--dt", type=float, default=DT, show_default=True, help="Step in seconds; NIR has none."
)
_output_option = click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
_force_option = click.option("--force", is_flag=True, help="Replace the output.")


@click.group(name="export")
def command() -> None:
    """Write a network, or what happens in it, for other tools."""


@command.command(name="nir")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@click.option(
    "-n",
    "--images",
    type=WholeNumber(min=1),
    default=500,
    show_default=True,
    help="At most so many of the test images are compared.",
)
@_dt_option
@click.option(
    "--inhibition",
    type=float,
    default=1.0,
    show_default=True,
    help="What a spike takes from all other neurons, in median thresholds.",
)
@click.option(
    "--for",
    "reader",
    type=click.Choice(READERS),
    default="nir",
    show_default=True,
    help="Who is to read it. The importers of SpikingJelly and snnTorch know one threshold only, "
    "so weights are scaled to it.",
)
@_output_option
@_force_option
def _nir(
    *,
    network: str,
    data: str,
    images: int,
    dt: float,
    inhibition: float,
    reader: Reader,
    output: Path,
    force: bool,
) -> None:
    """Write NETWORK as a graph of NIR, and tell how often it predicts the same.

    NETWORK is a file or one of demo, 400, up5k. NIR has no winner-take-all; a connection that
    inhibits, a step later, stands for it. So predictions are compared, on test images, with those
    of the graph in plain floating point; the rate is written into the file, too. Both show every
    image to its end, as a graph has no early exit.
    """
    artifact = load_network(network)
    check_graph(artifact, dt=dt, inhibition=inhibition, reader=reader)
    with claimed_file(output, force=force):
        split = _head(load_test(artifact, data), images)
        found = export_graph(
            artifact, output, split, dt=dt, inhibition=inhibition, reader=reader, new=not force
        )
    console.print(
        f"Wrote {output}: dt {dt:g} s, inhibition {inhibition:g}, for {reader}. "
        f"{100 * found.equal_predictions:.1f} % equal predictions on "
        f"{counted(found.images, 'image')} of {split.name}: "
        f"{percent(round(found.golden_accuracy * found.images), found.images)} right here, "
        f"{percent(round(found.graph_accuracy * found.images), found.images)} as a graph; "
        f"{found.golden_spikes:.1f} and {found.graph_spikes:.1f} output spikes per image",
        soft_wrap=True,
    )


@command.command(name="nir-data")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@click.option(
    "--first",
    type=WholeNumber(min=0),
    default=0,
    show_default=True,
    help="Number of the first test image.",
)
@click.option(
    "-n", "--images", type=WholeNumber(min=1), default=1, show_default=True, help="How many."
)
@_dt_option
@_output_option
@_force_option
def _nir_data(
    *, network: str, data: str, first: int, images: int, dt: float, output: Path, force: bool
) -> None:
    """Write spikes and potentials of NETWORK, step by step, as traces of NIR (NIRData).

    Nodes are those of the graph. `input` has the spikes of the encoder; `lif` has output spikes,
    the potentials `v` that are compared with the thresholds, and `v_end` at the end of each step.
    """
    artifact = load_network(network)
    check_undivided(artifact.config)
    check_dt(dt)
    with claimed_file(output, force=force):
        split = load_test(artifact, data)
        found = trace(artifact, split, first=first, count=images)
        write_data(output, to_data(found, dt=dt), _about(artifact, split, first, dt), new=not force)
    console.print(
        f"Wrote {output}: {counted(images, 'image')} of {split.name} from {first} on, "
        f"{found.inputs.shape[1]} steps of {dt:g} s, {int(found.inputs.sum()):,} input and "
        f"{int(found.spikes.sum()):,} output spikes",
        soft_wrap=True,
    )


def _head(split: Labelled, images: int) -> Labelled:
    return split.head(min(images, len(split)))


def _about(artifact: Artifact, split: Labelled, first: int, dt: float) -> dict[str, object]:
    """Return what a trace is of, for attributes of the file."""
    return {
        "prunus_content_hash": artifact.content_hash,
        "prunus_data": split.identity,
        "prunus_data_sha256": split.sha256,
        "prunus_first": first,
        "prunus_dt": dt,
    }
