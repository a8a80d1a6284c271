import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import POLICIES, LiftPruning
from prunus_rtl.hardware import HardwareConfig

DEMO = NetworkConfig.named("demo")


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32])
def test_every_neuron_has_a_place_of_its_own_and_lanes_know_how_many_they_hold(lanes: int) -> None:
    for neurons in range(lanes, 70):
        network = replace(DEMO, neurons=neurons)
        hardware = HardwareConfig(lanes=lanes)
        places = [hardware.place(post) for post in range(neurons)]
        assert len(set(places)) == neurons
        assert max(slot for _, slot in places) == hardware.slots(network) - 1
        for lane in range(lanes):
            held = sum(1 for at, _ in places if at == lane)
            assert hardware.neurons_of(lane, network) == held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lanes": 0}, "greater than or equal to 1"),
        ({"lanes": 65}, "less than or equal to 64"),
        ({"lanes": 12}, "lanes must be a power of 2, not 12"),
        ({"queue_depth": 3}, "queue_depth must be a power of 2, not 3"),
        ({"event_depth": 5}, "event_depth must be a power of 2, not 5"),
        ({"encoder_inputs": 2}, "4, 8 or 16"),
        ({"sweep_inputs": 3}, "1, 2, 4, 8 or 16"),
        (
            {"encoder_inputs": 8, "source": "events"},
            "encoder_inputs must be 4 for a core without encoder, not 8",
        ),
        (
            {"sweep_inputs": 2, "learn": False},
            "sweep_inputs must be 1 for a core that cannot learn, not 2",
        ),
        ({"learn": 1}, "valid boolean"),
        ({"store": "dense"}, "'learning' or 'packed'"),
        ({"multiplier": "none"}, "'sequential' or 'dsp'"),
        ({"source": "pixels"}, "'levels' or 'events'"),
        (
            {"spram": True, "learn": False},
            "store must be 'packed' to be in SPRAM, not 'learning'",
        ),
        (
            {"store": "packed"},
            "store must be 'learning' for a core that learns, not 'packed'",
        ),
    ],
)
def test_rejects_bad_parameter(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        HardwareConfig(**arguments)


def test_rejects_more_lanes_than_neurons() -> None:
    with pytest.raises(
        ConfigError,
        match=re.escape("lanes must not be more than neurons, but got lanes=16, neurons=15"),
    ):
        HardwareConfig(lanes=16).check(replace(DEMO, neurons=15))


@pytest.mark.parametrize("policy", ["soft", "post"])
def test_rejects_learning_with_a_policy_that_is_not_in_hardware(policy: str) -> None:
    network = replace(DEMO, pruning=POLICIES[policy])
    message = (
        "pruning.policy must be one of none, constant, adaptive, lift for a core that learns, "
        f"not {policy!r}"
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        HardwareConfig().check(network)
    HardwareConfig(learn=False).check(network)


def test_learning_by_lift_needs_the_length_of_a_training() -> None:
    network = replace(DEMO, pruning=LiftPruning())
    with pytest.raises(ConfigError, match=r"^pruning\.length must be set, as a training sets "):
        HardwareConfig().check(network)
    HardwareConfig(learn=False).check(network)
    HardwareConfig().check(replace(DEMO, pruning=LiftPruning(length=1000)))


def test_groups_need_levels_and_lanes_of_one_group() -> None:
    windows = GroupsParams(image_width=4, image_height=1, indices=((0, 1), (3, 2)))
    network = replace(DEMO, inputs=2, neurons=4, groups=windows)
    HardwareConfig(lanes=4).check(network)
    message = (
        "source must be 'levels' for a network with groups, which see parts of an image, "
        "not 'events'"
    )
    with pytest.raises(ConfigError, match=re.escape(message)):
        HardwareConfig(lanes=4, source="events").check(network)
    message = "lanes must not be more than neurons, but got lanes=8, neurons=4"
    with pytest.raises(ConfigError, match=re.escape(message)):
        HardwareConfig(lanes=8).check(network)
