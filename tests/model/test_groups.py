"""Groups in reference and engine: as networks alone on their parts of the image; both equal."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from prunus_groups import CONFIG, LEVELS, LOOKS, assert_equal, seen, votes_of, with_looks
from prunus_model.engine.engine import Engine
from prunus_model.reference.network import Network
from prunus_model.reference.readout import elect, lead
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.presentation import Presentation
from prunus_model.spec.pruning import POLICIES, LiftPruning, SoftPruning
from prunus_model.spec.units import StdpParams

MODELS = [Network, Engine]
either = pytest.mark.parametrize("model", MODELS)


class Apart:
    """As many plain networks as there are groups, each alone: what the semantics promise."""

    def __init__(self, config: NetworkConfig, votes: npt.NDArray[np.uint8]) -> None:
        self.config = config
        self.networks = [
            Network(
                replace(
                    config,
                    seed=(config.seed + group) % 2**32,
                    groups=None,
                    encoder=replace(config.encoder, contrast=None),
                ),
                votes=votes[group * config.neurons : (group + 1) * config.neurons],
            )
            for group in range(config.group_count)
        ]
        self.scores = np.zeros(config.readout.classes, np.int64)
        self.last = 0

    def present(
        self, levels: npt.NDArray[np.uint8], *, learn: bool, keep: bool = False, **exits: int
    ) -> Presentation:
        """Show the views one by one, scores carried from each to the next."""
        if not keep:
            self.scores = np.zeros_like(self.scores)
        views = self.config.group_count if learn else self.config.view_count
        number = self.networks[0].presentation
        counters, steps, posts = Counters(), [], []
        for view in range(views):
            self.last = group = view % self.config.group_count
            network = self.networks[group]
            if view >= self.config.group_count:
                # A look: the same network, other random streams.
                seed = (self.config.seed + view) % 2**32
                network = Network(replace(network.config, seed=seed), network.state, network._votes)
            network.state.presentation = number
            network.scores = self.scores
            shown = network.present(
                seen(self.config, view, levels), learn=learn, keep=True, **exits
            )
            self.scores = network.scores
            if network is not self.networks[group]:
                self.networks[group] = Network(
                    self.networks[group].config, network.state, network._votes
                )
            counters += shown.counters
            steps += shown.spike_steps.tolist()
            posts += (shown.spike_posts + group * self.config.neurons).tolist()
            if exits.get("margin") and shown.lead >= exits["margin"]:
                break
        for network in self.networks:
            network.state.presentation = (number + 1) % 2**32
        return Presentation(
            spike_steps=np.array(steps, np.int64),
            spike_posts=np.array(posts, np.int64),
            counters=replace(counters, presentations=1),
            prediction=elect(self.scores),
            lead=lead(self.scores),
        )

    def assert_same_state(self, state: Any) -> None:
        for group, network in enumerate(self.networks):
            part, alone = state.group(group, self.config), network.state.copy()
            if group != self.last:
                # Those of the group shown last.
                alone.v[:], alone.last_step[:] = part.v, part.last_step
            assert part.differences(alone) == [], f"group {group}"


@either
@pytest.mark.parametrize("policy", POLICIES)
def test_groups_are_networks_alone_on_their_windows(
    model: type[Network] | type[Engine], policy: str
) -> None:
    config = replace(with_looks(), pruning=POLICIES[policy])
    if isinstance(config.pruning, SoftPruning):
        config = replace(config, pruning=SoftPruning(after_presentations=3, min_spikes=1))
    if isinstance(config.pruning, LiftPruning):
        config = replace(config, pruning=LiftPruning(length=4, share=255))
    votes = votes_of(config)
    one, apart = model(config, votes=votes), Apart(config, votes)
    for number, image in enumerate(LEVELS):
        options: dict[str, Any] = {
            "learn": number < 14,
            "stop_after": number % 3 if number >= 7 else 0,
            "margin": (0, 40, 90)[number % 3] if number >= 7 else 0,
            "keep": number % 4 == 3,
        }
        assert_equal(one.present(image, **options), apart.present(image, **options))
        apart.assert_same_state(one.state)
        assert one.scores.tolist() == apart.scores.tolist()
    pruned = one.finish()
    assert pruned == sum(network.finish() for network in apart.networks)
    apart.last = config.group_count - 1
    apart.assert_same_state(one.state)
    assert one.state.plastic.all() == (policy == "none")
    one.state.check(config)


@either
def test_training_is_that_of_each_group_alone(model: type[Network] | type[Engine]) -> None:
    votes = votes_of(CONFIG)
    together = model(CONFIG, votes=votes)
    counters, spikes = together.train(LEVELS)
    total = Counters()
    for group in range(CONFIG.group_count):
        alone = Engine(
            replace(CONFIG.view(group), readout=CONFIG.readout),
            votes=votes[group * 6 : (group + 1) * 6],
        )
        part = np.stack([seen(CONFIG, group, image) for image in LEVELS])
        own, own_spikes = alone.train(part)
        total += own
        assert spikes[:, group * 6 : (group + 1) * 6].tolist() == own_spikes.tolist()
        assert own_spikes.any()
        state = alone.state
        state.v[:], state.last_step[:] = together.state.v, together.state.last_step
        assert together.state.group(group, CONFIG).differences(state) == []
    assert counters == replace(total, presentations=len(LEVELS))
    assert np.array_equal(together.state.last_step, alone.state.last_step)


@either
def test_a_look_sees_the_image_shifted(model: type[Network] | type[Engine]) -> None:
    """What is on the left of the window comes into it when this moves to the left."""
    config = replace(with_looks(), readout=replace(CONFIG.readout, stop_after=0))
    trained = Engine(config)
    trained.train(LEVELS)
    image = LEVELS[0].reshape(7, 7)
    shown = model(config, trained.state).present(LEVELS[0], learn=False)
    expected: list[int] = []
    for look, (down, right) in enumerate(LOOKS):
        # The image moves against the window; black comes in.
        moved = np.zeros((7, 7), np.uint8)
        for row in range(7):
            for column in range(7):
                if 0 <= row + down < 7 and 0 <= column + right < 7:
                    moved[row, column] = image[row + down, column + right]
        shifted = replace(CONFIG, seed=CONFIG.seed + look * 4)
        state = trained.state
        got = model(shifted, state).present(moved.ravel(), learn=False)
        expected += got.spike_posts.tolist()
    assert shown.spike_posts.tolist() == expected
    assert len(set(expected)) > 4


@either
def test_sequential_test_leaves_out_the_views_that_are_not_needed(
    model: type[Network] | type[Engine],
) -> None:
    config = with_looks()
    trained, votes = Engine(config), votes_of(config)
    trained.train(LEVELS)
    whole = model(config, trained.state, votes).present(LEVELS[1], learn=False, stop_after=1)
    assert len(whole.spike_posts) == 12
    sums = np.cumsum(votes[whole.spike_posts].astype(np.int64), axis=0)
    leads = [int(two[1] - two[0]) for two in np.sort(sums, axis=1)[:, -2:]]
    ended = set()
    for margin in sorted(set(leads)):
        network = model(config, trained.state, votes)
        shown = network.present(LEVELS[1], learn=False, stop_after=1, margin=margin)
        at = next(k for k, ahead in enumerate(leads) if ahead >= margin)
        assert shown.spike_posts.tolist() == whole.spike_posts[: at + 1].tolist()
        assert (shown.lead, shown.prediction) == (leads[at], int(sums[at].argmax()))
        assert network.state.v.shape == (6,)
        counts, _ = network.infer(LEVELS[1:2], first=20, stop_after=1, margin=margin)
        assert Counters.from_array(counts[0]) == shown.counters
        ended.add(at)
    assert len(ended) > 2


@either
def test_a_margin_reached_before_ends_after_the_first_view(
    model: type[Network] | type[Engine],
) -> None:
    votes = np.zeros((24, 10), np.uint8)
    votes[:, 4] = 63
    one = model(CONFIG, votes=votes)
    assert one.present(LEVELS[0], learn=False).lead > 63
    again = one.present(LEVELS[0] * 0, learn=False, margin=63, keep=True)
    assert again.counters.steps == CONFIG.encoder.steps
    assert (again.counters.output_spikes, again.prediction) == (0, 4)


@either
def test_events_go_to_the_groups_that_see_them(model: type[Network] | type[Engine]) -> None:
    config = replace(with_looks(), encoder=EncoderParams(steps=4))
    counters = [
        model(config).present_events([[], [pre]], learn=False).counters.input_spikes
        for pre in range(49)
    ]
    assert counters == [int(np.count_nonzero(config.view_indices == pre)) for pre in range(49)]
    assert min(counters) > 0
    with pytest.raises(ValueError, match=r"^Events of step 0 must be inputs 0\.\.48, but got 49"):
        model(config).present_events([[49]], learn=False)


def test_events_of_a_look_come_from_the_shifted_place() -> None:
    config = with_looks()
    network = Network(config)
    kept = [
        (step.view, np.flatnonzero(step.kept).tolist())
        for step in network.steps_events([[24]], learn=False)
        if step.step == 0 and step.kept.any()
    ]
    # Pixel (3, 3): the upper left of the window at (3, 3), the lower right of that at (0, 0), ...
    assert kept == [
        (view, [place])
        for view, places in enumerate(config.view_indices.tolist())
        for place, index in enumerate(places)
        if index == 24
    ]
    assert {view // 4 for view, _ in kept} == {0, 1, 2}


@either
def test_steps_are_told_by_view(model: type[Network] | type[Engine]) -> None:
    config = with_looks(replace(CONFIG, stdp=StdpParams(trace_window=1)))
    network = Network(config)
    told = [(step.view, step.step) for step in network.steps(LEVELS[0], learn=False)]
    assert told == [(view, step) for view in range(12) for step in range(16)]
    network = Network(config)
    posts = [step.post for step in network.steps(LEVELS[0], learn=True)]
    assert len(posts) == 4 * 16
    for view in range(4):
        fired = {post for post in posts[16 * view : 16 * view + 16] if post >= 0}
        assert fired
        assert fired <= set(range(6 * view, 6 * view + 6))
    assert model(config).present(LEVELS[0], learn=True).spike_posts.tolist() == [
        post for post in posts if post >= 0
    ]


@either
@pytest.mark.parametrize(
    ("shape", "message"),
    [((16,), "Levels must have shape (49,), not (16,)"), ((48,), "not (48,)")],
)
def test_levels_are_those_of_the_whole_image(
    model: type[Network] | type[Engine], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError) as info:
        model(CONFIG).present(np.zeros(shape, np.uint8), learn=True)
    assert str(info.value).endswith(message)


@either
def test_votes_are_those_of_all_neurons(model: type[Network] | type[Engine]) -> None:
    with pytest.raises(ValueError, match=r"^Votes must have shape \(24, 10\), not \(6, 10\)$"):
        model(CONFIG, votes=np.zeros((6, 10), np.uint8))
