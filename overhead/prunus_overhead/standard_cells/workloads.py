"""Which cores are mapped, and what is shown to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_overhead.ablation.cores import with_pruning, without_pruning
from prunus_rtl.core.core import Core
from prunus_rtl.export.measured import planned
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import HARDWARE_POLICIES, HardwareConfig

__all__ = ["AREAS", "CASES", "Area", "Case", "Networks", "area_core"]

Mode = Literal["inference", "learning"]
#: Configuration of the networks whose energy is measured; other sizes differ in neurons alone.
_NAME = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A core whose area is measured.

    Attributes
    ----------
    mode : "inference" or "learning"
    policy : str
        Pruning policy; of an inference core, that of the network it holds.
    name : str
        Named configuration.
    lanes : int
    """

    mode: Mode
    policy: str
    name: str
    lanes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A core whose energy is measured.

    Attributes
    ----------
    mode : "inference" or "learning"
    policy : str
        Pruning policy.
    neurons, lanes : int
        Size.
    exits : tuple of int
        Early exits; 0 for none.
    idle : bool
        The policy prunes nothing, neither in training nor while images are shown: so all decisions
        are those of the core without pruning, and only the unit is more.
    """

    mode: Mode
    policy: str
    neurons: int
    lanes: int
    exits: tuple[int, ...] = (0,)
    idle: bool = False

    @property
    def name(self) -> str:
        """What it is called in messages."""
        idle = ", prunes nothing" if self.idle else ""
        return f"{self.mode} {self.neurons} neurons {self.lanes} lanes {self.policy}{idle}"


#: Learning cores that differ in their pruning alone, at two sizes, and a packed one.
AREAS = (
    *(Area(mode="learning", policy=policy, name="demo", lanes=4) for policy in HARDWARE_POLICIES),
    *(Area(mode="learning", policy=policy, name="400", lanes=16) for policy in HARDWARE_POLICIES),
    Area(mode="inference", policy="adaptive", name="demo", lanes=4),
)


def _cases() -> Iterator[Case]:
    for neurons, lanes, policies in (
        (100, 4, HARDWARE_POLICIES),
        (50, 2, ("none", "adaptive")),
    ):
        for policy in policies:
            yield Case(mode="learning", policy=policy, neurons=neurons, lanes=lanes)
        for policy in policies:
            if policy != "none":
                yield Case(mode="learning", policy=policy, neurons=neurons, lanes=lanes, idle=True)
        for policy in policies:
            yield Case(mode="inference", policy=policy, neurons=neurons, lanes=lanes, exits=(0, 1))


#: What is measured: at a second size too, to see how it scales.
CASES = tuple(_cases())


def area_core(area: Area, networks: Networks) -> Core:
    """Return a core whose area is measured; a learning store is empty: contents take no cells.

    Parameters
    ----------
    area : Area
        Which one.
    networks : Networks
        Where the network of an inference core comes from, and how long they are trained.
    """
    if area.mode == "learning":
        network = NetworkConfig.named(area.name)
        network = with_pruning(network, area.policy, presentations=networks.presentations)
        return Core(network=network, hardware=HardwareConfig(lanes=area.lanes))
    neurons = NetworkConfig.named(area.name).neurons
    case = Case(mode=area.mode, policy=area.policy, neurons=neurons, lanes=area.lanes)
    return networks.plan(case).core()


class Networks:
    """Trained networks, each trained once.

    Parameters
    ----------
    data : str
        Data set, as :func:`prunus_model.data.datasets.load` takes it.
    epochs : int
        How often each training image is shown.
    """

    def __init__(self, data: str, epochs: int) -> None:
        self._data = data
        self._epochs = epochs
        self._trained = cache(self._train)

    @property
    def presentations(self) -> int:
        """Of each training."""
        return self._epochs * len(load(self._data, "train"))

    def _train(self, policy: str, neurons: int, idle: bool) -> Artifact:
        network = NetworkConfig.named(_NAME)
        network = with_pruning(network, policy, presentations=self.presentations)
        pruning = without_pruning(network.pruning) if idle else network.pruning
        network = replace(network, pruning=pruning, neurons=neurons)
        return train(network, load(self._data, "train"), epochs=self._epochs)

    def artifact(self, case: Case) -> Artifact:
        """Return the network of a case."""
        return self._trained(case.policy, case.neurons, case.idle)

    def plan(self, case: Case) -> Plan:
        """Return what is built of the network of a case."""
        return planned(self.artifact(case), self._data, mode=case.mode, lanes=case.lanes)
