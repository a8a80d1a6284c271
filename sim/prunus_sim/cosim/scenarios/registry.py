"""All scenarios by name, and those that `make sim` runs."""

from __future__ import annotations

from dataclasses import replace

from prunus_sim.cosim.scenarios.building import Case
from prunus_sim.cosim.scenarios.corners import CORNERS
from prunus_sim.cosim.scenarios.divided import DIVIDED
from prunus_sim.cosim.scenarios.drawn import DRAWN
from prunus_sim.cosim.scenarios.layers import LAYERS
from prunus_sim.cosim.scenarios.networks import NETWORKS
from prunus_sim.cosim.scenarios.rules import RULES

__all__ = ["BOUNDED", "SCENARIOS"]


def _counted(case: Case) -> Case:
    """Return a case in which accesses and operations are counted in the core, and compared."""
    return lambda seed: replace(case(seed), accesses=True)


#: All scenarios by name.
SCENARIOS = {
    name: _counted(case)
    for part in (NETWORKS, RULES, DIVIDED, CORNERS, DRAWN, LAYERS)
    for name, case in part.items()
}

#: Names of those that `make sim` runs.
BOUNDED = (
    "demo-learning",
    "400-inference",
    "demo-trained",
    "tiny-learning",
    "packed-bitmask",
    "spram",
    "policy-constant",
    "lift",
    "events",
    "refractory",
    "groups",
    "groups-refractory-8",
    "groups-lift",
    "groups-packed",
    "encoder-16",
    "sweep-8",
    "sweep-lift-4",
    "odd-size",
    "saturation",
    "loaded",
    "load-only",
    "load-only-packed",
    "no-access",
    "reset",
    "back-to-back",
    "random-0",
    "feedforward",
    "feedforward-subtract",
    "feedforward-saturation",
)
