"""`prunus relabel`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from prunus_model.cli.common import command_line, console, counted, load_network
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import votes_options
from prunus_model.cli.outputs import claimed_file, save
from prunus_model.training.relabelling import relabelled

__all__ = ["command"]


@click.command(name="relabel")
@click.argument("network", metavar="NETWORK")
@votes_options
@click.option(
    "--stop-after",
    type=WholeNumber(min=0, max=255),
    help="Early exit after so many output spikes, 0 for never. Default: as configured.",
)
@click.option(
    "--margin",
    type=WholeNumber(min=0),
    help="Lead of a class, in votes, that ends an image, 0 for never. Default: as configured.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--force", is_flag=True, help="Replace the output.")
def command(
    *,
    network: str,
    votes: str | None,
    vote_bits: int | None,
    stop_after: int | None,
    margin: int | None,
    output: Path,
    force: bool,
) -> None:
    """Save NETWORK with another readout: votes, early exit, margin. Nothing is trained.

    NETWORK is a file or one of demo, 400, up5k, windows. Votes are made anew from what each neuron
    answered to the labelled images.
    """
    if output.suffix != ".npz":
        raise click.UsageError(f"Output must end with .npz, not {output.name!r}")
    artifact = relabelled(
        load_network(network),
        votes=votes,
        vote_bits=vote_bits,
        stop_after=stop_after,
        margin=margin,
    )
    with claimed_file(output, force=force):
        told = {**artifact.provenance, "relabelled": command_line()}
        if wrong := save(replace(artifact, provenance=told), output, force=force):
            raise wrong
    readout = artifact.config.readout
    console.print(
        f"Saved {output}: {readout.votes} of {counted(readout.vote_bits, 'bit')}, early exit "
        f"{f'after {readout.stop_after}' if readout.stop_after else 'never'}, margin "
        f"{readout.margin or 'none'}",
        soft_wrap=True,
    )
