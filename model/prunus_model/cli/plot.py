"""`prunus plot`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_model.cli.common import console, load_network, load_test
from prunus_model.cli.options import data_option, margins_option, votes_options
from prunus_model.cli.outputs import new_file
from prunus_model.data.events.split import EventSplit
from prunus_model.data.split import Split
from prunus_model.spec.formats import max_of
from prunus_model.training import event_plots, plots
from prunus_model.training.evaluation import evaluate, whole_dense
from prunus_model.training.relabelling import relabelled

__all__ = ["command"]

#: Early exits, the last one never.
_EXITS = (1, 2, 3, 5, 0)
#: Margins, in tenths of the largest vote.
_TENTHS = (4, 6, 8, 9, 11, 15, 20, 30)


@click.command(name="plot")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@margins_option("from 2/5 of the largest vote to three of it")
@votes_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder; made if it does not exist. Default: of the network's name, in plots.",
)
@click.option("--force", is_flag=True, help="Replace plots that are there.")
def command(
    *,
    network: str,
    data: str,
    margins: tuple[int, ...],
    votes: str | None,
    vote_bits: int | None,
    output: Path | None,
    force: bool,
) -> None:
    """Draw the weights, thresholds, training and accuracy of NETWORK.

    NETWORK is a file or one of demo, 400, up5k, windows.
    """
    # All margins are drawn: the one that is configured is one of the votes that it has.
    margin = None if votes is None and vote_bits is None else 0
    artifact = relabelled(load_network(network), votes=votes, vote_bits=vote_bits, margin=margin)
    # The sequential test goes from group to group, and in each as far as is configured.
    exit_after = artifact.config.readout.stop_after if artifact.config.groups else 0
    for margin in margins:
        # Now, not after the tests.
        artifact.config.with_readout(stop_after=exit_after, margin=margin)
    # Of each network in a folder of its own, so that plots of one are not in the way of another's.
    output = output or Path("plots") / Path(network).stem
    split = load_test(artifact, data)
    names: tuple[str, ...] = plots.PLOTS
    if artifact.schedule.elsewhere:
        names = tuple(name for name in names if name != plots.TRAINING)
    if isinstance(split, EventSplit):
        names = (*names, event_plots.PLOT)
    paths = [output / name for name in names]
    if output.is_dir():
        for path in paths:
            new_file(path, force=force)
    elif output.exists():
        raise click.UsageError(f"Output {output} must be a folder, not a file")
    fixed = [evaluate(artifact, split, stop_after=n, margin=0) for n in _EXITS]
    tested = artifact.config.with_readout(stop_after=exit_after, margin=0)
    top = max_of(tested.readout.vote_bits)
    reached = [n for tenths in _TENTHS if (n := -(-top * tenths // 10)) <= tested.margin_max]
    tests = [
        evaluate(artifact, split, stop_after=exit_after, margin=n)
        for n in sorted({*margins} - {0}) or dict.fromkeys(reached)
    ]
    channels = split.channels if isinstance(split, Split) else 1
    figures = [
        plots.receptive_fields(artifact, split.image_shape, channels),
        plots.distributions(artifact),
        *([] if artifact.schedule.elsewhere else [plots.training(artifact)]),
        plots.sops_accuracy(fixed, tests, whole_dense(artifact, split, known=fixed)),
    ]
    if isinstance(split, EventSplit):
        figures.append(event_plots.histograms(split))
    output.mkdir(parents=True, exist_ok=True)
    for path, figure in zip(paths, figures, strict=True):
        plots.save(figure, path, new=not force)
        console.print(f"Saved {path}", soft_wrap=True)
