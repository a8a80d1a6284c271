"""`prunus order`."""

from __future__ import annotations

import click

from prunus_model.cli.common import load_network
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, threads_option
from prunus_model.data.events.split import load_for
from prunus_model.data.split import Split
from prunus_model.training.ordering import evaluation_order

__all__ = ["command"]


@click.command(name="order")
@click.argument("network", metavar="NETWORK")
@data_option("mnist")
@click.option(
    "-n",
    "--images",
    type=WholeNumber(min=1),
    default=3000,
    show_default=True,
    help="Use so many training images or recordings, the first ones.",
)
@threads_option
def command(*, network: str, data: str, images: int, threads: int | None) -> None:
    """Find the best order in which the groups of NETWORK are evaluated.

    The group that says most about the class for its synaptic operations comes first, so that the
    sequential test ends early. Prints lines for the configuration file of another training: groups
    are numbered, and seeded, in the order of evaluation.
    """
    artifact = load_network(network)
    groups = artifact.config.groups
    if groups is None:
        raise click.UsageError(f"Network {network} must have groups to be ordered")
    split = load_for(
        artifact.config.encoder, data, "train", progress=True, trained_on=artifact.trained_on
    )
    split = split.head(min(images, len(split)))
    order = evaluation_order(artifact, split, threads=threads)
    what = "images" if isinstance(split, Split) else "recordings"
    click.echo(f"# By {len(split)} training {what} of {split.name}.")
    if groups.indices is not None:
        click.echo("indices = [")
        for group in order:
            click.echo(f"  {list(groups.indices[group])},")
        click.echo("]")
        return
    click.echo('order = "given"')
    places = groups.places()
    click.echo(f"positions = {[list(places[group]) for group in order]}")
