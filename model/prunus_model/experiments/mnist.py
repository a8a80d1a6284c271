"""Accuracy and SOPs on full MNIST: every size, with and without pruning, several seeds.

`python -m prunus_model.experiments.mnist` writes `model/results/mnist.json`.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from prunus_model.atomic import write_json
from prunus_model.config import POLICIES, NetworkConfig
from prunus_model.datasets import load
from prunus_model.evaluation import evaluate
from prunus_model.training import train, versions

__all__ = ["RUNS", "main", "run"]

#: Named configuration, epochs and policies of each row; `adaptive` as the configuration has it.
RUNS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("1600", 3, ("none", "adaptive")),
    ("paper", 2, ("none", "adaptive", "constant", "soft", "post")),
    ("400", 2, ("none", "adaptive")),
    ("demo", 2, ("none", "adaptive")),
)


def run(name: str, epochs: int, policy: str, seed: int, data: str) -> dict[str, Any]:
    """Train, label with the training images, test on the test images.

    Parameters
    ----------
    name : str
        Named configuration.
    epochs : int
        How often each training image is shown.
    policy : str
        Pruning policy; with its default parameters if it is not that of the configuration.
    seed : int
        Seed of weights and random streams.
    data : str
        Data set, as :func:`prunus_model.datasets.load` takes it.

    Returns
    -------
    dict
        One row of the results file. Accuracies and fractions are 0..1.
    """
    config = replace(NetworkConfig.named(name), seed=seed)
    if policy != config.pruning.policy:
        config = replace(config, pruning=POLICIES[policy])
    artifact = train(config, load(data, "train"), epochs=epochs)
    result = evaluate(artifact, load(data, "test"), threads=1)
    trained, tested = artifact.counters, result.counters
    return {
        "data": data,
        "config": name,
        "neurons": config.neurons,
        "epochs": epochs,
        "policy": policy,
        "seed": seed,
        "hard": result.hard_accuracy,
        "vote": result.vote_accuracy,
        "undecided": result.undecided,
        "inference_sop_fraction": tested.forward_fraction,
        # Soft pruning stores zeros: read as usual above, skipped here.
        "inference_sop_fraction_without_frozen": (tested.forward_sops - tested.frozen_sops)
        / tested.forward_dense,
        "training_sop_fraction": trained.forward_fraction,
        "training_sop_fraction_without_frozen": (trained.forward_sops - trained.frozen_sops)
        / trained.forward_dense,
        "update_sop_fraction": trained.update_fraction,
        "forward_sops_per_inference": tested.forward_sops / len(result.labels),
        "density": artifact.density,
        "train_seconds": artifact.provenance["train_seconds"],
        "artifact_hash": artifact.content_hash,
    }


@click.command(context_settings={"show_default": True})
@click.option("--data", default="mnist", help="Data set.")
@click.option("--seeds", default=3, type=click.IntRange(min=1), help="Seeds 1, 2, ...")
@click.option("--output", type=click.Path(path_type=Path), default="model/results/mnist.json")
def main(*, data: str, seeds: int, output: Path) -> None:
    """Run everything on all processors and write one JSON file."""
    jobs = [
        (name, epochs, policy, seed, data)
        for name, epochs, policies in RUNS
        for policy in policies
        for seed in range(1, seeds + 1)
    ]
    load(data, "train")
    # `spawn`: numba's threads do not survive a fork.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run, *job) for job in jobs]
        for future in track(as_completed(futures), total=len(jobs), description="runs"):
            future.result()
    rows = [future.result() for future in futures]
    rows.sort(key=lambda row: (row["neurons"], row["epochs"], row["policy"], row["seed"]))
    content = {
        "command": f"python -m prunus_model.experiments.mnist --data {data} --seeds {seeds}",
        "versions": versions(),
        "runs": rows,
    }
    write_json(output, content)


if __name__ == "__main__":
    main()
