"""Compiled kernels at the seams of their blocks, against the reference."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_model.engine import kernels
from prunus_model.engine.engine import Engine
from prunus_model.engine.layout import Count
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.random_streams import ENCODER, LEARNING
from prunus_model.spec.state import State
from prunus_model.spec.units import HomeostasisParams, MembraneParams, StdpParams
from prunus_strategies import images


def often(**changes: Any) -> NetworkConfig:
    """A network that fires in most steps."""
    base = NetworkConfig(
        inputs=20,
        neurons=5,
        encoder=EncoderParams(steps=20),
        homeostasis=HomeostasisParams(v_th=40000, theta_plus=100),
        stdp=StdpParams(trace_window=3, potentiation_shift=4, depression_shift=4),
        pruning=AdaptivePruning(ramp_shift=0),
    )
    return replace(base, **changes)


def assert_same(
    config: NetworkConfig, batch: npt.NDArray[np.uint8], state: State | None = None
) -> int:
    """Show images to the reference and the engine; return the output spikes."""
    state = State.initial(config) if state is None else state
    network, engine = Network(config, state.copy()), Engine(config, state)
    output_spikes = 0
    for n, levels in enumerate(batch):
        expected = network.present(levels, learn=True)
        got = engine.present(levels, learn=True)
        assert engine.state.differences(network.state) == [], f"presentation {n}"
        assert got.counters == expected.counters, f"presentation {n}"
        assert got.spike_steps.tolist() == expected.spike_steps.tolist()
        assert got.spike_posts.tolist() == expected.spike_posts.tolist()
        output_spikes += got.counters.output_spikes
    return output_spikes


def test_blocks_are_what_the_seams_below_assume() -> None:
    assert (kernels.LANES, kernels.BLOCK) == (64, 64)


@pytest.mark.parametrize(
    "steps", [1, 2, 63, 64, 65, 127, 128, 129, 192, 193, 255], ids="{} steps".format
)
def test_steps_around_groups_of_64(steps: int) -> None:
    config = often(encoder=EncoderParams(steps=steps))
    batch = images(config, 3, steps)
    # All inputs bright: padding steps would spike if they were not masked.
    batch[1] = 255
    assert assert_same(config, batch) > 0


@pytest.mark.parametrize(
    "inputs", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 255, 256, 257, 4096], ids="{} inputs".format
)
def test_inputs_around_words_and_rows_of_8(inputs: int) -> None:
    config = often(inputs=inputs)
    batch = images(config, 4, inputs)
    batch[0] = 255
    assert assert_same(config, batch) > 0


@pytest.mark.parametrize("neurons", [1, 2, 63, 64, 65, 128, 130], ids="{} neurons".format)
def test_neurons_around_blocks_of_64(neurons: int) -> None:
    assert assert_same(often(neurons=neurons), images(often(neurons=neurons), 4, neurons)) > 0


@pytest.mark.parametrize("neurons", [1, 63, 64, 65], ids="{} neurons".format)
def test_padding_never_wins(neurons: int) -> None:
    # No neuron has weight, so all thresholds are at the top, as those of the padding.
    config = often(neurons=neurons)
    state = State.initial(config)
    state.weights[:] = 0
    state.strength[:] = 0
    assert assert_same(config, images(config, 2, 1), state) == 0
    # The last neuron alone fires, with the largest index there is.
    state.weights[:, -1] = 200
    state.strength[-1] = 200 * config.inputs
    assert assert_same(config, images(config, 2, 1), state) > 0


@pytest.mark.parametrize(
    "spikes",
    [0, 1, 7, 8, 9, 255, 256, 257, 263, 264, 265, 511, 512, 513, 600],
    ids="{} rows".format,
)
def test_rows_of_the_largest_weights_around_the_flush_of_16_bit_sums(spikes: int) -> None:
    config = often(
        inputs=600, neurons=3, membrane=MembraneParams(leak_shift=0), pruning=NoPruning()
    )
    state = State.initial(config)
    state.weights[:] = 255
    state.strength[:] = 255 * 600
    # Highest threshold that 200 rows in two steps do not reach.
    state.theta[:] = 2**24 - 1
    network, engine = Network(config, state.copy()), Engine(config, state)
    events = [list(range(600 - spikes, 600)), [0], list(range(spikes))]
    expected = network.present_events(events, learn=False)
    got = engine.present_events(events, learn=False)
    assert got.counters == expected.counters
    assert engine.state.differences(network.state) == []
    assert engine.state.v.tolist() == [255 * (2 * spikes + 1)] * 3


@pytest.mark.parametrize("constant", [ENCODER, LEARNING], ids=["encoder", "learning"])
def test_seed_that_gives_state_0_falls_back(constant: int) -> None:
    assert assert_same(often(seed=constant), images(often(), 2, 1)) > 0


@pytest.mark.parametrize("presentation", [2**31, 2**32 - 1], ids=["half way", "about to wrap"])
def test_presentation_numbers_of_32_bits(presentation: int) -> None:
    config = often(seed=2**32 - 1)
    state = State.initial(config)
    state.presentation = presentation
    assert assert_same(config, images(config, 3, 1), state) > 0


def test_training_goes_on_past_the_largest_presentation_number() -> None:
    # After the wrap nothing is pruned before `start`, and number 0 knows no decay.
    config = often(
        homeostasis=HomeostasisParams(v_th=40000, theta_plus=100, theta_decay_shift=2),
        pruning=ConstantPruning(w_prune=30, start=2),
    )
    state = State.initial(config)
    state.presentation = 2**32 - 2
    network, engine = Network(config, state.copy()), Engine(config, state)
    batch = images(config, 5, 1)
    for levels in batch:
        network.present(levels, learn=True)
    engine.train(batch)
    assert engine.state.differences(network.state) == []
    assert engine.presentation == 3


def test_input_that_was_bright_and_is_dark_leaves_nothing_behind() -> None:
    config = often(encoder=EncoderParams(steps=130))
    bright, dark = np.full(20, 255, np.uint8), np.zeros(20, np.uint8)
    half = np.where(np.arange(20) % 2 == 0, bright, dark)
    batch = np.stack([bright, dark, half, bright, bright - half, dark])
    assert assert_same(config, batch) > 0


@pytest.mark.parametrize("level", [1, 2, 127, 128, 254, 255], ids="level {}".format)
def test_every_level_is_compared_strictly(level: int) -> None:
    # 255 steps of 60 inputs meet every byte.
    config = often(inputs=60, encoder=EncoderParams(steps=255))
    assert_same(config, np.full((1, 60), level, np.uint8))


@pytest.mark.parametrize("leak_shift", [0, 1, 23], ids="shift {}".format)
@pytest.mark.parametrize("fire_shift", [0, 10, 42], ids="shift {}".format)
def test_ends_of_the_shifts(leak_shift: int, fire_shift: int) -> None:
    config = often(
        membrane=MembraneParams(leak_shift=leak_shift),
        homeostasis=HomeostasisParams(v_th=1, fire_shift=fire_shift, theta_plus=1),
    )
    assert_same(config, images(config, 3, 1))


@pytest.mark.parametrize(
    ("theta", "post_count"),
    [(2**24 - 1, 65535), (2**24 - 2, 65534), (2**24 - 101, 65533)],
    ids=["at the top", "one below the top", "a step below the top"],
)
def test_theta_and_spike_count_saturate(theta: int, post_count: int) -> None:
    config = often(
        homeostasis=HomeostasisParams(v_th=1, theta_plus=100, theta_decay_shift=24, fire_shift=24)
    )
    state = State.initial(config)
    state.theta[:] = theta
    state.post_count[:] = post_count
    assert assert_same(config, images(config, 3, 1), state) > 3
    network = Network(config, state)
    for image in images(config, 3, 1):
        network.present(image, learn=True)
    assert network.state.theta.max() == 2**24 - 1
    assert network.state.post_count.max() == 65535


def test_product_of_the_largest_numbers_does_not_wrap() -> None:
    config = often(
        inputs=784,
        homeostasis=HomeostasisParams(v_th=2**23 - 1, theta_decay_shift=24, fire_shift=25),
    )
    state = State.initial(config)
    state.weights[:] = 255
    state.strength[:] = 255 * 784
    state.theta[:] = 2**24 - 1
    batch = images(config, 2, 1)
    batch[0] = 255
    assert assert_same(config, batch, state) > 0


@pytest.mark.parametrize("percent", [0, 1, 33, 50, 99, 100], ids="{} percent".format)
@pytest.mark.parametrize("weight_bits", [1, 4, 8], ids="{} bits".format)
def test_soft_pruning_chooses_the_same_synapses(percent: int, weight_bits: int) -> None:
    policy = SoftPruning(after_presentations=2, min_spikes=1, percent=percent)
    config = often(pruning=policy, weight_bits=weight_bits)
    assert assert_same(config, images(config, 6, percent)) > 0


@pytest.mark.parametrize(
    "policy",
    [AdaptivePruning(start=2, ramp_shift=0), SoftPruning(after_presentations=3)],
    ids=["adaptive", "soft"],
)
def test_batch_in_any_memory_order_is_learned_alike(policy: PruningParams) -> None:
    config = often(pruning=policy)
    batch = images(config, 8, 2)
    plain, column_major, strided, frozen = (Engine(config) for _ in range(4))
    read_only = batch.copy()
    read_only.flags.writeable = False
    plain.train(batch)
    column_major.train(np.asfortranarray(batch))
    strided.train(np.repeat(batch, 2, axis=0)[::2])
    frozen.train(read_only)
    for other in (column_major, strided, frozen):
        assert other.state.differences(plain.state) == []


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 128, 129], ids="{} images".format)
def test_inference_in_chunks_of_64_is_inference_one_by_one(count: int) -> None:
    config = often()
    engine = Engine(config)
    engine.train(images(config, 5, 1))
    batch = images(config, count, 2)
    counts, spikes = engine.infer(batch, first=7, threads=3)
    assert (len(counts), len(spikes)) == (count, count)
    for n, levels in enumerate(batch):
        state = engine.state
        state.presentation = 7 + n
        got = Engine(config, state).present(levels, learn=False)
        assert counts[n].tolist() == got.counters.to_array().tolist()
        assert spikes[n].tolist() == got.spike_counts(config.neurons).tolist()


def test_neuron_with_frozen_synapses_may_be_frozen_again() -> None:
    # So it is after a longer `after_presentations` for a network that is frozen already.
    config = often(pruning=SoftPruning(after_presentations=1, min_spikes=1, percent=50))
    state = State.initial(config)
    state.weights[:2] = 0
    state.frozen[:2] = True
    state.strength[:] = state.weights.sum(axis=0)
    assert assert_same(config, images(config, 3, 1), state) > 0


def test_places_of_the_counters_are_their_order() -> None:
    assert tuple(count.name.lower() for count in Count) == COUNTERS
