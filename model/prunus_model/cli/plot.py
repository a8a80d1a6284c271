"""`prunus plot`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_model.cli.common import console, data_option, load_network, load_test
from prunus_model.cli.outputs import new_file
from prunus_model.training import plots
from prunus_model.training.evaluation import evaluate

__all__ = ["command"]

_EXITS = (1, 2, 3, 5, 0)


@click.command(name="plot")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder; made if it does not exist. Default: of the network's name, in plots.",
)
@click.option("--force", is_flag=True, help="Replace plots that are there.")
def command(*, network: str, data: str, output: Path | None, force: bool) -> None:
    """Draw NETWORK, a file or one of demo, 400, up5k: weights, thresholds, training, accuracy."""
    artifact = load_network(network)
    # Of each network in a folder of its own, so that plots of one are not in the way of another's.
    output = output or Path("plots") / Path(network).stem
    split = load_test(artifact, data)
    paths = [output / name for name in plots.PLOTS]
    if output.is_dir():
        for path in paths:
            new_file(path, force=force)
    elif output.exists():
        raise click.UsageError(f"Output {output} must be a folder, not a file")
    evaluations = [evaluate(artifact, split, stop_after=n) for n in _EXITS]
    figures = (
        plots.receptive_fields(artifact, split.image_shape),
        plots.distributions(artifact),
        plots.training(artifact),
        plots.sops_accuracy(evaluations),
    )
    output.mkdir(parents=True, exist_ok=True)
    for path, figure in zip(paths, figures, strict=True):
        plots.save(figure, path, new=not force)
        console.print(f"Saved {path}", soft_wrap=True)
