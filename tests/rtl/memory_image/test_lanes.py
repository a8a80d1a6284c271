from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_model.reference.membrane import winner
from prunus_rtl.memory_image.image import by_lane
from prunus_rtl.memory_image.lanes import balance, lane_cycles, post_of_position
from prunus_synapses import cases


def lanes_of(position: npt.NDArray[np.int64], lanes: int) -> list[list[int]]:
    """Posts of each lane in the order of the slots."""
    posts = post_of_position(position).tolist()
    return [posts[lane::lanes] for lane in range(lanes)]


@settings(max_examples=60, deadline=None)
@given(case=cases(), images=st.integers(0, 4))
def test_balanced_order_is_a_permutation_whose_lanes_ascend(
    case: dict[str, Any], images: int
) -> None:
    alive, lanes = case["alive"], case["lanes"]
    levels = np.random.default_rng(images).integers(0, 256, (images, len(alive))).astype(np.uint8)
    position = balance(alive, lanes=lanes, levels=levels if images else None)
    assert position.dtype == np.int64
    assert sorted(position.tolist()) == list(range(alive.shape[1]))
    assert all(posts == sorted(posts) for posts in lanes_of(position, lanes))
    assert post_of_position(position)[position].tolist() == list(range(alive.shape[1]))


@pytest.mark.parametrize("seed", range(20))
def test_balance_minimises_the_expected_squares_of_the_cycles_of_a_step(seed: int) -> None:
    # With 4 neurons on 2 lanes every distribution is one swap away from every other.
    rng = np.random.default_rng(seed)
    alive = rng.random((5, 4)) < 0.6
    levels = rng.integers(0, 256, (1, 5)).astype(np.uint8)

    def squares(pair: tuple[int, ...]) -> Fraction:
        first = alive[:, list(pair)].sum(axis=1)
        second = alive.sum(axis=1) - first
        total = Fraction(0)
        for spikes in product([0, 1], repeat=5):
            chance = Fraction(1)
            for level, spike in zip(levels[0].tolist(), spikes, strict=True):
                chance *= Fraction(level if spike else 256 - level, 256)
            total += chance * (int(first @ spikes) ** 2 + int(second @ spikes) ** 2)
        return total

    got = tuple(lanes_of(balance(alive, lanes=2, levels=levels), 2)[0])
    assert squares(got) == min(squares(pair) for pair in combinations(range(4), 2))


def test_groups_are_balanced_each_on_its_own() -> None:
    rng = np.random.default_rng(8)
    groups, inputs, neurons = 3, 12, 13
    alive = rng.random((groups * inputs, neurons)) < 0.5
    levels = (rng.integers(0, 2, (1, groups * inputs)) * 255).astype(np.uint8)
    found = balance(alive, lanes=2, levels=levels, groups=groups)
    for k in range(groups):
        rows = slice(k * inputs, (k + 1) * inputs)
        alone = balance(alive[rows], lanes=2, levels=levels[:, rows])
        assert (found[k * neurons : (k + 1) * neurons] - k * neurons).tolist() == alone.tolist()
    assert len({tuple(part) for part in (found.reshape(groups, -1) % neurons).tolist()}) > 1


def test_no_swap_of_two_neurons_is_better() -> None:
    rng = np.random.default_rng(1)
    alive = rng.random((12, 17)) < rng.random(17)
    position = balance(alive, lanes=3)

    def squares(position: npt.NDArray[np.int64]) -> int:
        n = by_lane(alive, 3, position).sum(axis=1)
        # All inputs spike in every other step: E[s s'] is 1/4, or 1/2 for the same input.
        return int((n.sum(axis=0) ** 2).sum() + (n**2).sum())

    best = squares(position)
    assert best < squares(np.arange(17))
    for a, b in combinations(range(17), 2):
        other = position.copy()
        other[[a, b]] = position[[b, a]]
        assert squares(other) >= best


def test_neurons_that_are_busy_in_the_same_images_are_kept_apart() -> None:
    # Posts 0 and 2 listen to inputs 0..3, posts 1 and 3 to inputs 4..7: the same mean work.
    alive = np.zeros((8, 4), dtype=np.bool_)
    alive[:4, [0, 2]] = True
    alive[4:, [1, 3]] = True
    levels = np.zeros((2, 8), dtype=np.uint8)
    levels[0, :4] = levels[1, 4:] = 200
    lanes = lanes_of(balance(alive, lanes=2, levels=levels), 2)
    assert [sum(post % 2 for post in posts) for posts in lanes] == [1, 1]


def test_balance_saves_cycles() -> None:
    rng = np.random.default_rng(3)
    alive = rng.random((200, 64)) < np.linspace(0.05, 0.5, 64)[rng.permutation(64)]
    spikes = rng.random((300, 200)) < 0.2
    before = lane_cycles(spikes, alive, lanes=8)
    after = lane_cycles(spikes, alive, lanes=8, position=balance(alive, lanes=8))
    assert after.busy.sum() == before.busy.sum()
    assert before.utilisation < 0.88
    assert after.utilisation > 0.91


@pytest.mark.parametrize("seed", range(30))
def test_ties_come_out_as_documented(seed: int) -> None:
    rng = np.random.default_rng(seed)
    neurons, lanes = 13, 4
    alive = rng.random((9, neurons)) < 0.5
    posts = lanes_of(balance(alive, lanes=lanes), lanes)
    v, v_fire = rng.integers(0, 3, neurons), rng.integers(0, 2, neurons)
    candidates = []
    for lane in posts:
        best = lane[0]
        for post in lane[1:]:
            if v[post] - v_fire[post] > v[best] - v_fire[best]:
                best = post
        candidates.append((-(v[best] - v_fire[best]), best))
    margin, post = min(candidates)
    assert (post if margin <= 0 else -1) == winner(v, v_fire)


def test_lane_cycles_of_an_example() -> None:
    alive = np.array([[1, 1, 1], [1, 0, 0]], dtype=np.bool_)
    spikes = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.bool_)
    cycles = lane_cycles(spikes, alive, lanes=2)
    assert cycles.busy.tolist() == [[2, 1], [3, 1], [1, 0], [0, 0]]
    assert cycles.cycles.tolist() == [2, 3, 1, 0]
    assert cycles.barrier.tolist() == [2, 3, 1, 0]
    assert cycles.utilisation == 8 / 12
    swapped = lane_cycles(spikes, alive, lanes=2, position=np.array([1, 0, 2]))
    assert swapped.busy.tolist() == [[2, 1], [2, 2], [0, 1], [0, 0]]
    assert swapped.cycles.tolist() == [2, 2, 1, 0]
    assert swapped.barrier.tolist() == [2, 3, 1, 0]


def test_lanes_without_work_are_fully_used() -> None:
    spikes, alive = np.ones((3, 2), np.bool_), np.zeros((2, 5), np.bool_)
    assert lane_cycles(spikes, alive, lanes=2).utilisation == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: balance(np.ones((3, 4), np.bool_), lanes=-1),
            TypeError,
            "Lanes must be a positive integer, not -1",
        ),
        (
            lambda: balance(np.ones((3, 4), np.bool_), lanes=2, levels=np.zeros((2, 4), np.uint8)),
            ValueError,
            "Levels must have shape (images, 3), not (2, 4)",
        ),
        (
            lambda: balance(np.ones((3, 4), np.bool_), lanes=2, levels=np.zeros((0, 3), np.uint8)),
            ValueError,
            "Levels must have shape (images, 3), not (0, 3)",
        ),
        (
            lambda: post_of_position(np.array([1, 1])),
            ValueError,
            "Position must be a permutation of 0..1",
        ),
    ],
)
def test_bad_arguments_of_the_balancer_are_refused(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as info:
        call()
    assert str(info.value) == message
