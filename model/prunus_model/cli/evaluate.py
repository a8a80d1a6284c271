"""`prunus evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product

import click

from prunus_model.cli.accuracy import accuracy_table, confusion_table
from prunus_model.cli.common import console, load_network, load_test, note
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, margins_option, threads_option, votes_options
from prunus_model.training.evaluation import Evaluation, evaluate, whole_dense
from prunus_model.training.relabelling import relabelled

__all__ = ["command"]


@click.command(name="evaluate")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@click.option(
    "--stop-after",
    type=WholeNumber(min=0, max=255),
    multiple=True,
    help="Early exit after so many output spikes, 0 for never. Repeatable. Default: as configured.",
)
@margins_option("as configured")
@votes_options
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    network: str,
    data: str,
    stop_after: tuple[int, ...],
    margins: tuple[int, ...],
    votes: str | None,
    vote_bits: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Test NETWORK, a file or one of demo, 400, up5k, windows, on the test images of a data set.

    With several early exits and margins, each is combined with each. With other votes, these are
    made anew from what each neuron answered to the labelled images; nothing is trained.
    """
    artifact = relabelled(
        load_network(network),
        votes=votes,
        vote_bits=vote_bits,
        stop_after=stop_after[0] if stop_after else None,
        margin=margins[0] if margins else None,
    )
    readout = artifact.config.readout
    rules = list(product(stop_after or (readout.stop_after,), margins or (readout.margin,)))
    for exit_after, margin in rules:
        # Now, not after the others.
        artifact.config.with_readout(stop_after=exit_after, margin=margin)
    split = load_test(artifact, data)
    evaluations = [
        evaluate(artifact, split, stop_after=exit_after, margin=margin, threads=threads)
        for exit_after, margin in rules
    ]
    dense = whole_dense(artifact, split, known=evaluations, threads=threads)
    if not any(e.counters.output_spikes for e in evaluations):
        note(f"No neuron has fired for any image of {split.name}")
    if as_json:
        click.echo(json.dumps([_row(e, dense, split.class_names) for e in evaluations], indent=1))
        return
    console.print(accuracy_table(evaluations, dense))
    if len(evaluations) == 1:
        console.print()
        console.print(confusion_table(evaluations[0], split.class_names))


def _row(e: Evaluation, dense: float, names: Sequence[str]) -> dict[str, object]:
    return {
        "data": e.data,
        "images": len(e.labels),
        "votes": e.readout.votes,
        "vote_bits": e.readout.vote_bits,
        "stop_after": e.readout.stop_after,
        "margin": e.readout.margin,
        "vote": e.vote_accuracy,
        "hard": e.hard_accuracy,
        "undecided": e.undecided,
        "output_spikes_per_image": e.spikes_per_image,
        "steps_per_image": e.steps_per_image,
        "neuron_updates_per_image": e.neuron_updates_per_image,
        "forward_sops_per_image": e.sops_per_image,
        "whole_dense_sops_per_image": dense,
        "of_dense": e.sops_per_image / dense if dense else None,
        "inference_sop_fraction": e.counters.forward_fraction if e.counters.forward_dense else None,
        "class_names": list(names),
        "confusion": e.confusion.tolist(),
        "counters": asdict(e.counters),
    }
