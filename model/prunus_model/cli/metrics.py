"""`prunus metrics`."""

from __future__ import annotations

import json

import click

from prunus_model.cli.common import console, load_network, load_test, new_table
from prunus_model.cli.options import data_option, threads_option
from prunus_model.exchange.metrics import Metric, footprint_bits, metrics, to_mapping

__all__ = ["command"]

#: Of which the values are shares.
_SHARES = ("classification_accuracy", "connection_sparsity", "activation_sparsity")


@click.command(name="metrics")
@click.argument("network", metavar="NETWORK")
@data_option("sample")
@threads_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, network: str, data: str, threads: int | None, as_json: bool) -> None:
    """Tell the metrics of NETWORK by the names of NeuroBench, each with its formula.

    NETWORK is a file or one of demo, 400, up5k, windows; the test images of the data are shown.
    Synaptic operations are per image.
    """
    artifact = load_network(network)
    split = load_test(artifact, data)
    found = metrics(artifact, split, threads=threads)
    if as_json:
        told = {
            "data": split.name,
            "images": len(split),
            **to_mapping(found),
            "footprint_bits": footprint_bits(artifact.config),
            "formulas": {metric.name: metric.formula for metric in found},
            "sources": {metric.name: metric.source for metric in found},
        }
        click.echo(json.dumps(told, indent=1))
        return
    table = new_table(f"{split.name}, {len(split)} images", "metric", "value", "formula", "from")
    for column in table.columns[2:]:
        column.justify = "left"
    for metric in found:
        table.add_row(metric.name, _text(metric), metric.formula, metric.source)
    console.print(table)


def _text(metric: Metric) -> str:
    return f"{metric.value:.4f}" if metric.name in _SHARES else f"{metric.value:,.0f}"
