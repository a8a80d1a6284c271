"""The semantics, sections 3 to 6, once more: one integer at a time, written from the text alone.

This scalar network judges the reference after every step and the engine after every presentation,
on random small networks in random states. It is one file, over 350 lines, so that it can be read
beside the text from the first section to the last.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.view import Step
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.pruning import SoftPruning
from prunus_model.spec.state import State
from prunus_scalar import scalar
from prunus_strategies import configs, images

PRESENTATIONS = 4


def assert_step(step: Step, expected: tuple[int, list[bool], bool, int, int]) -> None:
    got = (step.step, step.spikes.tolist(), step.inhibited, step.post, step.w_prune)
    assert got == expected
    assert not (step.kept & ~step.spikes).any()


def random_state(config: NetworkConfig, seed: int) -> State:
    """Any valid state, often one spike away from a saturation."""
    rng = np.random.default_rng(seed)
    shape, neurons = (config.inputs, config.neurons), config.neurons
    # What soft pruning has frozen, it froze at this count and not before.
    once = config.pruning.after_presentations if isinstance(config.pruning, SoftPruning) else 0
    active_count = rng.choice([0, 1, 65534, 65535], neurons) * (once > 0)
    alive = rng.random(shape) < rng.choice([0.2, 0.8, 1.0])
    frozen = alive & (rng.random(shape) < 0.5) & (active_count >= once) & (once > 0)
    weights = rng.integers(0, config.formats.w_max + 1, shape) * (alive & ~frozen)
    theta = rng.integers([0, 2**24 - 3000], [3000, 2**24], (neurons, 2))
    rates = config.inputs if config.pruning.policy == "lift" else 0
    state = State(
        weights=weights.astype(np.uint8),
        alive=alive,
        frozen=frozen,
        theta=np.where(rng.random(neurons) < 0.7, theta[:, 0], theta[:, 1]).astype(np.int32),
        strength=weights.sum(axis=0, dtype=np.int32),
        post_count=rng.choice([0, 5, 65534, 65535], neurons).astype(np.int32),
        active_count=active_count.astype(np.int32),
        v=rng.integers(0, 2**24, neurons).astype(np.int32),
        v_fire=rng.integers(0, 2**23, neurons).astype(np.int32),
        last_step=rng.integers(-1, config.encoder.steps, config.inputs).astype(np.int16),
        input_rate=rng.choice([0, 1023, 1024, 30000, 65535], rates).astype(np.int32),
        presentation=int(rng.choice([0, 1, 2, 2**32 - 2, 2**32 - 1])),
    )
    state.check(config)
    return state


@st.composite
def small_configs(draw: st.DrawFn) -> NetworkConfig:
    """As :func:`prunus_strategies.configs`, but small enough for one integer at a time."""
    config = draw(configs())
    # Also thresholds that are always clipped, and so low that a full `theta` still lets fire.
    fire_shift = config.homeostasis.fire_shift + draw(st.sampled_from([0, 0, 0, -12, 10]))
    return replace(
        config,
        homeostasis=replace(config.homeostasis, fire_shift=fire_shift),
        inputs=min(config.inputs, 40),
        neurons=min(config.neurons, 8),
        encoder=replace(config.encoder, steps=min(config.encoder.steps, 66)),
    )


def first_state(config: NetworkConfig, seed: int, *, trained: bool) -> State:
    return random_state(config, seed) if trained else State.initial(config)


@settings(max_examples=200)
@given(
    config=small_configs(),
    seed=st.integers(0, 2**32 - 1),
    stop_after=st.sampled_from([0, 0, 1, 2]),
    unlearned=st.integers(-1, PRESENTATIONS - 1),
    trained=st.booleans(),
)
def test_every_step_is_what_the_semantics_say(
    config: NetworkConfig, seed: int, stop_after: int, unlearned: int, trained: bool
) -> None:
    state = first_state(config, seed, trained=trained)
    oracle, engine = scalar(config, state), Engine(config, state)
    network = Network(config, state.copy())
    for n, levels in enumerate(images(config, PRESENTATIONS, seed)):
        learn = n != unlearned
        counters = Counters()
        fired = []
        expected_steps = oracle.show(
            levels.tolist(), events=False, learn=learn, stop_after=stop_after
        )
        steps = network.steps(levels, learn=learn, stop_after=stop_after, counters=counters)
        for expected in expected_steps:
            assert_step(next(steps), expected)
            oracle.assert_is(network.state, f"presentation {n}, step {expected[0]}")
            if expected[3] >= 0:
                fired.append((expected[0], expected[3]))
        assert next(steps, None) is None
        oracle.assert_is(network.state, f"presentation {n}")
        assert counters == Counters(**oracle.counts)
        got = engine.present(levels, learn=learn, stop_after=stop_after)
        oracle.assert_is(engine.state, f"engine, presentation {n}")
        assert got.counters == Counters(**oracle.counts)
        assert spikes_of(got) == fired
    pruned = oracle.finish()
    assert network.finish() == engine.finish() == pruned
    oracle.assert_is(network.state, "after the end of training")
    oracle.assert_is(engine.state, "engine, after the end of training")


def spikes_of(presentation: Presentation) -> list[tuple[int, int]]:
    steps, posts = presentation.spike_steps.tolist(), presentation.spike_posts.tolist()
    return list(zip(steps, posts, strict=True))


@settings(max_examples=40)
@given(
    config=small_configs(),
    seed=st.integers(0, 2**32 - 1),
    stop_after=st.sampled_from([0, 0, 1, 3]),
    learn=st.booleans(),
    trained=st.booleans(),
)
def test_address_events_do_what_the_semantics_say(
    config: NetworkConfig, seed: int, stop_after: int, learn: bool, trained: bool
) -> None:
    rng = np.random.default_rng(seed)
    state = first_state(config, seed, trained=trained)
    oracle, engine = scalar(config, state), Engine(config, state)
    network = Network(config, state.copy())
    for n in range(PRESENTATIONS):
        events = [
            rng.permutation(config.inputs)[: rng.integers(0, config.inputs + 1)].tolist()
            for _ in range(rng.integers(0, config.encoder.steps + 1))
        ]
        steps = oracle.show(events, events=True, learn=learn, stop_after=stop_after)
        fired = [(step, post) for step, _, _, post, _ in steps if post >= 0]
        for machine in (network, engine):
            got = machine.present_events(events, learn=learn, stop_after=stop_after)
            assert spikes_of(got) == fired
            assert got.counters == Counters(**oracle.counts)
            oracle.assert_is(machine.state, f"{type(machine).__name__}, presentation {n}")


@pytest.mark.parametrize("name", ["tiny", "demo"])
def test_named_configurations_do_what_the_semantics_say(name: str) -> None:
    config = replace(NetworkConfig.named(name), neurons=6)
    state = State.initial(config)
    oracle, engine = scalar(config, state), Engine(config, state)
    network = Network(config, state.copy())
    spikes = 0
    for levels in images(config, 2, 3):
        for _ in oracle.show(levels.tolist(), events=False, learn=True, stop_after=0):
            pass
        spikes += oracle.counts["output_spikes"]
        assert network.present(levels, learn=True).counters == Counters(**oracle.counts)
        assert engine.present(levels, learn=True).counters == Counters(**oracle.counts)
    oracle.assert_is(network.state, "reference")
    oracle.assert_is(engine.state, "engine")
    assert spikes > 0
