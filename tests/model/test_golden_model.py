"""Reference and engine by their one interface: same results, same treatment of what is given."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import COUNTERS
from prunus_model.spec.golden_model import GoldenModel
from prunus_model.spec.presentation import Presentation, Request
from prunus_model.spec.readout import UNDECIDED
from prunus_model.spec.state import State
from prunus_strategies import images

#: Both, seen by the type checker as what they have in common.
MODELS: list[Callable[..., GoldenModel]] = [Network, Engine]
TINY = NetworkConfig.named("tiny")
CONFIG = replace(TINY, homeostasis=replace(TINY.homeostasis, v_th=2000))
LEVELS = images(CONFIG, 12, 5)
either = pytest.mark.parametrize("model", MODELS)


def assert_equal(one: Presentation, other: Presentation) -> None:
    assert one.counters == other.counters
    assert one.spike_steps.tolist() == other.spike_steps.tolist()
    assert one.spike_posts.tolist() == other.spike_posts.tolist()
    assert (one.prediction, one.lead) == (other.prediction, other.lead)


@either
def test_a_given_state_is_copied(
    model: Callable[..., GoldenModel],
) -> None:
    state = State.initial(CONFIG)
    one = model(CONFIG, state)
    assert one.present(LEVELS[0], learn=True).counters.output_spikes
    assert one.finish() == 0
    assert (one.presentation, one.state.presentation, one.config) == (1, 1, CONFIG)
    assert state.differences(State.initial(CONFIG)) == []
    assert state.differences(one.state)


def test_training_and_inference_are_equal() -> None:
    network, engine = (model(CONFIG, None) for model in MODELS)
    (counters, spikes), (expected_counters, expected_spikes) = (
        network.train(LEVELS),
        engine.train(LEVELS),
    )
    assert counters == expected_counters
    assert counters.presentations == len(LEVELS)
    assert spikes.dtype == expected_spikes.dtype == np.uint8
    assert np.array_equal(spikes, expected_spikes)
    assert spikes.any()
    assert network.state.differences(engine.state) == []
    before = network.state.copy()
    for first, stop_after in ((0, 0), (2**32 - 3, 1)):
        counts, spikes = network.infer(LEVELS, first=first, stop_after=stop_after, threads=1)
        expected_counts, expected_spikes = engine.infer(
            LEVELS, first=first, stop_after=stop_after, threads=1
        )
        assert counts.dtype == expected_counts.dtype == np.int64
        assert spikes.dtype == expected_spikes.dtype == np.uint8
        assert np.array_equal(counts, expected_counts)
        assert np.array_equal(spikes, expected_spikes)
    assert network.state.differences(before) == []


@either
def test_nothing_shown_is_nothing_counted(
    model: Callable[..., GoldenModel],
) -> None:
    one = model(CONFIG, None)
    counts, spikes = one.infer(LEVELS[:0])
    assert (counts.shape, spikes.shape) == ((0, len(COUNTERS)), (0, CONFIG.neurons))
    counters, spikes = one.train(LEVELS[:0])
    assert (counters.presentations, spikes.shape) == (0, (0, CONFIG.neurons))


@either
def test_wrong_arguments_are_refused(
    model: Callable[..., GoldenModel],
) -> None:
    one = model(CONFIG, None)
    with pytest.raises(ValueError, match=r"^Threads must be 1 or more, not 0$"):
        one.infer(LEVELS, threads=0)
    for call in (one.train, one.infer):
        with pytest.raises(ValueError, match="shape"):
            call(LEVELS[0])
    with pytest.raises(ValueError, match="-1"):
        one.infer(LEVELS, stop_after=-1)


def votes(bits: int, kind: int) -> npt.NDArray[np.uint8]:
    """Votes of two values, so that classes tie; of all; or so that scores saturate."""
    shape = (CONFIG.neurons, CONFIG.readout.classes)
    rng = np.random.default_rng(kind)
    few = rng.integers(0, 2, shape) * (2**bits - 1)
    return (few if kind == 0 else rng.integers(0, 2**bits, shape)).astype(np.uint8)


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("margin", [0, 1, 7, 15, 30])
def test_sequential_test_is_equal(margin: int, kind: int) -> None:
    given = votes(CONFIG.readout.vote_bits, kind)
    network, engine = (model(CONFIG, None, given) for model in MODELS)
    ended = set()
    for number, image in enumerate(LEVELS):
        learn, keep, stop_after = number < 4, number % 3 == 2, 3 * (number % 2)
        options = Request(learn=learn, keep=keep, stop_after=stop_after, margin=margin)
        one, other = network.present(image, **options), engine.present(image, **options)
        assert_equal(one, other)
        assert network.scores.tolist() == engine.scores.tolist()
        last = one.spike_steps[-1] + 1 if len(one.spike_steps) else CONFIG.encoder.steps
        ends = (margin and one.lead >= margin and len(one.spike_steps) > 0) or (
            stop_after and len(one.spike_steps) == stop_after
        )
        assert one.counters.steps == (last if ends else CONFIG.encoder.steps)
        ended.add(bool(ends))
    assert network.state.differences(engine.state) == []
    assert True in ended
    assert len(ended) == 2 or margin in (1, 7)
    counts, spikes = network.infer(LEVELS, margin=margin)
    expected_counts, expected_spikes = engine.infer(LEVELS, margin=margin, threads=2)
    assert np.array_equal(counts, expected_counts)
    assert np.array_equal(spikes, expected_spikes)


@either
def test_the_test_ends_at_the_first_spike_that_brings_the_margin(
    model: Callable[..., GoldenModel],
) -> None:
    given = votes(CONFIG.readout.vote_bits, 1)
    whole = model(CONFIG, None, given).present(LEVELS[0], learn=False)
    sums = np.cumsum(given[whole.spike_posts].astype(np.int64), axis=0)
    leads = [int(two[1] - two[0]) for two in np.sort(sums, axis=1)[:, -2:]]
    for margin in sorted({max(leads), max(leads) // 2, 1}):
        shown = model(CONFIG, None, given).present(LEVELS[0], learn=False, margin=margin)
        at = next(k for k, ahead in enumerate(leads) if ahead >= margin)
        assert shown.spike_posts.tolist() == whole.spike_posts[: at + 1].tolist()
        assert shown.counters.steps == whole.spike_steps[at] + 1
        assert (shown.lead, shown.prediction) == (leads[at], int(sums[at].argmax()))


@either
def test_kept_scores_go_on_and_saturate(model: Callable[..., GoldenModel]) -> None:
    readout = replace(CONFIG.readout, vote_bits=1)
    most = np.ones((CONFIG.neurons, readout.classes), np.uint8)
    most[:, 3] = 0
    one = model(replace(CONFIG, readout=readout), None, most)
    first = one.present(LEVELS[0], learn=False)
    spikes = len(first.spike_posts)
    assert spikes
    assert (first.prediction, first.lead) == (0, 0)
    for _ in range(511 // spikes + 40):
        one.present(LEVELS[0], learn=False, keep=True)
    assert isinstance(one, Network | Engine)
    assert one.scores.tolist() == [511, 511, 511, 0, *[511] * 6]
    again = one.present(LEVELS[0][:] * 0, learn=False)
    assert (again.prediction, again.lead) == (UNDECIDED, 0)
    assert not one.scores.any()


@either
def test_without_votes_nothing_is_elected(model: Callable[..., GoldenModel]) -> None:
    shown = model(CONFIG, None).present(LEVELS[0], learn=False, margin=1)
    assert len(shown.spike_posts)
    assert (shown.prediction, shown.lead) == (UNDECIDED, 0)
    assert shown.counters.steps == CONFIG.encoder.steps


def test_events_are_equal() -> None:
    events = [[step % CONFIG.inputs, 40] for step in range(CONFIG.encoder.steps)]
    network, engine = (model(CONFIG, None) for model in MODELS)
    for learn in (True, False):
        assert_equal(
            network.present_events(events, learn=learn),
            engine.present_events(events, learn=learn),
        )
        assert network.state.differences(engine.state) == []
