"""Variants of cores: equal but for their policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from amaranth.back import rtlil

from prunus_model.cli.common import load_network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import PRESENTATION_BITS, RATE_BITS, max_of
from prunus_model.spec.pruning import (
    POLICIES,
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    PruningParams,
    scheduled,
)
from prunus_model.training.artifact import Artifact
from prunus_overhead.ablation.cache import digest
from prunus_rtl.core.core import Core
from prunus_rtl.export.plan import ExportOptions, Plan
from prunus_rtl.hardware import HARDWARE_POLICIES
from prunus_rtl.link.protocol.description import link_plan

__all__ = ["CORES", "Variant", "with_pruning", "without_pruning"]


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
        """The network, pruned by this policy from now on; rates of inputs are estimated."""
        artifact = load_network(self.network)
        presentations = artifact.schedule.presentations
        config = with_pruning(artifact.config, self.policy, presentations=presentations)
        state = artifact.state
        if isinstance(config.pruning, LiftPruning):
            state = replace(state, input_rate=_rates(artifact))
        return replace(artifact, config=config, state=state)

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


def with_pruning(config: NetworkConfig, policy: str, *, presentations: int) -> NetworkConfig:
    """Return a network with another policy of pruning.

    Parameters
    ----------
    config : NetworkConfig
        Keeps its parameters of a policy that it has; of others it gets the defaults.
    policy : str
        Pruning policy.
    presentations : int
        Of the training, from which the length of ``lift`` follows.
    """
    own = config.pruning
    chosen = own if own.policy == policy else POLICIES[policy]
    return replace(config, pruning=scheduled(chosen, presentations))


def without_pruning(policy: PruningParams) -> PruningParams:
    """Return a policy of the same hardware that never prunes in any training of usual length.

    So otherwise equal cores take the same decisions, and only what the unit itself takes is left.
    It starts with the last presentation, or the training of ``lift`` is the longest: its thresholds
    are 0 in the first 2**24 presentations.
    """
    match policy:
        case ConstantPruning() | AdaptivePruning():
            return replace(policy, start=max_of(PRESENTATION_BITS))
        case LiftPruning():
            return replace(policy, length=max_of(PRESENTATION_BITS))
        case _:
            return policy


def _rates(artifact: Artifact) -> npt.NDArray[np.int32]:
    """Estimate how often each input is active when any neuron fires: int32, shape (inputs,).

    A weight is that of one neuron, and each neuron counts as often as it fired.
    """
    fired = artifact.state.post_count.astype(np.int64)
    whole = artifact.config.formats.w_max * fired.sum()
    rates: npt.NDArray[np.int64] = max_of(RATE_BITS) * (artifact.state.weights @ fired) // whole
    return rates.astype(np.int32)


#: What is measured, the quickest first: cores that learn, as those that infer have no pruning unit.
CORES = tuple(
    Variant(network, lanes, "learning", policy)
    for network, lanes in (("demo", 4), ("demo", 16), ("400", 4), ("400", 16))
    for policy in HARDWARE_POLICIES
)
