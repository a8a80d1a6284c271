"""Regrowth: which weights come back, what stays as it was, and that networks go on with it."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_groups import CONFIG as GROUPS
from prunus_model.common.errors import ConfigError
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import AdaptivePruning, LiftPruning
from prunus_model.spec.state import State
from prunus_model.training.regrowth import regrown
from prunus_strategies import images

_LIFT = LiftPruning(share=255, length=20)
CONFIG = replace(NetworkConfig.named("tiny"), pruning=_LIFT)


def by_hand() -> State:
    """Three inputs of neurons of which the first two have lost synapses."""
    config = NetworkConfig(inputs=3, neurons=3, weight_bits=4, pruning=_LIFT)
    state = State.initial(config)
    state.weights[:] = [[9, 0, 2], [0, 15, 5], [0, 15, 7]]
    state.alive[:] = [[True, False, True], [False, True, True], [False, True, True]]
    state.strength[:] = [9, 30, 14]
    state.input_rate[:] = [40000, 20000, 0]
    state.post_count[:] = [3, 4, 5]
    state.check(config)
    return state


def test_what_comes_back_has_the_weight_of_chance() -> None:
    config, state = NetworkConfig(inputs=3, neurons=3, weight_bits=4, pruning=_LIFT), by_hand()
    found = regrown(state, config)
    # 9 * 20000 // 60000; at least 1; 30 * 40000 // 60000 is 20, above the greatest weight.
    assert found.weights.tolist() == [[9, 15, 2], [3, 15, 5], [1, 15, 7]]
    assert found.alive.all()
    assert found.strength.tolist() == [13, 45, 14]
    found.check(config)
    assert not state.differences(by_hand())
    found.weights[~state.alive], found.alive = 0, state.alive
    found.strength = state.strength
    assert not found.differences(state)


def test_weight_is_one_where_no_rate_is_known() -> None:
    config, state = NetworkConfig(inputs=3, neurons=3, weight_bits=4, pruning=_LIFT), by_hand()
    state.input_rate[:] = 0
    assert regrown(state, config).weights.tolist() == [[9, 1, 2], [1, 15, 5], [1, 15, 7]]


def test_spikes_are_counted_anew_where_something_came_back() -> None:
    config, state = NetworkConfig(inputs=3, neurons=3, weight_bits=4, pruning=_LIFT), by_hand()
    found, kept = regrown(state, config, anew=True), regrown(state, config)
    assert kept.post_count.tolist() == [3, 4, 5]
    assert found.post_count.tolist() == [0, 0, 5]
    assert found.differences(kept) == ["post_count[0]: 0 and 3"]


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("config", [CONFIG, replace(GROUPS, pruning=_LIFT)], ids=["one", "groups"])
def test_networks_go_on_with_it(config: NetworkConfig, anew: bool) -> None:
    engine, levels = Engine(config), images(config, 40, 5)
    engine.train(levels)
    before = engine.state
    assert not before.alive.all()
    state = regrown(before, config, anew=anew)
    state.check(config)
    assert np.array_equal(state.weights[before.alive], before.weights[before.alive])
    # Every group by its own rates and its own neurons.
    for number in range(config.group_count):
        old, new = (one.group(number, config) for one in (before, state))
        for pre, post in np.argwhere(~old.alive).tolist():
            by_chance = int(old.strength[post]) * int(old.input_rate[pre])
            least = by_chance // int(old.input_rate.astype(np.int64).sum())
            assert new.weights[pre, post] == min(max(1, least), config.formats.w_max)
    engine, network = Engine(config, state), Network(config, state)
    for golden in (engine, network):
        golden.train(levels[: 40 if anew else 6])
    assert not engine.state.differences(network.state)
    again = ~engine.state.alive & ~before.alive
    assert again.any()
    assert (~before.alive & ~again).any()


def test_only_lift_knows_the_rates() -> None:
    config = replace(CONFIG, pruning=AdaptivePruning())
    with pytest.raises(ConfigError, match=r"pruning\.policy must be 'lift' .*, not 'adaptive'"):
        regrown(State.initial(config), config)
