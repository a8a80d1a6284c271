"""A task that changes: what pruning for good costs, and whether synapses that come back pay.

`python -m prunus_model.study.change` writes `model/results/change.json`. A network learns the first
half of the classes (phase A), then the other half (B), then all of them (C), each image of a phase
once. After every phase its neurons are labelled anew by training images of all classes that it has
seen, and it is tested.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console

from prunus_model.common.atomic import write_json
from prunus_model.common.errors import DataError, PrunusError
from prunus_model.common.provenance import header
from prunus_model.data.datasets import data_digest, load
from prunus_model.data.split import Split, check_for
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout, predict_vote, response
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import LiftPruning, NoPruning, PruningParams
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.regrowth import regrown
from prunus_model.training.trainer import versions

__all__ = ["PHASES", "Case", "cases", "main", "phases_of"]

#: What is learned: the first half of the classes, the other half, all.
PHASES = ("A", "B", "C")
_NETWORKS = ("demo", "400")
#: Training images by which neurons are labelled: the first so many of the classes seen.
_LABELLED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rule of pruning, and whether synapses come back when phases B and C begin.

    Attributes
    ----------
    rule : str
        For people.
    pruning : PruningParams
        The policy.
    anew : bool or None
        As :func:`prunus_model.training.regrowth.regrown` has it; None if nothing comes back.
    """

    rule: str
    pruning: PruningParams
    anew: bool | None = None


def cases(config: NetworkConfig, first: int, whole: int) -> tuple[Case, ...]:
    """Return all that is compared.

    Parameters
    ----------
    config : NetworkConfig
        Gives the constants of ``adaptive``.
    first, whole : int
        Presentations of phase A, and of all phases.
    """
    known, early = LiftPruning(length=whole), LiftPruning(length=first)
    return (
        Case(rule="none", pruning=NoPruning()),
        Case(rule="adaptive", pruning=config.pruning),
        Case(rule="lift, length of all phases", pruning=known),
        Case(rule="lift, length of A", pruning=early),
        Case(rule="lift, length of A, regrowth", pruning=early, anew=False),
        Case(rule="lift, length of A, regrowth, spikes counted anew", pruning=early, anew=True),
    )


def phases_of(labels: npt.NDArray[np.uint8], classes: int) -> list[npt.NDArray[np.bool_]]:
    """Return which images each phase shows: :data:`PHASES`, each bool, shape (images,)."""
    old = labels < classes // 2
    return [old, ~old, np.ones_like(old)]


def _learned(config: NetworkConfig, case: Case, train: Split, test: Split) -> list[dict[str, Any]]:
    """Learn all phases; return a row for each."""
    config = replace(config, pruning=case.pruning)
    shown, tested = (levels(split.images, config.encoder) for split in (train, test))
    classes = config.readout.classes
    engine = Engine(config)
    rows: list[dict[str, Any]] = []
    known = np.zeros(len(train), dtype=np.bool_)
    for phase, chosen in zip(PHASES, phases_of(train.labels, classes), strict=True):
        if case.anew is not None:
            engine = Engine(config, regrown(engine.state, config, anew=case.anew))
        learning, _ = engine.train(shown[chosen])
        known |= chosen
        seen = np.flatnonzero(known)[:_LABELLED]
        _, spikes = engine.infer(shown[seen], threads=1)
        labels = train.labels[seen]
        images = np.bincount(labels, minlength=classes).astype(np.int64)
        readout = Readout.learn(response(spikes, labels, classes), images, config.readout)
        counts, spikes = engine.infer(tested, threads=1)
        inference = Counters.from_array(counts.sum(axis=0))
        right = predict_vote(spikes, readout) == test.labels
        old, new, both = (float(np.mean(right[of])) for of in phases_of(test.labels, classes))
        rows.append(
            {
                "neurons": config.neurons,
                "rule": case.rule,
                "seed": config.seed,
                "phase": phase,
                "old": old,
                # Nothing of them has been seen in phase A.
                "new": new if rows else None,
                "all": both if rows else None,
                "density": float(np.mean(engine.state.alive)),
                "training_sop_fraction": learning.forward_sops / learning.forward_dense,
                "inference_sop_fraction": inference.forward_sops / inference.forward_dense,
                "forward_sops_per_inference": inference.forward_sops / len(test),
            }
        )
    return rows


def _compared(
    networks: Sequence[str], seeds: int, train: Split, test: Split, console: Console
) -> list[dict[str, Any]]:
    """Return the rows of all networks, cases and seeds, the seeds last."""
    rows = []
    for name in networks:
        config = NetworkConfig.named(name)
        for split in (train, test):
            check_for(split, config)
            of = phases_of(split.labels, config.readout.classes)
            if not all(map(np.any, of)):
                raise DataError(f"Data {split.name} must have images of both halves of the classes")
        shown = [
            int(np.count_nonzero(of)) for of in phases_of(train.labels, config.readout.classes)
        ]
        for case in cases(config, shown[0], sum(shown)):
            for seed in range(1, seeds + 1):
                rows += _learned(replace(config, seed=seed), case, train, test)
                console.print(f"{config.neurons} neurons, {case.rule}, seed {seed}: {rows[-1]}")
    return rows


@click.command(context_settings={"show_default": True})
@click.option("--data", default="mnist", help="Data set.")
@click.option("--seeds", default=5, type=click.IntRange(min=1), help="Seeds 1 to this.")
@click.option("--images", type=click.IntRange(min=1), help="Only the first, of either split.")
@click.option("--network", "networks", multiple=True, default=_NETWORKS, help="Configurations.")
@click.option("--output", type=click.Path(path_type=Path), default="model/results/change.json")
def main(
    *, data: str, seeds: int, images: int | None, networks: tuple[str, ...], output: Path
) -> None:
    """Learn all phases with each rule and write one JSON file."""
    console = Console()
    command = f"python -m prunus_model.study.change --data {data} --seeds {seeds}"
    command += f" --images {images}" if images else ""
    command += "".join(f" --network {name}" for name in networks if networks != _NETWORKS)
    try:
        train, test = load(data, "train"), load(data, "test")
        provenance = header(
            "change",
            command=command,
            inputs={"model": fingerprint(), "data": data_digest(data)},
            tools=versions(),
        )
        if images:
            train, test = (split.head(min(images, len(split))) for split in (train, test))
        rows = _compared(networks, seeds, train, test, console)
    except PrunusError as e:
        click.echo(f"Error: {e}", err=True)
        sys.exit(2)
    content = {"provenance": provenance, "data": data, "labelled": _LABELLED, "rows": rows}
    write_json(output, content)
    console.print(f"Saved {output}")


if __name__ == "__main__":
    main()
