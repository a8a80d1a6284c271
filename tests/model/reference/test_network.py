"""The reference, by hand: presentations small enough to be worked out on paper."""

import numpy as np
import pytest

from prunus_by_hand import ADAPTIVE, WEIGHTS, by_hand, network
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import AdaptivePruning, ConstantPruning, NoPruning
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams

TOP = 2**23 - 1


def test_one_presentation_by_hand() -> None:
    net = network(by_hand(ADAPTIVE), WEIGHTS)
    state = net.state
    result = net.present_events([[0, 1], [0], [2, 3], [1, 2, 3]], learn=True)
    # Step 0: v = 150, 30; below 175, 81; leak leaves 75, 15.
    # Step 1: v = 175, 25; neuron 0 fires at margin 0. theta 32, post_count 1.
    #   w_prune = min(50, 216 * 6069 >> 16 = 20, 255); with the new strength it would be 19.
    #   Draw 558be8c2, bytes c2 e8 8b 55, mod 16: 2, 8, 11, 5. Input 1 spiked 1 step ago: recent.
    #   100 + (155 + 2 >> 4) = 109; 50 + (205 + 8 >> 4) = 63; 46 - (46 + 11 >> 4) = 43;
    #   20 - (20 + 5 >> 4) = 19, which is pruned. Strength 215, v_fire = 84 * 215 >> 6 = 282.
    # Step 2: inhibited; inputs 2 and 3 only leave their step.
    # Step 3: v = 63 + 43 = 106 and 20 + 30 + 40 = 90; 106 < 282; neuron 1 fires at margin 9.
    #   w_prune = min(50, 100 * 6069 >> 16 = 9, 255).
    #   Draw 3ae42deb, bytes eb 2d e4 3a, mod 16: 11, 13, 4, 10. Input 0 spiked 2 steps ago: old.
    #   10 - (10 + 11 >> 4) = 9, kept; 20 + (235 + 13 >> 4) = 35; 30 + (225 + 4 >> 4) = 44;
    #   40 + (215 + 10 >> 4) = 54. Strength 142, v_fire = 84 * 142 >> 6 = 186.
    assert result.spike_steps.tolist() == [1, 3]
    assert result.spike_posts.tolist() == [0, 1]
    assert state.weights.tolist() == [[109, 9], [63, 35], [43, 44], [0, 54]]
    assert state.alive.tolist() == [[True, True], [True, True], [True, True], [False, True]]
    assert state.frozen.tolist() == [[False, False]] * 4
    assert state.theta.tolist() == [32, 32]
    assert state.strength.tolist() == [215, 142]
    assert state.post_count.tolist() == [1, 1]
    assert state.v.tolist() == [0, 0]
    assert state.v_fire.tolist() == [282, 186]
    assert state.last_step.tolist() == [1, 3, 3, 3]
    assert state.presentation == 1
    assert result.counters == Counters(
        presentations=1,
        steps=4,
        inhibited_steps=1,
        encoder_draws=0,
        learning_draws=2,
        input_spikes=8,
        integrated_spikes=6,
        output_spikes=2,
        forward_sops=11,
        frozen_sops=0,
        forward_dense=12,
        update_sops=8,
        update_dense=8,
        pruned=1,
    )

    # Before the next: theta 32 - (32 >> 2) = 24; 76 * 215 >> 6 = 255 and 76 * 142 >> 6 = 168.
    counters = Counters()
    step = next(net.steps(np.zeros(4, np.uint8), learn=True, counters=counters))
    assert (step.step, step.inhibited, step.post, step.w_prune) == (0, False, -1, 0)
    assert step.spikes.tolist() == [False] * 4
    assert state.theta.tolist() == [24, 24]
    assert state.v_fire.tolist() == [255, 168]
    assert state.v.tolist() == [0, 0]
    assert state.last_step.tolist() == [-1] * 4
    assert counters == Counters(steps=1, encoder_draws=1)
    assert state.presentation == 1


def test_potentials_leak_by_hand() -> None:
    net = network(by_hand(ADAPTIVE), WEIGHTS)
    result = net.present_events([[0, 1]], learn=False)
    # 150 and 30 are below the thresholds. Four leaks of half, floored, leave 75, 38, 19, 10 and
    # 15, 8, 4, 2.
    assert result.counters.output_spikes == 0
    assert net.state.v_fire.tolist() == [52 * 216 >> 6, 52 * 100 >> 6] == [175, 81]
    assert net.state.v.tolist() == [10, 2]


def test_pruning_threshold_uses_the_spike_just_counted() -> None:
    policy = AdaptivePruning(ramp_gain=20, ramp_shift=0, strength_gain=65535)
    net = network(by_hand(policy), WEIGHTS)
    net.present_events([[0, 1], [0]], learn=True)
    assert net.state.post_count.tolist() == [1, 0]
    # Ramp is 20, not 0: of 109, 63, 43, 19 the last is pruned.
    assert net.state.weights[:, 0].tolist() == [109, 63, 43, 0]
    assert net.state.alive[:, 0].tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("w_prune", "weights"),
    [
        (19, [109, 63, 43, 19]),
        (20, [109, 63, 43, 0]),
        (43, [109, 63, 43, 0]),
        (44, [109, 63, 0, 0]),
        (110, [0, 0, 0, 0]),
    ],
    ids=["at the lowest", "above the lowest", "at the next", "above the next", "above all"],
)
def test_synapse_is_pruned_iff_its_new_weight_is_below_the_threshold(
    w_prune: int, weights: list[int]
) -> None:
    net = network(by_hand(ConstantPruning(w_prune=w_prune)), WEIGHTS)
    result = net.present_events([[0, 1], [0]], learn=True)
    assert net.state.weights[:, 0].tolist() == weights
    assert net.state.alive[:, 0].tolist() == [w > 0 for w in weights]
    assert net.state.alive[:, 1].all()
    assert net.state.strength[0] == sum(weights)
    assert net.state.v_fire[0] == (84 * sum(weights) >> 6 if sum(weights) else TOP)
    assert result.counters.pruned == weights.count(0)
    assert result.counters.update_sops == 4


def test_weight_that_becomes_0_without_pruning_stays_alive() -> None:
    config = by_hand(NoPruning(), stdp=StdpParams(potentiation_shift=0, depression_shift=0))
    net = network(config, WEIGHTS)
    result = net.present_events([[0, 1], [0]], learn=True)
    assert net.state.weights[:, 0].tolist() == [255, 255, 0, 0]
    assert net.state.alive.all()
    assert result.counters.pruned == 0


def test_pruned_synapse_never_comes_back_and_costs_nothing() -> None:
    config = by_hand(NoPruning(), stdp=StdpParams(potentiation_shift=0))
    net = network(config, [[200, 0], [200, 0], [0, 0], [0, 0]])
    net.state.alive[2:, 0] = False
    result = net.present_events([[0, 1, 2, 3]], learn=True)
    assert net.state.weights[:, 0].tolist() == [255, 255, 0, 0]
    assert net.state.alive[:, 0].tolist() == [True, True, False, False]
    assert (result.counters.forward_sops, result.counters.forward_dense) == (6, 8)
    assert (result.counters.update_sops, result.counters.update_dense) == (2, 4)


def test_random_bytes_are_drawn_for_pruned_synapses_too() -> None:
    # Input 0 is pruned; inputs 1 to 3 still get bytes 1 to 3 of the draw: e8, 8b, 55.
    net = network(by_hand(NoPruning()), [[0, 10], [50, 20], [46, 30], [120, 40]])
    net.state.alive[0, 0] = False
    net.present_events([[1, 3], [1, 3]], learn=True)
    # 50 + (205 + 8 >> 4), 46 - (46 + 11 >> 4), 120 + (135 + 5 >> 4)
    assert net.state.weights[:, 0].tolist() == [0, 63, 43, 128]


def test_neuron_without_weight_never_fires() -> None:
    net = network(by_hand(NoPruning()), [[0, 0]] * 4)
    result = net.present_events([[0, 1, 2, 3]] * 4, learn=True)
    assert net.state.v_fire.tolist() == [TOP, TOP]
    assert result.counters.output_spikes == 0


@pytest.mark.parametrize(
    ("columns", "post"),
    [
        ([[51, 51], [50, 50]], 0),
        ([[50, 51], [50, 50]], 1),
        ([[51, 50], [50, 50]], 0),
    ],
    ids=["tie to the lowest", "larger margin second", "larger margin first"],
)
def test_one_neuron_fires_and_all_are_reset(columns: list[list[int]], post: int) -> None:
    weights = [[100, 100], [100, 100], *columns]
    config = by_hand(NoPruning(), homeostasis=HomeostasisParams(v_th=1, fire_shift=1))
    net = network(config, weights)
    # Thresholds are half the strengths. Input 0 and one more: margins by the column alone.
    steps = net.present_events([[0, 1, 2]], learn=False, stop_after=1)
    assert steps.spike_posts.tolist() == [post]
    assert net.state.v.tolist() == [0, 0]


@pytest.mark.parametrize("inhibition", [0, 1, 2, 5], ids="{} steps".format)
def test_inhibited_steps_neither_integrate_nor_leak_but_leave_traces(inhibition: int) -> None:
    config = by_hand(
        NoPruning(),
        encoder=EncoderParams(steps=6),
        membrane=MembraneParams(leak_shift=0, inhibition_steps=inhibition),
    )
    net = network(config, [[200, 0], [0, 0], [0, 0], [0, 0]])
    # Strength 200: threshold 162. Neuron 0 fires whenever it is let.
    result = net.present_events([[0], [0, 1], [0], [0], [0], [0, 2]], learn=False)
    fired = list(range(0, 6, inhibition + 1))
    assert result.spike_steps.tolist() == fired
    assert result.counters.inhibited_steps == 6 - len(fired)
    assert result.counters.integrated_spikes == len(fired) + (1 in fired) + (5 in fired)
    assert result.counters.input_spikes == 8
    assert net.state.last_step.tolist() == [5, 1, 5, -1]


def test_spike_in_an_inhibited_step_counts_as_recent() -> None:
    config = by_hand(
        NoPruning(),
        homeostasis=HomeostasisParams(v_th=1, theta_plus=0, fire_shift=6),
        stdp=StdpParams(trace_window=1, potentiation_shift=0),
    )
    net = network(config, [[200, 0], [10, 0], [10, 0], [10, 0]])
    net.present_events([[0], [1], [0]], learn=True)
    # 0 fires at once; input 1 spikes while inhibited; 0 fires again with input 1 recent.
    assert net.state.post_count.tolist() == [2, 0]
    assert net.state.weights[:2, 0].tolist() == [255, 255]
    assert net.state.weights[2:, 0].max() < 255


@pytest.mark.parametrize("learn", [True, False], ids=["learning", "inference"])
def test_presentation_starts_at_rest(learn: bool) -> None:
    net = network(by_hand(NoPruning()), WEIGHTS)
    net.state.v[:] = 1000
    net.state.v_fire[:] = 1
    net.state.last_step[:] = 0
    result = net.present_events([], learn=learn)
    assert result.counters == Counters(presentations=1, steps=4)
    assert net.state.v.tolist() == [0, 0]
    assert net.state.v_fire.tolist() == [52 * 216 >> 6, 52 * 100 >> 6]
    assert net.state.last_step.tolist() == [-1] * 4


def test_theta_decays_before_every_learning_presentation_but_the_very_first() -> None:
    net = network(by_hand(NoPruning()), WEIGHTS, theta=[100, 7])
    net.present_events([], learn=True)
    assert net.state.theta.tolist() == [100, 7]
    net.present_events([], learn=True)
    assert net.state.theta.tolist() == [75, 6]
    net.present_events([], learn=False)
    assert net.state.theta.tolist() == [75, 6]
    net.present_events([], learn=True)
    assert net.state.theta.tolist() == [57, 5]


def test_theta_decays_in_the_first_learning_presentation_if_it_is_not_the_very_first() -> None:
    net = network(by_hand(NoPruning()), WEIGHTS, theta=[100, 7])
    net.present_events([], learn=False)
    net.present_events([], learn=True)
    assert net.state.theta.tolist() == [75, 6]
