"""The reference, by hand: presentations small enough to be worked out on paper."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_model.reference.network import Network
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import (
    EncoderParams,
    HomeostasisParams,
    MembraneParams,
    NetworkConfig,
    StdpParams,
)
from prunus_model.spec.counters import Counters
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.random_streams import ENCODER
from prunus_model.spec.state import STATE_DTYPES, State
from prunus_strategies import images

TOP = 2**23 - 1


def by_hand(pruning: PruningParams, **changes: Any) -> NetworkConfig:
    """Four inputs, two neurons; seed 1 gives the learning bytes of the semantics, section 3."""
    values: dict[str, Any] = {
        "inputs": 4,
        "neurons": 2,
        "seed": 1,
        "encoder": EncoderParams(steps=4),
        "membrane": MembraneParams(leak_shift=1, inhibition_steps=1),
        "homeostasis": HomeostasisParams(v_th=52, theta_plus=32, theta_decay_shift=2, fire_shift=6),
        "stdp": StdpParams(trace_window=1, potentiation_shift=4, depression_shift=4),
        "pruning": pruning,
    }
    return NetworkConfig(**values | changes)


def network(
    config: NetworkConfig, weights: list[list[int]], *, theta: list[int] | None = None
) -> Network:
    state = State.initial(config)
    state.weights[:] = weights
    state.strength[:] = state.weights.sum(axis=0)
    if theta is not None:
        state.theta[:] = theta
    return Network(config, state)


WEIGHTS = [[100, 10], [50, 20], [46, 30], [20, 40]]
ADAPTIVE = AdaptivePruning(ramp_gain=50, ramp_shift=0, strength_gain=6069)


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


def test_without_learning_only_potentials_and_the_counter_change() -> None:
    config = NetworkConfig.named("tiny")
    net = Network(config)
    batch = images(config, 6, 1)
    for levels in batch[:3]:
        net.present(levels, learn=True)
    before = net.state.copy()
    output_spikes = 0
    for levels in batch[3:]:
        result = net.present(levels, learn=False)
        output_spikes += result.counters.output_spikes
        assert result.counters.learning_draws == result.counters.update_sops == 0
        assert result.counters.pruned == result.counters.update_dense == 0
    assert output_spikes > 0
    for name in set(STATE_DTYPES) - {"v", "v_fire", "last_step"}:
        assert np.array_equal(getattr(net.state, name), getattr(before, name)), name
    assert net.state.presentation == before.presentation + 3
    # With nothing learned the thresholds in force are those of the theta that is.
    h = config.homeostasis
    scaled = (h.v_th + before.theta.astype(np.int64)) * before.strength >> h.fire_shift
    assert net.state.v_fire.tolist() == np.minimum(TOP, scaled).tolist()


@pytest.mark.parametrize("learn", [True, False], ids=["learning", "inference"])
@pytest.mark.parametrize("stop_after", [1, 2, 3], ids="after {}".format)
def test_early_exit_ends_at_that_output_spike(stop_after: int, learn: bool) -> None:
    config = NetworkConfig.named("tiny")
    levels = images(config, 1, 5)[0]
    whole, part = Network(config), Network(config)
    all_steps = whole.present(levels, learn=learn)
    assert all_steps.counters.output_spikes > 3
    got = part.present(levels, learn=learn, stop_after=stop_after)
    assert got.spike_steps.tolist() == all_steps.spike_steps[:stop_after].tolist()
    assert got.spike_posts.tolist() == all_steps.spike_posts[:stop_after].tolist()
    assert got.counters.steps == int(got.spike_steps[-1]) + 1
    assert got.counters.encoder_draws == 13 * got.counters.steps
    assert part.state.presentation == 1


def test_early_exit_after_more_spikes_than_there_are_changes_nothing() -> None:
    config = NetworkConfig.named("tiny")
    levels = images(config, 1, 5)[0]
    whole, part = Network(config), Network(config)
    expected = whole.present(levels, learn=True)
    got = part.present(levels, learn=True, stop_after=expected.counters.output_spikes + 1)
    assert got.counters == expected.counters
    assert part.state.differences(whole.state) == []


def test_early_exit_leaves_the_random_streams_of_the_next_presentation_alone() -> None:
    config = NetworkConfig.named("tiny")
    first, second = images(config, 2, 5)
    whole, part, alone = Network(config), Network(config), Network(config)
    whole.present(first, learn=False)
    assert part.present(first, learn=False, stop_after=1).counters.steps < config.encoder.steps
    alone.state.presentation = 1
    for net in (part, alone):
        # The same weights, so the same learning, if both streams are the same.
        reference = Network(config, whole.state)
        assert (
            net.present(second, learn=True).counters
            == reference.present(second, learn=True).counters
        )
        assert net.state.differences(reference.state) == []


def test_input_spikes_are_those_of_the_encoder_stream() -> None:
    config = replace(NetworkConfig.named("tiny"), inputs=6)
    net = Network(config)
    levels = np.array([0, 255, 10, 128, 200, 60], np.uint8)
    for presentation in range(2):
        stream = Stream(seed=1, presentation=presentation, constant=ENCODER)
        for step in net.steps(levels, learn=False):
            draws = [stream.draw(), stream.draw()]
            random = [draws[pre // 4] >> 8 * (pre % 4) & 255 for pre in range(6)]
            expected = [r < level for r, level in zip(random, levels.tolist(), strict=True)]
            assert step.spikes.tolist() == expected


def test_presentation_counts_only_once_all_steps_are_taken() -> None:
    net = Network(NetworkConfig.named("tiny"))
    levels = np.zeros(49, np.uint8)
    counters = Counters()
    steps = net.steps(levels, learn=True, counters=counters)
    for step in range(16):
        assert next(steps).step == step
        assert (net.state.presentation, counters.presentations) == (0, 0)
        assert counters.steps == step + 1
    assert next(steps, None) is None
    assert (net.state.presentation, counters.presentations) == (1, 1)


def test_walk_counts_up_what_is_there() -> None:
    net = Network(NetworkConfig.named("tiny"))
    batch = images(net.config, 2, 4)
    counters = Counters()
    for levels in batch:
        for _ in net.steps(levels, learn=True, counters=counters):
            pass
    again = Network(net.config)
    expected = [again.present(levels, learn=True).counters for levels in batch]
    assert counters == expected[0] + expected[1]


def test_early_exit_counts_the_spikes_of_this_presentation_only() -> None:
    counters = Counters(output_spikes=5)
    net = Network(NetworkConfig.named("tiny"))
    for _ in net.steps(images(net.config, 1, 4)[0], learn=True, stop_after=1, counters=counters):
        pass
    assert counters.output_spikes == 6


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


@pytest.mark.parametrize(
    ("levels", "stop_after", "error", "message"),
    [
        (
            np.zeros(48, np.uint8),
            0,
            ValueError,
            "Levels must have shape (49,), not (48,)",
        ),
        (np.zeros(49), 0, TypeError, "Levels must be an array of uint8, not float64"),
        (
            np.zeros(49, np.uint8),
            -1,
            ValueError,
            "Early exit must be after 0 (never) or more spikes, not -1",
        ),
    ],
    ids=["shape", "type", "early exit"],
)
def test_bad_arguments_are_refused_and_change_nothing(
    levels: npt.NDArray[np.uint8], stop_after: int, error: type[Exception], message: str
) -> None:
    net = Network(NetworkConfig.named("tiny"))
    with pytest.raises(error) as info:
        net.present(levels, learn=True, stop_after=stop_after)
    assert str(info.value) == message
    assert net.state.differences(State.initial(net.config)) == []


def test_bad_events_are_refused_and_change_nothing() -> None:
    net = Network(NetworkConfig.named("tiny"))
    with pytest.raises(ValueError) as info:
        net.present_events([[49]], learn=True)
    assert str(info.value) == "Events of step 0 must be inputs 0..48, but got 49..49"
    with pytest.raises(ValueError) as info:
        net.present_events([[0]], learn=True, stop_after=-2)
    assert str(info.value) == "Early exit must be after 0 (never) or more spikes, not -2"
    assert net.state.differences(State.initial(net.config)) == []
