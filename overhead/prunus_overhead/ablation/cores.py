"""Variants of cores: equal but for their policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from amaranth.back import rtlil

from prunus_model.cli.common import load_network
from prunus_model.spec.config import (
    BY_REDUNDANCY,
    AdaptivePruning,
    ConstantPruning,
    PruningParams,
)
from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_model.training.artifact import Artifact
from prunus_overhead.ablation.cache import digest
from prunus_rtl.core.core import Core
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.hardware import HARDWARE_POLICIES
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["CORES", "VARIANT_POLICIES", "Variant", "without_pruning"]

#: Policies of the variants. A core that can't learn holds the same network for the last two.
VARIANT_POLICIES = (*HARDWARE_POLICIES, BY_REDUNDANCY)


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
        One of :data:`VARIANT_POLICIES`.
    """

    network: str
    lanes: int
    mode: Literal["learning", "inference"]
    policy: str

    def __str__(self) -> str:
        return f"{self.network}/{self.lanes} {self.mode} {self.policy}"

    @property
    def learn(self) -> bool:
        """Whether the core can learn."""
        return self.mode == "learning"

    @cached_property
    def artifact(self) -> Artifact:
        """The network, with this policy from now on."""
        artifact = load_network(self.network)
        return replace(artifact, config=artifact.config.with_policy(self.policy))

    @property
    def options(self) -> ExportOptions:
        """What is built."""
        store = "auto" if self.learn else "list"
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


def without_pruning(artifact: Artifact) -> Artifact:
    """Return a network whose policy stays, but never prunes: it starts with the last presentation.

    So otherwise equal cores take the same decisions, and only what the unit itself takes is left.
    """
    policy: PruningParams = artifact.config.pruning
    last = max_of(PRESENTATION_BITS)
    if isinstance(policy, ConstantPruning | AdaptivePruning):
        policy = replace(policy, start=last)
    if isinstance(policy, AdaptivePruning) and policy.echo_shift:
        policy = replace(policy, echo_start=last)
    return replace(artifact, config=replace(artifact.config, pruning=policy))


#: All variants, the quickest first.
CORES = tuple(
    Variant(network, lanes, mode, policy)
    for network, lanes in (("demo", 4), ("demo", 16), ("400", 4), ("400", 16))
    for mode in ("learning", "inference")
    for policy in VARIANT_POLICIES
    if mode == "learning" or policy != BY_REDUNDANCY
)
