"""One training and its tests: the unit of work that is done on a core."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.data.events.split import Labelled
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.readout import UNDECIDED
from prunus_model.study.plan import Training, digest_of, halves
from prunus_model.study.rule import Rule
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation, evaluate
from prunus_model.training.history import UNKNOWN, History
from prunus_model.training.trainer import Trainer, pruning_thresholds, versions

__all__ = ["Result", "train_and_test", "train_as_planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a training. Plain values only, so that it can be kept as JSON.

    Attributes
    ----------
    digest, name : str
        Those of the training.
    row : dict
        What was measured of the training; fractions are 0..1.
    tests : dict of Rule to dict
        By rule, what was measured in the test.
    detail : dict
        ``history``: records by interval, ``neurons``: figures of each neuron at the end.
    seconds : float
        Of the training, on one core. The only value that differs when it is done again.
    versions : dict of str to str
        Of everything that computed.
    """

    digest: str
    name: str
    row: dict[str, Any]
    tests: dict[Rule, dict[str, Any]]
    detail: dict[str, Any]
    seconds: float
    versions: dict[str, str]


def train_and_test(training: Training) -> Result:
    """Train on one core, label with the images of the training, test on those kept for that.

    What is kept are the test images or, for a choice, the last sixth of the training images.

    Parameters
    ----------
    training : Training
        What to train, and by which rules to test the one trained network.

    Returns
    -------
    Result
        The same on every machine, but for the seconds.

    Raises
    ------
    PrunusError
        If the data have gone or do not fit.
    """
    train, test = _loaded(training)
    trainer = Trainer(training.config, train, epochs=training.epochs)
    while not trainer.done:
        trainer.advance()
    artifact = trainer.finish(threads=1)
    tests = {
        rule: rule.columns | _tested(evaluate(rule.apply(artifact), test, threads=1))
        for rule in training.rules
    }
    return Result(
        digest=training.digest,
        name=training.name,
        row=_row(artifact),
        tests=tests,
        detail={"history": _history(artifact.history), "neurons": _neurons(artifact)},
        seconds=float(artifact.provenance["train_seconds"]),
        versions=versions(),
    )


def train_as_planned(training: Training) -> Result:
    """Train and test where others have planned it: with what the plan was made for.

    Parameters
    ----------
    training : Training
        As of :func:`prunus_model.study.plan.plan`.

    Returns
    -------
    Result
        As of :func:`train_and_test`.

    Raises
    ------
    DataError
        If the data, or the model, are others here.
    """
    train, test = _loaded(training)
    here = digest_of(training.config, training.epochs, (train.sha256, test.sha256))
    if here != training.digest:
        raise DataError(
            f"Worker {platform.node()} must have the data {training.data} and the model of the "
            f"plan, not others"
        )
    return train_and_test(training)


def _loaded(training: Training) -> tuple[Labelled, Labelled]:
    encoder = training.config.encoder
    # Levels are made later: images do not depend on the encoder.
    binned = encoder if encoder.events else EncoderParams()
    return _halves(training.data, binned, training.validate, Path.cwd())


@lru_cache(maxsize=4)
def _halves(
    data: str, encoder: EncoderParams, validate: bool, _folder: Path
) -> tuple[Labelled, Labelled]:
    """Load once in each process, and in each folder, as data may be named relative to it."""
    return halves(data, encoder, validate=validate)


def _row(artifact: Artifact) -> dict[str, Any]:
    counters = artifact.counters
    strength = artifact.state.strength.astype(np.float64)
    quantiles = artifact.history.w_prune
    return {
        "training_sop_fraction": counters.forward_fraction,
        # Soft pruning stores zeros: read as usual above, skipped here.
        "training_sop_fraction_without_frozen": _share(
            counters.forward_sops - counters.frozen_sops, counters.forward_dense
        ),
        "update_sop_fraction": counters.update_fraction,
        "forward_sops_per_training_presentation": counters.forward_sops / counters.presentations,
        "density": artifact.density,
        # Neurons that no training image makes fire once training is over.
        "silent_neurons": int(np.count_nonzero(artifact.readout.assignment == UNDECIDED)),
        "strength_mean": float(strength.mean()),
        "strength_deviation": float(strength.std()),
        # Quantiles over the neurons after a tenth of the training, and at its end.
        "w_prune_early": quantiles[len(quantiles) // 10].tolist(),
        "w_prune_late": quantiles[-1].tolist(),
        "artifact_hash": artifact.content_hash,
    }


def _tested(result: Evaluation) -> dict[str, Any]:
    counters = result.counters
    return {
        "hard": result.hard_accuracy,
        "vote": result.vote_accuracy,
        "undecided": result.undecided,
        "inference_sop_fraction": counters.forward_fraction,
        "inference_sop_fraction_without_frozen": _share(
            counters.forward_sops - counters.frozen_sops, counters.forward_dense
        ),
        "forward_sops_per_inference": result.sops_per_image,
        "steps_per_inference": result.steps_per_image,
        "output_spikes_per_inference": result.spikes_per_image,
        "neuron_updates_per_inference": result.neuron_updates_per_image,
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _history(history: History) -> dict[str, list[Any]]:
    known = history.correct != UNKNOWN
    return {
        "presentations": np.cumsum(history.presentations).tolist(),
        "running_accuracy": [
            share if there else None
            for share, there in zip(
                (history.correct / history.presentations).tolist(), known.tolist(), strict=True
            )
        ],
        "plastic": history.plastic.tolist(),
        "forward_sops": history.forward_sops.tolist(),
        "forward_dense": history.forward_dense.tolist(),
        "update_sops": history.update_sops.tolist(),
        "update_dense": history.update_dense.tolist(),
        "w_prune": history.w_prune.tolist(),
    }


def _neurons(artifact: Artifact) -> dict[str, list[int]]:
    state = artifact.state
    thresholds: npt.NDArray[np.int64] = pruning_thresholds(artifact.config, state)
    return {
        "post_count": state.post_count.tolist(),
        "strength": state.strength.tolist(),
        "plastic": state.plastic_counts(artifact.config).tolist(),
        "w_prune": thresholds.tolist(),
    }
