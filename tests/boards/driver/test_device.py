"""The driver, on the emulated device; test_simulator.py does the same on the gateware."""

from dataclasses import replace

import numpy as np
import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.base import TransportError
from prunus_devices import (
    LEARNING,
    PACKED,
    device,
    golden,
    last,
    message,
    network,
    shown,
)
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import predict_vote
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_images_are_shown_as_by_the_engine(options: ExportOptions, stop_after: int) -> None:
    with device(options) as one:
        plan = one.plan
        one.presentation = 100
        engine = Engine(network().config, replace(plan.state, presentation=100))
        outcomes = list(one.present_many(shown(12), stop_after=stop_after))
        for k, (levels, outcome) in enumerate(zip(shown(12), outcomes, strict=True)):
            expected = engine.present(levels, learn=False, stop_after=stop_after)
            got = outcome.presentation
            assert outcome.number == 100 + k
            assert got.spike_steps.tolist() == expected.spike_steps.tolist()
            # What the core calls a neuron is a position.
            assert got.spike_posts.tolist() == plan.neurons[expected.spike_posts].tolist()
            assert got.counters == expected.counters
            counts = got.spike_counts(10)[np.newaxis]
            assert outcome.prediction == predict_vote(counts, network().readout)[0]
            assert outcome.cycles == 0
        assert one.presentation == 112
    if options is PACKED:
        assert plan.permuted


def test_image_without_spikes_is_undecided() -> None:
    with device() as one:
        outcome = one.present(np.zeros(49, dtype=np.uint8))
    assert (outcome.prediction, len(outcome.presentation.spike_steps)) == (-1, 0)


def test_learning_leaves_the_state_of_the_model_and_no_known_network() -> None:
    with device(LEARNING) as one:
        found = last(one, 20, learn=True)
        assert (found.images, found.difference) == (20, "")
        assert one.identity.network == bytes(32)
        assert not one.holds(network())
        engine = Engine(network().config, network().state)
        engine.train(shown(20))
        assert one.read_state().differences(engine.state) == []
        assert engine.state.alive.sum() < network().state.alive.sum()
        assert message(lambda: one.attach(network())) == (
            f"Device at golden must hold network {network().content_hash[:16]}, not none"
        )
        one.load(network())
        assert one.compare(network()) == []
        assert one.holds(network())
        assert last(one, 5).difference == ""


def test_network_is_needed_before_images() -> None:
    transport, core = golden()
    with Device(transport, core=core) as one:
        assert message(lambda: one.present(shown(1)[0])) == (
            "Network must be attached or loaded before it is used"
        )


def test_core_that_cannot_learn_says_so() -> None:
    with device(PACKED) as one:
        assert message(lambda: one.present(shown(1)[0], learn=True)) == (
            "Core must be able to learn to learn from images"
        )
        assert message(one.read_state) == "Core must be able to learn to have a whole state"
        assert one.holds(network())


def test_arguments_are_checked_before_anything_is_sent() -> None:
    with device() as one:
        for levels in (shown(1), shown(1)[0, :-1]):
            with pytest.raises(ValueError, match="Levels must have shape"):
                one.present(levels)
        with pytest.raises(TypeError, match="Levels must be an array of uint8"):
            one.present(shown(1)[0].astype(np.int64))
        with pytest.raises(ValueError, match="Early exit must be after 0 to 255 spikes, not 256"):
            one.present(shown(1)[0], stop_after=256)
        assert one.condition().started == 0


def test_series_that_is_left_leaves_nothing_behind() -> None:
    with device(LEARNING) as one:
        series = one.present_many(shown(5))
        next(series)
        series.close()
        # Others were sent ahead and shown, which is undone.
        assert one.condition().started == 5
        number = one.presentation
        assert number == network().state.presentation + 1
        levels = shown(3, seed=9)
        outcomes = list(one.present_many(levels))
        engine = Engine(network().config, replace(network().state, presentation=number))
        expected = [engine.present(image, learn=False).counters for image in levels]
        assert [outcome.presentation.counters for outcome in outcomes] == expected
        assert [outcome.number for outcome in outcomes] == [number + k for k in range(3)]


def test_series_cannot_go_on_after_another() -> None:
    with device() as one:
        series = one.present_many(shown(5))
        next(series)
        one.present(shown(1)[0])
        assert message(lambda: next(series)) == (
            "Series of images must not go on after another was begun"
        )
        assert one.presentation == 2


def test_more_spikes_than_fit_into_an_answer_are_fetched() -> None:
    transport, core = golden()
    with Device(transport, core=core) as one:
        one.attach(network())
        one.present(shown(1)[0])
        spikes = [(step, step % 10) for step in range(200)]
        transport.emulator._spikes = spikes
        assert one.requests.spikes(200, 255) == spikes


def test_words_are_read_and_written_by_space() -> None:
    with device(LEARNING) as one:
        one.write(Space.THETA, 8, np.array([70000, 5]))
        assert one.read(Space.THETA, 8, 2).tolist() == [70000, 5]
        assert one.identity.network == bytes(32)
        text = message(lambda: one.read(Space.THETA, 9, 2), TransportError)
        assert text == "Device at golden must accept READ, not answer ADDRESS"


def test_presentation_number_is_kept_when_a_series_needs_a_reset() -> None:
    with device(PACKED) as one:
        one.presentation = 4_000_000_000
        series = one.present_many(shown(2))
        assert next(series).number == 4_000_000_000
        series.close()
        assert one.present(shown(1)[0]).number == 4_000_000_001


def test_difference_is_found_and_told() -> None:
    """A threshold that is wrong in one place."""
    with device(LEARNING) as one:
        theta = one.read(Space.THETA, 0, 10)
        one.write(Space.THETA, 0, theta // 2)
        assert one.compare(network()) == [f"THETA[0] is {theta[0] // 2}, not {theta[0]}"]
        theta[3] += 1
        one.write(Space.THETA, 0, theta)
        assert one.compare(network()) == [f"THETA[3] is {theta[3]}, not {theta[3] - 1}"]
        one.write(Space.THETA, 0, theta // 2)
        found = last(one, 20)
        assert found.difference.startswith("presentation 6")
        assert found.images < 20


def test_wrong_state_after_learning_is_told() -> None:
    with device(LEARNING) as one:
        # Nothing but a count of spikes, which only pruning looks at.
        count = one.read(Space.POST_COUNT, 0, 1)
        one.write(Space.POST_COUNT, 0, count + 1)
        found = last(one, 1, learn=True)
        neuron = one.plan.neurons[0]
        assert found.difference.startswith(f"state after 1 images: post_count[{neuron}]: ")
