"""Cycles of cores by their options, before and after: `make core-options`.

The same networks on cores with the options that cores had at first, and with those of a quick one.
Cycles are those of the formula (:mod:`prunus_rtl.timing`), which lockstep holds cores to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from prunus_model.cli.common import new_table, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.datasets import load
from prunus_model.spec.levels import levels
from prunus_model.spec.state import State
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.artifact import Artifact
from prunus_rtl.digest.gateware import gateware_digest
from prunus_rtl.export.mean_cycles import mean_cycles
from prunus_rtl.export.measured import PAPER, planned, trained

__all__ = ["LANES", "NETWORKS", "OPTIONS", "main", "measure"]

_RESULTS = Path("overhead/results/core_options.json")
Row = dict[str, Any]

NETWORKS = ("demo", "400", PAPER)
LANES = (4, 16, 32)
#: Options of cores that do not learn, and of those that do.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "first": ({}, {"balanced": False}),
    "quick": (
        {"encoder_inputs": 16},
        {"encoder_inputs": 16, "sweep_inputs": 8, "multiplier": "dsp"},
    ),
}
_EARLY = 1
#: Counts of a row, and what the table on the terminal calls them.
_COLUMNS = {
    "cycles_per_inference": "inference",
    "cycles_per_inference_early_exit": "early exit",
    "cycles_per_inference_early_exit_learning_core": "early exit, core learns",
    "cycles_per_learning_presentation": "learning, trained",
    "cycles_per_first_presentation": "learning, from start",
}


def measure(
    network: Artifact, name: str, data: str, *, lanes: int, options: str, images: int
) -> Row:
    """Count the cycles of a network on the cores of some options.

    Parameters
    ----------
    network : Artifact
        The trained network.
    name : str
        What it is called in the results.
    data : str
        Data set.
    lanes : int
        Lanes of the cores.
    options : str
        One of :data:`OPTIONS`. With ``first``, a core that learns computes all thresholds before
        each presentation, as it did then.
    images : int
        Images of each count.

    Returns
    -------
    dict
        Mean cycles of an inference with all steps and with early exit, on a core with a packed
        store; with early exit on a core that learns; and of a learning presentation, of the trained
        network and of one at the beginning of its training.
    """
    packed, learning = OPTIONS[options]
    config = network.config
    shown, taught = (
        levels(load(data, split).take(0, images).images, config.encoder)
        for split in ("test", "train")
    )
    inference = planned(network, data, lanes=lanes, store="csr", **packed)
    core = planned(network, data, mode="learning", lanes=lanes, **learning)
    begun = replace(core, state=State.initial(config))
    anew = {"always_recomputed": options == "first"}
    counts = {
        "cycles_per_inference": mean_cycles(inference, shown),
        "cycles_per_inference_early_exit": mean_cycles(inference, shown, stop_after=_EARLY),
        "cycles_per_inference_early_exit_learning_core": mean_cycles(
            core, shown, stop_after=_EARLY, **anew
        ),
        "cycles_per_learning_presentation": mean_cycles(core, taught, learn=True, **anew),
        "cycles_per_first_presentation": mean_cycles(begun, taught, learn=True, **anew),
    }
    head = {"network": name, "neurons": config.neurons, "lanes": lanes, "options": options}
    return head | {key: round(count) for key, count in counts.items()}


def _rows(names: Iterable[str], data: str, images: int, report: Callable[[str], None]) -> list[Row]:
    rows = []
    for name in names:
        report(f"network {name}")
        network = trained(name, data)
        for lanes in LANES:
            for options in OPTIONS:
                report(f"{name}, {lanes} lanes, options {options}")
                rows.append(
                    measure(network, name, data, lanes=lanes, options=options, images=images)
                )
    return rows


@click.command()
@data_option("mnist")
@click.option("--images", type=WholeNumber(min=1), default=20, show_default=True)
@results_option(_RESULTS)
def main(*, data: str, images: int, output: Path) -> None:
    """Count cycles of cores by their options, for networks of 100, 400 and 800 neurons."""
    console = Console()
    with user_errors():
        rows = _rows(
            NETWORKS, data, images, lambda what: console.print(f"{what} ...", highlight=False)
        )
        content = {
            "provenance": header(
                "core-options",
                command="make core-options",
                inputs={"model": fingerprint(), "gateware": gateware_digest()},
                tools=package_versions("amaranth"),
            ),
            "images": images,
            "rows": rows,
        }
        write_json(output, content)
    table = new_table("", "network", "lanes", "options", *_COLUMNS.values())
    for row in rows:
        counts = (f"{row[key]:,}" for key in _COLUMNS)
        table.add_row(row["network"], str(row["lanes"]), row["options"], *counts)
    console.print(table)


if __name__ == "__main__":
    main()
