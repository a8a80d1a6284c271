"""Scenarios of networks with groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams
from prunus_sim.cosim.scenario import Scenario
from prunus_sim.cosim.scenarios.building import Case, fresh_scenario, tiny_network
from prunus_sim.cosim.scenarios.corners import resets
from prunus_sim.cosim.scenarios.rules import LIFT, rated

__all__ = ["DIVIDED", "groups"]

#: Groups of `tiny`: four windows that overlap, and a second look beyond the edges.
_WINDOWS = GroupsParams(
    image_width=7,
    image_height=7,
    window_width=4,
    window_height=4,
    stride=3,
    looks=((0, 0), (1, -2)),
)


#: Two windows of 23 inputs that see each others' levels: a word of 16 inputs, and one of 7.
_SMALL_WINDOWS = GroupsParams(
    image_width=7,
    image_height=7,
    indices=(tuple(range(3, 26)), (*range(48, 30, -1), -1, 0, -1, 4, 2)),
)


#: Three groups of five inputs, which overlap.
_FIVE = GroupsParams(
    image_width=7,
    image_height=7,
    indices=((0, -1, 48, 3, 7), (9, 8, 7, 6, 5), (-1, 40, -1, -1, -1)),
)


def groups(name: str, groups: GroupsParams = _WINDOWS, **options: Any) -> Case:
    """Return a scenario of a network with groups."""
    network = {
        "neurons": 10,
        "encoder": EncoderParams(steps=8, gain=1200),
        "homeostasis": HomeostasisParams(v_th=60000, theta_plus=5000),
        "pruning": AdaptivePruning(ramp_gain=256, ramp_shift=4, strength_gain=4000),
    } | options.pop("network", {})

    def case(seed: int) -> Scenario:
        config = tiny_network(
            inputs=groups.window_inputs,
            groups=groups,
            **network,
        )
        return fresh_scenario(name, config, seed, **{"count": 14} | options)

    return case


def _groups_packed(name: str, format_: str = "csr", **options: Any) -> Case:
    """Return a scenario of groups in a packed store: half of the synapses, some inputs without."""

    def state(start: State) -> None:
        rng = np.random.default_rng(len(name))
        start.alive[:] = rng.random(start.alive.shape) < 0.5
        start.alive[rng.random(len(start.alive)) < 0.2] = False
        start.weights[~start.alive] = 0
        start.strength[:] = start.weights.reshape(4, 16, -1).sum(axis=1).ravel()

    case = groups(name, learn=False, store="packed", state=state, **options)
    return lambda seed: replace(case(seed), format=format_)


def _groups_reset(seed: int) -> Scenario:
    return resets("groups, reset in the middle", groups("")(seed).network, seed)


#: By name.
DIVIDED: Mapping[str, Case] = {
    "groups": groups("groups"),
    "groups-odd": groups(
        "three groups of odd sizes",
        _FIVE,
        network={"neurons": 7, "membrane": MembraneParams(inhibition_steps=2)},
        lanes=2,
        multiplier="dsp",
    ),
    "groups-inference": groups("groups, inference from the learning store", learn=False),
    "groups-refractory": groups(
        "groups, refractory inputs, low-discrepancy spikes",
        network={
            "encoder": EncoderParams(
                steps=8, gain=400, spikes="low-discrepancy", refractory_steps=2
            )
        },
    ),
    "groups-refractory-8": groups(
        "groups, refractory inputs, low-discrepancy spikes, 8 inputs per cycle",
        network={
            "encoder": EncoderParams(
                steps=8, gain=400, spikes="low-discrepancy", refractory_steps=2
            )
        },
        encoder_inputs=8,
    ),
    "groups-16": groups("groups, 16 inputs per cycle", _SMALL_WINDOWS, encoder_inputs=16),
    "groups-lift": groups("groups, lift", network={"pruning": LIFT}, state=rated),
    "groups-packed": _groups_packed("groups, packed CSR"),
    "groups-bitmask": _groups_packed("groups, packed bitmask", "bitmask"),
    "groups-dense": _groups_packed("groups, packed dense, loaded", "dense", load=True),
    "groups-spram": _groups_packed("groups, SPRAM, loaded", load=True, spram=True),
    "one-group": groups(
        "one group that sees a part of the image",
        GroupsParams(
            image_width=7, image_height=7, window_width=4, window_height=4, positions=((1, 2),)
        ),
    ),
    "groups-sweep": groups(
        "groups of five inputs, 2 per cycle",
        _FIVE,
        network={"neurons": 7},
        lanes=2,
        load=True,
        sweep_inputs=2,
    ),
    "groups-sweep-lift": groups(
        "groups of five inputs, lift, 4 per cycle",
        _FIVE,
        network={"neurons": 7, "pruning": LIFT},
        lanes=1,
        state=rated,
        load=True,
        sweep_inputs=4,
    ),
    "load-only-groups": _groups_packed("groups, load only", load=True, host_access="load"),
    "groups-reset": _groups_reset,
}
