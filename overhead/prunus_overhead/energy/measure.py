"""Energy of trained networks, with and without pruning: ``python -m prunus_overhead.energy``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prunus_model.data.datasets import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_overhead.ablation.cores import with_pruning
from prunus_overhead.energy.estimate import Estimate, Load, class_a, class_b
from prunus_overhead.energy.reasons import groups
from prunus_overhead.energy.technology import Technology
from prunus_overhead.energy.workload import Subject
from prunus_rtl.widths import Widths

__all__ = ["EPOCHS", "EXPONENTS", "NETWORKS", "Measured", "measure", "network", "overhead_of"]

Row = dict[str, Any]

#: What is measured: named configuration and pruning policy.
NETWORKS = tuple(
    (name, policy)
    for name in ("demo", "400", "paper")
    for policy in ("none", "adaptive", "lift", "constant", "soft")
)
#: How often each training image is shown.
EPOCHS = 2
#: Exponents of SRAM for which energies are compared: none, and more than in any published figure.
EXPONENTS = (0.0, 0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Energy of one network.

    Attributes
    ----------
    rows : list of dict
        One for each mode, early exit and class, as in ``overhead/results/energy.json``.
    pruning_unit : dict or None
        What pruning costs while learning; None if the policy is not in hardware, or ``none``.
    sensitivity : list of dict
        Energy of class b without early exit, by how the energy of memories grows with their size.
    """

    rows: list[Row]
    pruning_unit: Row | None
    sensitivity: list[Row]


def network(name: str, policy: str, data: Split, *, epochs: int, cache: Path) -> Artifact:
    """Return a trained network, from a file if it was trained before.

    Parameters
    ----------
    name : str
        Named configuration.
    policy : str
        Pruning policy, with its default parameters if it is not that of the configuration.
    data : Split
        Training images.
    epochs : int
        How often each is shown.
    cache : Path
        Folder of networks that were trained before. One of another configuration or training is
        not taken.
    """
    shown = len(data) * epochs
    config = with_pruning(NetworkConfig.named(name), policy, presentations=shown)
    path = cache / f"{name}-{policy}-{data.name.replace(' ', '-').replace('/', '-')}-{epochs}.npz"
    if path.exists():
        found = Artifact.load(path)
        made = (found.config, found.schedule.epochs, found.schedule.data_sha256)
        if made == (config, epochs, data.sha256):
            return found
    artifact = train(config, data, epochs=epochs)
    cache.mkdir(parents=True, exist_ok=True)
    artifact.save(path)
    return artifact


def measure(artifact: Artifact, test: Split, technology: Technology, *, lanes: int) -> Measured:
    """Return the energy of a network per inference, and per presentation of its training.

    Parameters
    ----------
    artifact : Artifact
        A complete network.
    test : Split
        Images that are inferred, all of them.
    technology : Technology
        Energies.
    lanes : int
        Lanes of the cores.
    """
    subject = Subject(artifact=artifact, lanes=lanes)
    rows, sensitivity = [], []
    for head, load, shapes in _loads(subject, test):
        if not head["early_exit"]:
            sensitivity += [
                {
                    "mode": head["mode"],
                    "policy": head["policy"],
                    "neurons": artifact.config.neurons,
                    "exponent": exponent,
                    "nj_per_presentation": class_b(load, shapes, bent).nj,
                    "sops_per_presentation": load.sops / load.counters.presentations,
                }
                for exponent, bent in _bent(technology)
            ]
        for found in (class_a(load, technology), class_b(load, shapes, technology)):
            rows.append(_row(found, head, shapes, technology, artifact))
    unit = None
    if pruning_label(subject.learning.network) != "none":
        unit = overhead_of(subject, technology)
    return Measured(rows=rows, pruning_unit=unit, sensitivity=sensitivity)


def _bent(technology: Technology) -> Iterator[tuple[float, Technology]]:
    """Give technologies that differ in the exponent of SRAM."""
    for exponent in EXPONENTS:
        sram = replace(technology.memory.sram, exponent=exponent)
        memory = replace(technology.memory, sram=sram)
        yield exponent, replace(technology, memory=memory)


def overhead_of(subject: Subject, technology: Technology) -> Row:
    """Return what the pruning unit adds to the energy of learning, all decisions being the same.

    The other core has no pruning unit, and the network is pruned in the same way all the same: so
    only the unit, and the rows that are written when it prunes, are the difference.

    Parameters
    ----------
    subject : Subject
        A network whose policy is in hardware.
    technology : Technology
        Energies.
    """
    load = subject.training()
    bare = replace(load, counters=replace(load.counters, pruned=0))
    with_, without = (
        class_b(done, core, technology).nj
        for done, core in ((load, subject.learning), (bare, subject.learning_dense))
    )
    return {
        "policy": subject.artifact.config.pruning.policy,
        "neurons": subject.artifact.config.neurons,
        "lanes": subject.learning.hardware.lanes,
        "class": "b",
        "with_nj": with_,
        "without_nj": without,
        "percent": 100 * (with_ / without - 1),
    }


def _loads(subject: Subject, test: Split) -> Iterator[tuple[Row, Load, Widths]]:
    policy = subject.artifact.config.pruning.policy
    shown = f"{len(test)} images of {test.name}"
    for early in (0, 1):
        result = subject.show(test, stop_after=early)
        head: Row = {"mode": "inference", "policy": policy, "early_exit": early}
        head |= {"workload": shown, "accuracy": result.accuracy}
        yield head, result.load, subject.inference
        if result.load.counters.frozen_sops:
            skipping = head | {"policy": f"{policy}, frozen skipped"}
            yield skipping, result.load.without_frozen(), subject.without_frozen().inference
    schedule = subject.artifact.schedule
    load = subject.training()
    head = {"mode": "learning", "policy": policy, "early_exit": 0}
    head["workload"] = f"whole training: {schedule.presentations} presentations of {schedule.data}"
    yield head, load, subject.learning
    if load.counters.frozen_sops:
        yield (
            head | {"policy": f"{policy}, frozen skipped"},
            load.without_frozen(),
            subject.learning,
        )


def _row(
    found: Estimate, head: Row, shapes: Widths, technology: Technology, artifact: Artifact
) -> Row:
    return (
        {"class": found.energy_class, "technology": technology.name}
        | {"voltage_v": technology.voltage_v}
        | head
        | {
            "neurons": artifact.config.neurons,
            "lanes": shapes.hardware.lanes,
            "store": shapes.store.format if shapes.store else "learning",
            "nj_per_presentation": found.nj,
            "pj_per_sop": found.pj_per_sop,
            "sops_per_presentation": found.sops,
            "memory_nj": found.memory_nj,
            "parts": found.units,
            "artifact_hash": artifact.content_hash,
        }
        | ({"groups": groups(found)} if found.energy_class == "b" else {})
    )
