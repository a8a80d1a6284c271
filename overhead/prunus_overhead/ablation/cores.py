"""Variants of cores: equal but for their policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from amaranth.back import rtlil

from prunus_model.cli.common import load_network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.spec.labels import pruning_label
from prunus_model.spec.pruning import (
    POLICIES,
    AdaptivePruning,
    ConstantPruning,
    PruningParams,
    RedundancyParams,
)
from prunus_model.training.artifact import Artifact
from prunus_overhead.ablation.cache import digest
from prunus_rtl.core.core import Core
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.hardware import HARDWARE_POLICIES
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["CORES", "VARIANT_RULES", "Variant", "with_pruning", "without_pruning"]

#: What is compared: pruning policy, and whether redundant inputs are pruned, too.
VARIANT_RULES = (*((policy, False) for policy in HARDWARE_POLICIES), ("adaptive", True))
#: Of networks that have none of their own; their images are 28 inputs wide.
_REDUNDANCY = RedundancyParams(shift=8, image_width=28)


@dataclass(frozen=True)
class Variant:
    """A core that differs from others by its policy alone.

    Parameters
    ----------
    network : str
        Bundled network whose weights it holds; its policy is replaced.
    lanes : int
        Lanes.
    mode : "learning" or "inference"
        Whether the core can learn. One that can't has no pruning unit, whatever its policy.
    policy : str
        Pruning policy.
    redundancy : bool
        Whether redundant inputs are pruned, too.
    """

    network: str
    lanes: int
    mode: Literal["learning", "inference"]
    policy: str
    redundancy: bool = False

    def __str__(self) -> str:
        return f"{self.network}/{self.lanes} {self.mode} {self.pruning}"

    @property
    def pruning(self) -> str:
        """Name of the rule of pruning."""
        return pruning_label({"policy": self.policy, "redundancy": self.redundancy})

    @property
    def learn(self) -> bool:
        """Whether the core can learn."""
        return self.mode == "learning"

    @cached_property
    def artifact(self) -> Artifact:
        """The network, pruned by this rule from now on."""
        artifact = load_network(self.network)
        config = with_pruning(artifact.config, self.policy, redundancy=self.redundancy)
        return replace(artifact, config=config)

    @property
    def options(self) -> ExportOptions:
        """What is built."""
        store = "auto" if self.learn else "csr"
        return ExportOptions(mode=self.mode, lanes=self.lanes, store=store)

    @cached_property
    def plan(self) -> Plan:
        """What is built, behind its link."""
        return link_plan(self.artifact, self.options)

    def core(self) -> Core:
        """Return the core for synthesis; a learning store is empty: its contents take no cells."""
        plan = self.plan
        if self.learn:
            return Core(network=plan.network, hardware=plan.hardware)
        return plan.core()

    @cached_property
    def gateware(self) -> str:
        """Digest of the core as it is synthesised."""
        return digest(rtlil.convert(self.core(), name="core", emit_src=False))


def with_pruning(config: NetworkConfig, policy: str, *, redundancy: bool) -> NetworkConfig:
    """Return a network with another rule of pruning.

    Parameters
    ----------
    config : NetworkConfig
        Keeps its parameters of a rule that it has; of others it gets the defaults.
    policy : str
        Pruning policy.
    redundancy : bool
        Whether redundant inputs are pruned, too.
    """
    own = config.pruning
    return replace(
        config,
        pruning=own if own.policy == policy else POLICIES[policy],
        redundancy=(config.redundancy or _REDUNDANCY) if redundancy else None,
    )


def without_pruning(artifact: Artifact) -> Artifact:
    """Return a network whose policy stays, but never prunes: it starts with the last presentation.

    So otherwise equal cores take the same decisions, and only what the unit itself takes is left.
    """
    policy: PruningParams = artifact.config.pruning
    last = max_of(PRESENTATION_BITS)
    if isinstance(policy, ConstantPruning | AdaptivePruning):
        policy = replace(policy, start=last)
    redundancy = artifact.config.redundancy
    if redundancy:
        redundancy = replace(redundancy, start=last)
    config = replace(artifact.config, pruning=policy, redundancy=redundancy)
    return replace(artifact, config=config)


#: What is measured, the quickest first: cores that learn, as those that infer have no pruning unit.
CORES = tuple(
    Variant(network, lanes, "learning", policy, redundancy)
    for network, lanes in (("demo", 4), ("demo", 16), ("400", 4), ("400", 16))
    for policy, redundancy in VARIANT_RULES
)
