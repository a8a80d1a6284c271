"""The reference on images: early exit, inference, steps, arguments that are refused."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from prunus_model.reference.network import Network
from prunus_model.reference.xorshift import Stream
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.random_streams import ENCODER
from prunus_model.spec.state import STATE_DTYPES, State
from prunus_strategies import images

TOP = 2**23 - 1


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


def test_steps_count_up_what_is_there() -> None:
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
