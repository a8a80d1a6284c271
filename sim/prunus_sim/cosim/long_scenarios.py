"""The long lockstep jobs: thousands of images of MNIST, at 100, 400 and 800 neurons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from prunus_model.common.errors import DataError
from prunus_model.data import datasets
from prunus_model.spec.config import AdaptivePruning, NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.measured import PAPER, planned, trained
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Job, Show, at_rest, from_artifact, random_votes
from prunus_sim.cosim.scenarios import Levels
from prunus_sim.cosim.scoreboard import Stimulus

__all__ = ["LONG", "in_chunks", "inference_job", "learning_job", "levels_of", "long_job"]

#: Presentations that follow each other without Python being woken.
_CHUNK = 50
#: The ramps of the named configurations are for tens of thousands of images.
_EARLY = AdaptivePruning(ramp_shift=1, strength_gain=330)
#: Names of the jobs.
LONG = ("inference", "learning-100", "redundancy-100", "learning-400", "inference-800")


def levels_of(network: NetworkConfig, data: str, split: Any, count: int) -> Levels:
    """Return levels of the first images of a data set.

    Raises
    ------
    DataError
        If it does not hold so many.
    """
    found = datasets.load(data, split)
    if len(found.images) < count:
        raise DataError(f"{data} {split} must hold {count} images, not {len(found.images)}")
    return levels(found.images[:count].reshape(count, -1), network.encoder)


def in_chunks(levels: Levels, *, stop_after: int = 0) -> list[Show]:
    """Return shows of many images back to back; after the first, the whole state is compared."""
    return [
        Show(
            stimuli=list(levels[at : at + _CHUNK]),
            stop_after=stop_after,
            check="door" if at == 0 else "none",
        )
        for at in range(0, len(levels), _CHUNK)
    ]


def inference_job(plan: Plan, *, name: str, shows: list[Show]) -> Job:
    """Return the job of a core as it is exported."""
    return Job(
        name=name,
        network=plan.network,
        hardware=plan.hardware,
        state=at_rest(plan.state, plan.network),
        readout=replace(
            plan.artifact.readout,
            votes=plan.votes,
            assignment=plan.artifact.readout.assignment[plan.neurons],
        ),
        format=plan.store,
        shows=shows,
    )


def learning_job(
    name: str,
    data: str,
    count: int,
    *,
    seed: int = 0,
    checked: bool = True,
    pruning: AdaptivePruning = _EARLY,
    what: str = "learning",
) -> Job:
    """Return a job that learns from scratch, and prunes early.

    Parameters
    ----------
    name : str
        Named configuration.
    data : str
        Data set.
    count : int
        Training images to show.
    seed : int
        Other weights.
    checked : bool
        Whether the whole state is compared after every presentation; otherwise after the last.
    pruning : AdaptivePruning
        Early enough for so few images.
    what : str
        What the job is of, for its name.
    """
    network = replace(NetworkConfig.named(name), pruning=pruning, seed=1 + seed)
    stimuli: list[Stimulus] = list(levels_of(network, data, "train", count))
    every = max(1, count // 20)
    shows = [
        Show(
            stimuli=[image],
            learn=True,
            check="both" if k == count - 1 else "door" if checked else "none",
            cycles=k % every == 0,
        )
        for k, image in enumerate(stimuli)
    ]
    return Job(
        name=f"{network.neurons} neurons, {what}",
        network=network,
        hardware=HardwareConfig(lanes=16),
        state=State.initial(network),
        readout=random_votes(network, seed),
        shows=shows,
    )


def long_job(which: str, data: str, artifact: Path | None, *, scale: float, seed: int) -> Job:
    """Return one of the long jobs.

    Parameters
    ----------
    which : str
        One of :data:`LONG`.
    data : str
        Data set.
    artifact : Path, optional
        Network of the long inference. Default: the bundled one of 400 neurons.
    scale : float
        Share of the images.
    seed : int
        Seed of what learns.
    """

    def scaled(count: int) -> int:
        return max(1, round(count * scale))

    match which:
        case "inference":
            network = trained("400", data) if artifact is None else Artifact.load(artifact)
            return from_artifact(
                network,
                name=f"{network.config.neurons} neurons, inference",
                hardware=HardwareConfig(lanes=16, learn=False, store="packed"),
                shows=in_chunks(levels_of(network.config, data, "test", scaled(10_000))),
            )
        case "learning-100":
            return learning_job("demo", data, scaled(1_000), seed=seed)
        case "redundancy-100":
            count = scaled(1_000)
            pruning = replace(_EARLY, echo_shift=8, echo_start=count // 3)
            what = "learning, by redundancy"
            return learning_job("demo", data, count, seed=seed, pruning=pruning, what=what)
        case "learning-400":
            return learning_job("400", data, scaled(100), seed=seed)
        case _:
            plan = planned(trained(PAPER, data), data, lanes=16, store="csr")
            shows = in_chunks(levels_of(plan.network, data, "test", scaled(200)))
            return inference_job(plan, name="800 neurons, inference", shows=shows)
