"""Accuracy of BindsNET's DiehlAndCook2015 and of Prunus after the same images.

`python -m prunus_model.study.bindsnet` writes `model/results/bindsnet.json`. BindsNET learns
for a given time; Prunus then learns from exactly as many of the same images, in the same order.
Neurons are labelled and images classified by the same readouts from the spikes of both.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console

from prunus_model.common.atomic import write_json
from prunus_model.common.errors import PrunusError
from prunus_model.common.other_python import run_script
from prunus_model.common.provenance import header
from prunus_model.data.datasets import Split, data_digest, load
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout, predict_hard, predict_vote, response
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_model.study.fingerprint import fingerprint
from prunus_model.training.trainer import versions

__all__ = ["main", "scores"]

_SCRIPT = Path("model/bench/bindsnet_accuracy.py")
#: Images that label the neurons, and images of the test.
_LABELLED, _TESTED = 1000, 1000
_Spikes = npt.NDArray[np.uint8]


def scores(
    labelling: tuple[_Spikes, Split], testing: tuple[_Spikes, Split], params: ReadoutParams
) -> dict[str, float]:
    """Label neurons by some images and classify others, by both readouts.

    Parameters
    ----------
    labelling, testing : tuple
        Output spikes, uint8, shape (images, neurons), and the images that they are of.
    params : ReadoutParams
        Classes and width of a vote.

    Returns
    -------
    dict
        Share that ``hard`` readout and ``vote`` get right, 0..1.
    """
    spikes, split = labelling
    images = np.bincount(split.labels, minlength=params.classes).astype(np.int64)
    readout = Readout.learn(response(spikes, split.labels, params.classes), images, params)
    tested, test = testing
    return {
        "hard": float(np.mean(predict_hard(tested, readout) == test.labels)),
        "vote": float(np.mean(predict_vote(tested, readout) == test.labels)),
    }


def _ours(config: NetworkConfig, shown: int, train: Split, test: Split) -> dict[str, Any]:
    """Learn from the first images, then label and test as BindsNET does."""
    images = levels(train.images[np.arange(shown) % len(train)], config.encoder)
    Engine(config).train(images[:8])
    engine = Engine(config)
    started = time.perf_counter()
    engine.train(images)
    seconds = time.perf_counter() - started
    engine.finish()
    label = train.head(_LABELLED)
    spikes = [
        engine.infer(levels(split.images, config.encoder), threads=1)[1] for split in (label, test)
    ]
    state = engine.state
    return {
        "policy": config.pruning.policy,
        "presentations": shown,
        "seconds": round(seconds, 3),
        "density": float(np.mean(state.alive)),
        **scores((spikes[0], label), (spikes[1], test), config.readout),
    }


def _theirs(python: str, seconds: int, neurons: int, train: Split, test: Split) -> dict[str, Any]:
    label = train.head(_LABELLED)
    with tempfile.TemporaryDirectory() as folder:
        images, spikes = Path(folder) / "images.npz", Path(folder) / "spikes.npz"
        np.savez(images, train=train.images, label=label.images, test=test.images)
        args = ["--images", str(images), "--output", str(spikes)]
        args += ["--seconds", str(seconds), "--neurons", str(neurons)]
        report = run_script(python, _SCRIPT, args, what="BindsNET must run")
        with np.load(spikes) as counted:
            pair = (counted["label"], label), (counted["test"], test)
    return report | {"seconds": round(report["seconds"], 3)} | scores(*pair, ReadoutParams())


@click.command(context_settings={"show_default": True})
@click.option("--data", default="mnist", help="Data set.")
@click.option("--bindsnet-python", default=".venv-bindsnet/bin/python", help="Has BindsNET.")
@click.option("--seconds", default=240, type=click.IntRange(min=1), help="For BindsNET to learn.")
@click.option("--output", type=click.Path(path_type=Path), default="model/results/bindsnet.json")
def main(*, data: str, bindsnet_python: str, seconds: int, output: Path) -> None:
    """Train both on the same images and write one JSON file."""
    try:
        content = _compared(data, bindsnet_python, seconds)
    except PrunusError as e:
        click.echo(f"Error: {e}", err=True)
        sys.exit(2)
    write_json(output, content)
    Console().print(content)


def _compared(data: str, python: str, seconds: int) -> dict[str, Any]:
    train, test = load(data, "train"), load(data, "test").head(_TESTED)
    config = NetworkConfig.named("demo")
    theirs = _theirs(python, seconds, config.neurons, train, test)
    shown = theirs["presentations"]
    return {
        "provenance": header(
            "bindsnet",
            command=f"python -m prunus_model.study.bindsnet --data {data} --seconds {seconds}",
            inputs={"model": fingerprint(), "data": data_digest(data)},
            tools=versions() | {k: theirs["versions"][k] for k in ("bindsnet", "torch")},
        ),
        "data": data,
        "neurons": config.neurons,
        "presentations": shown,
        "labelled": _LABELLED,
        "tested": len(test),
        "bindsnet": {k: v for k, v in theirs.items() if k != "versions"},
        "prunus": [
            _ours(c, shown, train, test) for c in (replace(config, pruning=NoPruning()), config)
        ],
    }


if __name__ == "__main__":
    main()
