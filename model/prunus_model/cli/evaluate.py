"""`prunus evaluate`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from prunus_model.cli.common import (
    accuracy_table,
    console,
    data_option,
    load_network,
    load_test,
    new_table,
    note,
    threads_option,
)
from prunus_model.training.evaluation import Evaluation, evaluate

__all__ = ["command"]


@click.command(name="evaluate")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@click.option(
    "--stop-after",
    type=click.IntRange(min=0, max=255),
    multiple=True,
    help="Early exit after so many output spikes, 0 for never. Repeatable. Default: as configured.",
)
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, network: str, data: str, stop_after: tuple[int, ...], threads: int | None, as_json: bool
) -> None:
    """Test NETWORK, a file or one of demo, 400, up5k, on the test images of a data set."""
    artifact = load_network(network)
    split = load_test(artifact, data)
    exits = stop_after or (artifact.config.readout.stop_after,)
    evaluations = [evaluate(artifact, split, stop_after=n, threads=threads) for n in exits]
    if not any(e.counters.output_spikes for e in evaluations):
        note(f"No neuron has fired for any image of {split.name}")
    if as_json:
        click.echo(json.dumps([_row(e) for e in evaluations], indent=1))
        return
    console.print(accuracy_table(evaluations))
    for e in evaluations:
        console.print()
        console.print(_confusion_table(e))


def _row(e: Evaluation) -> dict[str, object]:
    return {
        "data": e.data,
        "images": len(e.labels),
        "stop_after": e.stop_after,
        "vote": e.vote_accuracy,
        "hard": e.hard_accuracy,
        "undecided": e.undecided,
        "inference_sop_fraction": e.counters.forward_fraction if e.counters.forward_dense else None,
        "confusion": e.confusion.tolist(),
        "counters": asdict(e.counters),
    }


def _confusion_table(e: Evaluation) -> Table:
    exit_text = f", early exit after {e.stop_after}" if e.stop_after else ""
    table = new_table(
        f"Class (rows) and vote (columns){exit_text}",
        "",
        *map(str, range(e.classes)),
        "un-\ndecided",
        "right %",
    )
    for c, row in enumerate(e.confusion.tolist()):
        right = f"{100 * row[c] / sum(row):.1f}" if sum(row) else "--"
        cells = [
            Text(str(n) if n or k == c else ".", style="bold" if k == c else "")
            for k, n in enumerate(row)
        ]
        table.add_row(str(c), *cells, right)
    return table
