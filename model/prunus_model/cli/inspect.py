"""`prunus inspect`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
import numpy as np
import tomli_w
from rich.table import Table

from prunus_model.cli.common import console, load_network, new_table, percent
from prunus_model.common.toml import without_none
from prunus_model.spec.labels import size_label
from prunus_model.training.artifact import Artifact
from prunus_model.training.groups import group_facts, silent_groups
from prunus_model.training.history import QUANTILES, UNKNOWN, percentiles
from prunus_model.training.trainer import pruning_thresholds

__all__ = ["command"]

#: Tables that say nothing of a feed-forward network: its thresholds are given, and nothing learns.
_OF_LEARNING = ("homeostasis", "stdp")


@click.command(name="inspect")
@click.argument("network", metavar="NETWORK")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, network: str, as_json: bool) -> None:
    """Show what is in NETWORK, a file or one of demo, 400, up5k, windows."""
    artifact = load_network(network)
    if as_json:
        click.echo(json.dumps(_facts(artifact), indent=1))
        return
    click.echo(tomli_w.dumps(without_none(_config(artifact))))
    schedule, last = artifact.schedule, len(artifact.history) - 1
    if schedule.elsewhere:
        console.print(f"Imported from a file of {schedule.data}, and trained elsewhere")
    else:
        console.print(
            f"Trained on {schedule.data}, {schedule.images} images, {schedule.epochs} epochs; "
            f"presentation {artifact.state.presentation} of {schedule.presentations}"
            f"{'' if artifact.complete else ', a checkpoint'}",
            soft_wrap=True,
        )
    if last >= 0 and artifact.history.correct[last] != UNKNOWN:
        share = artifact.history.correct[last] / artifact.history.presentations[last]
        console.print(f"Running accuracy of the last interval: {100 * share:.1f} %")
    if artifact.config.groups:
        console.print(_groups_line(artifact), soft_wrap=True)
    c = artifact.counters
    trained = (
        f"; forward SOPs in training {percent(c.forward_sops, c.forward_dense)} of dense, "
        f"update SOPs {percent(c.update_sops, c.update_dense)} of dense"
    )
    console.print(
        f"Synapses left: {100 * artifact.density:.1f} %{'' if schedule.elsewhere else trained}",
        soft_wrap=True,
    )
    console.print()
    console.print(_neuron_table(artifact))
    console.print()
    for key, value in artifact.provenance.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        console.print(f"{key}: {text}", soft_wrap=True)
    what = "file" if schedule.elsewhere else "data"
    console.print(f"{what} SHA-256: {schedule.data_sha256}")
    console.print(f"content hash: {artifact.content_hash}")


def _facts(artifact: Artifact) -> dict[str, object]:
    return {
        "config": _config(artifact),
        "schedule": asdict(artifact.schedule),
        "complete": artifact.complete,
        "presentation": artifact.state.presentation,
        "density": artifact.density,
        "groups": [asdict(facts) for facts in group_facts(artifact)],
        "counters": asdict(artifact.counters),
        "neurons": {name: percentiles(values) for name, values in _per_neuron(artifact).items()},
        "percentiles": list(QUANTILES),
        "content_hash": artifact.content_hash,
        "provenance": artifact.provenance,
    }


def _config(artifact: Artifact) -> dict[str, Any]:
    """Return the configuration, without the tables of learning if the network can't learn."""
    tables = artifact.config.to_mapping()
    hidden = _OF_LEARNING if artifact.config.feedforward else ()
    return {key: value for key, value in tables.items() if key not in hidden}


def _groups_line(artifact: Artifact) -> str:
    config = artifact.config
    shares = [100 * facts.density for facts in group_facts(artifact)]
    silent = silent_groups(artifact)
    return (
        f"{size_label(config)}, each on {config.inputs} of {config.image_levels} levels, "
        f"{config.view_count} views of an image; synapses left {min(shares):.1f} % to "
        f"{max(shares):.1f} %" + (f"; no neuron fires in {silent}" if silent else "")
    )


def _per_neuron(artifact: Artifact) -> dict[str, np.ndarray]:
    state = artifact.state
    if artifact.config.feedforward:
        return {
            "synapses_left": state.plastic_counts(artifact.config),
            "v_fire": state.v_fire.astype(np.int64),
            "bias": state.bias.astype(np.int64),
        }
    return {
        "post_count": state.post_count.astype(np.int64),
        "synapses_left": state.plastic_counts(artifact.config),
        "strength": state.strength.astype(np.int64),
        "theta": state.theta.astype(np.int64),
        "v_fire": state.v_fire.astype(np.int64),
        "w_prune": pruning_thresholds(artifact.config, state),
    }


def _neuron_table(artifact: Artifact) -> Table:
    names = {0: "least", 50: "median", 100: "most"}
    table = new_table(
        "Over the neurons, percentiles", "", *(names.get(q, str(q)) for q in QUANTILES)
    )
    for name, values in _per_neuron(artifact).items():
        table.add_row(name, *(f"{x:,}" for x in percentiles(values)))
    return table
