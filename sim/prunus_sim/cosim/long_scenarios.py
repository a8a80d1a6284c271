"""The long lockstep scenarios: thousands of images of MNIST, at 100 to 800 neurons, and groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from prunus_model.common.errors import DataError
from prunus_model.data import datasets
from prunus_model.data.events.split import load_events, stimuli
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import size_label
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning, PruningParams, scheduled
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.measured import PAPER, planned, trained
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import HardwareConfig
from prunus_sim.cosim.scenario import Scenario, Sequence, at_rest, from_artifact, random_votes
from prunus_sim.cosim.scenarios.building import Levels
from prunus_sim.cosim.stimulus import Stimulus

__all__ = [
    "LONG",
    "LONG_GROUPS",
    "events_scenario",
    "in_chunks",
    "inference_scenario",
    "learning_scenario",
    "levels_of",
    "long_scenario",
]

#: Presentations of a sequence.
_CHUNK = 50
#: Of 4-bit votes: it ends most presentations after one output spike or two.
_MARGIN = 14
#: The ramps of the named configurations are for tens of thousands of images.
_EARLY = AdaptivePruning(ramp_shift=1, strength_gain=330)
#: A core of few cycles. The scenarios of 400 neurons and of groups are of one with the defaults.
_QUICK: Any = {"encoder_inputs": 16, "sweep_inputs": 8, "multiplier": "dsp"}
#: Names of the scenarios.
LONG = ("inference", "learning-100", "lift-100", "learning-400", "inference-800")
#: Those of networks with groups.
LONG_GROUPS = ("windows", "windows-learning")


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


def in_chunks(levels: Levels, *, stop_after: int = 0, margin: int = 0) -> list[Sequence]:
    """Return sequences of many images; the state is compared after the first sequence."""
    return [
        Sequence(
            stimuli=list(levels[at : at + _CHUNK]),
            stop_after=stop_after,
            margin=margin,
            check="backdoor" if at == 0 else "none",
        )
        for at in range(0, len(levels), _CHUNK)
    ]


def inference_scenario(plan: Plan, *, name: str, sequences: list[Sequence]) -> Scenario:
    """Return the scenario of a core as it is exported."""
    return Scenario(
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
        sequences=sequences,
    )


def learning_scenario(
    name: str,
    data: str,
    count: int,
    *,
    seed: int = 0,
    checked: bool = True,
    pruning: PruningParams = _EARLY,
    what: str = "learning",
    **hardware: Any,
) -> Scenario:
    """Return a scenario that learns from scratch, and prunes early.

    Parameters
    ----------
    name : str
        Named configuration.
    data : str
        Data set.
    count : int
        Number of training images to present.
    seed : int
        Other weights.
    checked : bool
        Whether the whole state is compared after every presentation; otherwise after the last.
    pruning : PruningParams
        The policy.
    what : str
        What the scenario does, for its name.
    **hardware
        As of :class:`HardwareConfig`; 16 lanes.
    """
    network = replace(NetworkConfig.named(name), pruning=pruning, seed=1 + seed)
    stimuli: list[Stimulus] = list(levels_of(network, data, "train", count))
    every = max(1, count // 20)
    sequences = [
        Sequence(
            stimuli=[image],
            learn=True,
            check="both" if k == count - 1 else "backdoor" if checked else "none",
            cycles=k % every == 0,
        )
        for k, image in enumerate(stimuli)
    ]
    return Scenario(
        name=f"{size_label(network)}, {what}",
        network=network,
        hardware=HardwareConfig(lanes=16, **hardware),
        state=State.initial(network),
        readout=random_votes(network, seed),
        sequences=sequences,
    )


def events_scenario(artifact: Artifact, data: str, count: int) -> Scenario:
    """Return the scenario of a network of events that learns on, and then no more.

    Parameters
    ----------
    artifact : Artifact
        A trained network with ``encoder.events``.
    data : str
        Data set of events; its test recordings are taken.
    count : int
        Presentations: all but the last tenth are learned from.

    Raises
    ------
    DataError
        If the data do not fit, or are fewer.
    """
    split = load_events(data, "test", artifact.config.encoder).head(count)
    stimuli(split, artifact.config)
    learned = count - count // 10
    sequences = [
        Sequence(
            stimuli=[[pres.tolist() for pres in split.events.lists(number)]],
            learn=number < learned,
            check="both" if number in (learned - 1, count - 1) else "backdoor",
            cycles=number % max(1, count // 20) == 0,
        )
        for number in range(count)
    ]
    return from_artifact(
        artifact,
        name=f"{size_label(artifact.config)}, events, learning",
        hardware=HardwareConfig(lanes=16, source="events"),
        sequences=sequences,
    )


def long_scenario(
    which: str, data: str, artifact: Path | None, *, scale: float, seed: int
) -> Scenario:
    """Return one of the long scenarios.

    Parameters
    ----------
    which : str
        One of :data:`LONG` or :data:`LONG_GROUPS`; or ``events``, of a network of events.
    data : str
        Data set.
    artifact : Path, optional
        Network of the long inference, or of events. Default: the bundled one of 400 neurons.
    scale : float
        Share of the images.
    seed : int
        Seed of what learns.
    """

    def scaled(count: int) -> int:
        return max(1, round(count * scale))

    match which:
        case "events" if artifact is not None:
            return events_scenario(Artifact.load(artifact), data, scaled(1_000))
        case "inference":
            network = trained("400", data) if artifact is None else Artifact.load(artifact)
            shown = levels_of(network.config, data, "test", scaled(10_000))
            tested = in_chunks(shown[: scaled(1_000)], margin=_MARGIN)
            return from_artifact(
                network,
                name=f"{network.config.neurons} neurons, inference",
                hardware=HardwareConfig(lanes=16, learn=False, store="packed"),
                sequences=[*in_chunks(shown), *tested],
            )
        case "learning-100":
            return learning_scenario("demo", data, scaled(1_000), seed=seed, **_QUICK)
        case "lift-100":
            count = scaled(1_000)
            lift = scheduled(LiftPruning(), count)
            return learning_scenario(
                "demo", data, count, seed=seed, pruning=lift, what="learning, lift", **_QUICK
            )
        case "learning-400":
            return learning_scenario("400", data, scaled(100), seed=seed)
        case "windows":
            plan = planned(trained("windows", data), data, lanes=16, store="bitmask")
            config = plan.network
            exits = {"stop_after": plan.stop_after, "margin": plan.margin}
            sequences = in_chunks(levels_of(config, data, "test", scaled(1_000)), **exits)
            name = f"{size_label(config)}, inference"
            return inference_scenario(plan, name=name, sequences=sequences)
        case "windows-learning":
            return learning_scenario("windows", data, scaled(100), seed=seed)
        case _:
            plan = planned(trained(PAPER, data), data, lanes=16, store="csr")
            sequences = in_chunks(levels_of(plan.network, data, "test", scaled(200)))
            return inference_scenario(plan, name="800 neurons, inference", sequences=sequences)
