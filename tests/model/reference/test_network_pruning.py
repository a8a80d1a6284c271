"""The reference by hand: pruning at the end of a presentation and of the training."""

import pytest

from prunus_by_hand import ADAPTIVE, WEIGHTS, by_hand, network
from prunus_model.spec.pruning import (
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams


@pytest.mark.parametrize(
    ("percent", "frozen"),
    [
        pytest.param(0, [False, False, False, False], id="none"),
        pytest.param(49, [False, True, False, False], id="rounded down"),
        pytest.param(50, [False, True, False, True], id="half"),
        pytest.param(75, [False, True, True, True], id="three quarters"),
        pytest.param(100, [True, True, True, True], id="all"),
    ],
)
def test_soft_pruning_freezes_once_after_enough_presentations_with_enough_spikes(
    percent: int, frozen: list[bool]
) -> None:
    policy = SoftPruning(after_presentations=2, min_spikes=2, percent=percent)
    config = by_hand(
        policy,
        homeostasis=HomeostasisParams(v_th=30, theta_plus=0, fire_shift=6),
        membrane=MembraneParams(leak_shift=0),
        # A presentation of two spikes changes each weight by at most 4.
        stdp=StdpParams(potentiation_shift=7, depression_shift=7),
    )
    net = network(config, [[80, 0], [20, 0], [60, 0], [40, 0]])
    state = net.state
    once, twice = [[0, 2]], [[0, 2], [0, 2]]

    assert net.present_events(twice, learn=True).counters.output_spikes == 2
    assert state.active_count.tolist() == [1, 0]
    # Neither too few spikes nor inference count.
    assert net.present_events(once, learn=True).counters.output_spikes == 1
    assert net.present_events(twice, learn=False).counters.output_spikes == 2
    assert state.active_count.tolist() == [1, 0]
    assert not state.frozen.any()

    result = net.present_events(twice, learn=True)
    assert result.counters.output_spikes == 2
    assert state.active_count.tolist() == [2, 0]
    assert state.frozen.tolist() == [[f, False] for f in frozen]
    assert [w == 0 for w in state.weights[:, 0].tolist()] == frozen
    assert state.strength.tolist() == [state.weights[:, 0].sum(), 0]
    assert state.alive.all()
    assert result.counters.pruned == sum(frozen)

    # Frozen synapses are read, and counted apart; they are not updated, and no more are frozen.
    later = net.present_events(twice, learn=True).counters
    assert later.integrated_spikes == 4
    assert (later.forward_sops, later.frozen_sops) == (8, 2 * (frozen[0] + frozen[2]))
    assert later.update_sops == later.output_spikes * frozen.count(False)
    assert later.output_spikes == (0 if all(frozen) else 2)
    assert later.pruned == 0
    assert state.frozen.tolist() == [[f, False] for f in frozen]
    assert [w == 0 for w in state.weights[:, 0].tolist()] == frozen


def test_soft_count_of_presentations_saturates_and_freezes_nothing() -> None:
    policy = SoftPruning(after_presentations=65535, min_spikes=1, percent=100)
    net = network(by_hand(policy), WEIGHTS)
    net.state.active_count[:] = 65535
    assert net.present_events([[0, 1, 2]], learn=True).counters.output_spikes == 1
    assert net.state.active_count.tolist() == [65535, 65535]
    assert not net.state.frozen.any()
    net = network(by_hand(policy), WEIGHTS)
    net.state.active_count[:] = 65534
    net.present_events([[0, 1, 2]], learn=True)
    assert net.state.active_count.tolist() == [65535, 65534]
    assert net.state.frozen[:, 0].all()


def test_spike_counters_of_a_neuron_saturate() -> None:
    config = by_hand(
        NoPruning(), homeostasis=HomeostasisParams(v_th=1, theta_plus=2**24 - 1, fire_shift=42)
    )
    net = network(config, WEIGHTS)
    net.state.post_count[:] = 65534
    net.present_events([[0]] * 4, learn=True)
    assert net.state.theta.tolist() == [2**24 - 1, 0]
    assert net.state.post_count.tolist() == [65535, 65534]


def test_post_pruning_happens_once_at_the_end() -> None:
    net = network(by_hand(PostPruning(w_prune=30)), WEIGHTS)
    net.state.alive[0, 1] = False
    net.state.weights[0, 1] = 0
    net.state.v[:] = 99
    net.state.last_step[:] = 3
    assert net.finish() == 2
    assert net.state.weights.tolist() == [[100, 0], [50, 0], [46, 30], [0, 40]]
    assert net.state.alive.tolist() == [[True, False], [True, False], [True, True], [False, True]]
    assert net.state.strength.tolist() == [196, 70]
    # At rest: 52 * 196 >> 6 and 52 * 70 >> 6.
    assert net.state.v_fire.tolist() == [159, 56]
    assert net.state.v.tolist() == [0, 0]
    assert net.state.last_step.tolist() == [-1] * 4
    assert net.state.presentation == 0
    assert net.finish() == 0


@pytest.mark.parametrize(
    "policy",
    [NoPruning(), ConstantPruning(w_prune=255), ADAPTIVE, SoftPruning()],
    ids=["none", "constant", "adaptive", "soft"],
)
def test_other_policies_prune_nothing_at_the_end(policy: PruningParams) -> None:
    net = network(by_hand(policy), WEIGHTS, theta=[100, 100])
    net.state.presentation = 5
    assert net.finish() == 0
    assert net.state.weights.tolist() == WEIGHTS
    assert net.state.alive.all()
    assert net.state.theta.tolist() == [100, 100]
    assert net.state.v_fire.tolist() == [152 * 216 >> 6, 152 * 100 >> 6]
    assert net.state.presentation == 5
