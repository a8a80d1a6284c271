"""Readout: exact, against rational numbers; ties, halves and what never spiked."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prunus_model.reference.readout import (
    Readout,
    add_votes,
    elect,
    lead,
    predict_hard,
    predict_vote,
    response,
    scores_of,
)
from prunus_model.spec.readout import UNDECIDED, ReadoutParams

either = pytest.mark.parametrize("predict", [predict_vote, predict_hard], ids=["vote", "hard"])


def learned(
    sums: list[list[int]],
    images: list[int],
    vote_bits: int = 4,
    votes: Literal["shares", "logarithms"] = "shares",
) -> Readout:
    params = ReadoutParams(classes=len(images), vote_bits=vote_bits, votes=votes)
    return Readout.learn(np.array(sums), np.array(images), params)


def readout(votes: list[list[int]], assignment: list[int]) -> Readout:
    return Readout(votes=np.array(votes, np.uint8), assignment=np.array(assignment, np.int16))


def rational(
    sums: list[list[int]], images: list[int], vote_bits: int
) -> tuple[list[list[int]], list[int]]:
    """Votes and classes as the semantics, section 7, have them, in rational numbers."""
    votes, assignment = [], []
    for row in sums:
        means = [Fraction(s, n) if n else Fraction(0) for s, n in zip(row, images, strict=True)]
        total = sum(means)
        top = 2**vote_bits - 1
        votes.append([floor(top * m / total + Fraction(1, 2)) if total else 0 for m in means])
        assignment.append(means.index(max(means)) if total else -1)
    return votes, assignment


def test_undecided_is_no_class() -> None:
    assert UNDECIDED == -1


def test_response_adds_up_spikes_by_class() -> None:
    spikes = np.array([[1, 0], [2, 5], [255, 0], [255, 1]], np.uint8)
    labels = np.array([2, 0, 2, 2], np.uint8)
    sums = response(spikes, labels, 4)
    assert sums.tolist() == [[2, 0, 511, 0], [5, 0, 1, 0]]
    assert sums.dtype == np.int64


def test_response_to_no_images_is_0() -> None:
    sums = response(np.zeros((0, 3), np.uint8), np.zeros(0, np.uint8), 2)
    assert sums.tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("sums", "images", "vote_bits", "votes", "assignment"),
    [
        pytest.param([30, 10, 0], [10, 10, 10], 4, [11, 4, 0], 0, id="11.25 and 3.75"),
        pytest.param([1, 1], [1, 1], 1, [1, 1], 0, id="halves go up, ties to the lowest"),
        pytest.param([1, 1], [1, 1], 4, [8, 8], 0, id="7.5 goes up to 8"),
        pytest.param([1, 29], [1, 1], 4, [1, 15], 1, id="0.5 goes up to 1, 14.5 to 15"),
        pytest.param([1, 30], [1, 1], 4, [0, 15], 1, id="just below 0.5 goes down"),
        pytest.param([2, 57], [1, 1], 4, [1, 14], 1, id="just above 0.5 goes up"),
        pytest.param(
            [10**17 - 1, 29 * 10**17], [1, 1], 4, [0, 15], 1, id="below 0.5, but not for a float"
        ),
        pytest.param([0, 7, 7], [3, 3, 3], 4, [0, 8, 8], 1, id="tie of later classes"),
        pytest.param([100, 2], [100, 1], 4, [5, 10], 1, id="means count, not sums"),
        pytest.param([9, 0, 1], [3, 0, 1], 4, [11, 0, 4], 0, id="class without images"),
        pytest.param([0, 0], [5, 5], 4, [0, 0], -1, id="never spiked"),
        pytest.param([0, 0], [0, 0], 4, [0, 0], -1, id="no images at all"),
        pytest.param([7], [3], 4, [15], 0, id="one class"),
        pytest.param([0], [3], 4, [0], -1, id="one class, never spiked"),
        pytest.param([7, 0], [3, 2], 8, [255, 0], 0, id="all votes, 8 bits"),
        pytest.param([1, 1, 1], [1, 1, 1], 8, [85, 85, 85], 0, id="thirds"),
    ],
)
def test_votes_and_class_of_one_neuron(
    sums: list[int], images: list[int], vote_bits: int, votes: list[int], assignment: int
) -> None:
    got = learned([sums], images, vote_bits)
    assert got.votes.tolist() == [votes]
    assert got.assignment.tolist() == [assignment]
    assert got.votes.dtype == np.uint8
    assert got.assignment.dtype == np.int16


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[list[int]], list[int], int]:
    classes = draw(st.one_of(st.just(1), st.integers(2, 12), st.just(256)))
    size = st.one_of(st.integers(0, 5), st.integers(4999, 7000), st.integers(2**31, 2**32))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    some = [draw(size) for _ in range(min(classes, 12))]
    images = (some * classes)[:classes]
    if draw(st.booleans()):
        # All sizes differ: the common denominator is huge.
        images = [n + i if n else 0 for i, n in enumerate(images)]
    high = draw(st.sampled_from([2, 5, 1000, 2**40]))
    sums = rng.integers(0, high, (3, classes)) * (rng.random((3, classes)) < 0.7)
    sums *= np.array(images) > 0
    return sums.tolist(), images, draw(st.integers(1, 8))


@given(case=labelled())
def test_votes_and_classes_are_exact(case: tuple[list[list[int]], list[int], int]) -> None:
    sums, images, vote_bits = case
    got = learned(sums, images, vote_bits)
    votes, assignment = rational(sums, images, vote_bits)
    assert got.votes.tolist() == votes
    assert got.assignment.tolist() == assignment


@pytest.mark.parametrize(
    ("sums", "vote_bits", "votes"),
    [
        pytest.param([1, 0], 6, [63, 0], id="all of it: the most"),
        pytest.param([1, 63], 6, [0, 63], id="1/64 is 0, 63/64 rounds up"),
        pytest.param([1, 1], 6, [53, 53], id="a half: 5/6 of 63 is 52.5, halves go up"),
        pytest.param([1, 3], 6, [42, 59], id="a quarter: 4/6 of 63"),
        pytest.param([1, 99], 6, [0, 63], id="less than 1/64"),
        pytest.param([1, 7, 8], 6, [21, 50, 53], id="1/16 is a third"),
        pytest.param([1, 1], 1, [1, 1], id="one bit"),
        pytest.param([1, 7], 1, [1, 1], id="one bit, an eighth: 0.5 goes up"),
        pytest.param([1000, 7001], 1, [0, 1], id="one bit, just below an eighth"),
        pytest.param([0, 0], 8, [0, 0], id="never spiked"),
    ],
)
def test_logarithmic_votes(sums: list[int], vote_bits: int, votes: list[int]) -> None:
    got = learned([sums], [1] * len(sums), vote_bits, "logarithms")
    assert got.votes.tolist() == [votes]
    assert got.votes.dtype == np.uint8


@given(case=labelled())
def test_logarithmic_votes_are_exact(case: tuple[list[list[int]], list[int], int]) -> None:
    sums, images, vote_bits = case
    got = learned(sums, images, vote_bits, "logarithms")
    top = 2**vote_bits - 1
    with localcontext() as context:
        # So many digits that no share of such integers is as near to a border as their last one.
        context.prec = 60
        for row, votes in zip(sums, got.votes.tolist(), strict=True):
            means = [Fraction(s, n) if n else Fraction(0) for s, n in zip(row, images, strict=True)]
            total = sum(means)
            shares = [m / total if total else Fraction(0) for m in means]
            for share, vote in zip(shares, votes, strict=True):
                if 64 * share <= 1:
                    assert vote == 0
                    continue
                octaves = (Decimal(64 * share.numerator) / share.denominator).ln() / Decimal(2).ln()
                exact = octaves * top / 6
                assert abs(exact - vote) <= Decimal("0.5") + Decimal(10) ** -50


def test_votes_add_up_and_saturate() -> None:
    scores = add_votes(np.array([0, 4080, 4090]), np.array([1, 15, 15], np.uint8), 4095)
    assert scores.tolist() == [1, 4095, 4095]


@pytest.mark.parametrize(
    ("scores", "winner", "ahead"),
    [
        ([0, 0, 0], UNDECIDED, 0),
        ([0, 7, 3], 1, 4),
        ([7, 3, 7], 0, 0),
        ([1, 9, 8, 9], 1, 0),
        ([5], 0, 5),
        ([0], UNDECIDED, 0),
        ([0, 3], 1, 3),
    ],
)
def test_winner_and_lead(scores: list[int], winner: int, ahead: int) -> None:
    assert (elect(np.array(scores)), lead(np.array(scores))) == (winner, ahead)


def test_votes_of_huge_prime_class_sizes_are_exact() -> None:
    images = [999999000001, 67280421310721, 2147483647, 999999999989]
    sums = [[100000 * n for n in images], [1, 1, 1, 1]]
    sums[0][3] += 1
    got = learned(sums, images, 8)
    votes, assignment = rational(sums, images, 8)
    # 63.75 each: the last is larger by less than a float can tell.
    assert got.votes.tolist() == votes == [[64, 64, 64, 64], [1, 0, 254, 1]]
    assert got.assignment.tolist() == assignment == [3, 2]


@pytest.mark.parametrize(
    ("spikes", "prediction"),
    [
        pytest.param([1, 0, 0], 0, id="one spike"),
        pytest.param([0, 1, 0], 2, id="another spike"),
        pytest.param([1, 1, 0], 2, id="largest sum"),
        pytest.param([2, 1, 0], 0, id="tie goes to the lowest class"),
        pytest.param([0, 0, 0], -1, id="no spike is undecided"),
        pytest.param([0, 0, 1], -1, id="spikes without votes are undecided"),
        pytest.param([0, 1, 9], 2, id="spikes without votes change nothing"),
        pytest.param([255, 0, 0], 0, id="most spikes"),
    ],
)
def test_vote(spikes: list[int], prediction: int) -> None:
    r = readout([[5, 4, 3], [2, 0, 6], [0, 0, 0]], [0, 2, -1])
    got = predict_vote(np.array([spikes], np.uint8), r)
    assert got.tolist() == [prediction]
    assert got.dtype == np.int16


@pytest.mark.parametrize(
    ("spikes", "prediction"),
    [
        pytest.param([2, 1, 2, 0], 1, id="mean of 2 beats mean of 1.5"),
        pytest.param([2, 1, 1, 0], 0, id="mean of 1.5 beats mean of 1"),
        pytest.param([1, 1, 1, 0], 0, id="tie goes to the lowest class"),
        pytest.param([0, 0, 0, 0], -1, id="no spike is undecided"),
        pytest.param([0, 0, 0, 9], -1, id="spikes of a neuron without class are undecided"),
        pytest.param([0, 0, 1, 255], 1, id="spikes of a neuron without class do not count"),
        pytest.param([255, 255, 254, 0], 0, id="most spikes"),
    ],
)
def test_hard(spikes: list[int], prediction: int) -> None:
    # Class 2 has no neurons.
    r = readout([[0, 0, 0]] * 4, [0, 0, 1, -1])
    got = predict_hard(np.array([spikes], np.uint8), r)
    assert got.tolist() == [prediction]
    assert got.dtype == np.int16


@pytest.mark.parametrize("predict", [predict_vote, predict_hard], ids=["vote", "hard"])
def test_one_class_is_predicted_or_undecided(predict: object) -> None:
    assert callable(predict)
    r = learned([[3], [0]], [2])
    assert predict(np.array([[1, 0], [0, 0], [3, 2]], np.uint8), r).tolist() == [0, -1, 0]


@pytest.mark.parametrize("predict", [predict_vote, predict_hard], ids=["vote", "hard"])
def test_no_images_have_no_predictions(predict: object) -> None:
    assert callable(predict)
    got = predict(np.zeros((0, 2), np.uint8), learned([[3, 1], [0, 1]], [2, 2]))
    assert got.tolist() == []
    assert got.dtype == np.int16


@pytest.mark.parametrize("predict", [predict_vote, predict_hard], ids=["vote", "hard"])
def test_network_that_never_spiked_while_labelled_decides_nothing(predict: object) -> None:
    assert callable(predict)
    r = learned([[0, 0], [0, 0]], [2, 2])
    assert predict(np.zeros((1, 2), np.uint8), r).tolist() == [-1]


@given(seed=st.integers(0, 2**32 - 1), classes=st.sampled_from([1, 2, 10, 256]))
def test_predictions_are_exact(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    neurons = int(rng.integers(1, 30))
    r = Readout(
        votes=rng.integers(0, 4, (neurons, classes)).astype(np.uint8),
        assignment=rng.integers(-1, classes, neurons).astype(np.int16),
    )
    spikes = rng.integers(0, 4, (6, neurons)) * (rng.random((6, neurons)) < 0.4)
    vote, hard = [], []
    for row in spikes.tolist():
        sums = [
            sum(s * v for s, v in zip(row, r.votes[:, c].tolist(), strict=True))
            for c in range(classes)
        ]
        vote.append(sums.index(max(sums)) if any(sums) else -1)
        means = []
        for c in range(classes):
            of_class = [s for s, a in zip(row, r.assignment.tolist(), strict=True) if a == c]
            means.append(Fraction(sum(of_class), len(of_class)) if of_class else Fraction(0))
        hard.append(means.index(max(means)) if max(means) else -1)
    assert predict_vote(spikes.astype(np.uint8), r).tolist() == vote
    assert predict_hard(spikes.astype(np.uint8), r).tolist() == hard


def test_hard_compares_means_over_many_class_sizes_exactly() -> None:
    # Class c has as many neurons as the c-th number here: the common denominator needs 80 bits.
    sizes = [61, 59, 53, 47, 43, 41, 37, 31, 29, 23, 19, 17, 13, 11]
    assignment = [c for c, size in enumerate(sizes) for _ in range(size)]
    r = readout([[0] * len(sizes)] * len(assignment), assignment)
    spikes = np.ones((1, len(assignment)), np.uint8)
    assert predict_hard(spikes, r).tolist() == [0]
    for c in range(1, len(sizes)):
        more = spikes.copy()
        more[0, assignment.index(c)] = 2
        assert predict_hard(more, r).tolist() == [c]


def test_scores_saturate_as_those_of_a_presentation_do() -> None:
    """In many views of an image there can be more votes than 16 bits hold."""
    r = readout([[255, 255, 0], [255, 255, 0], [0, 255, 0]], [0] * 3)
    # 65,535 is the largest score: of the first image both classes have it.
    spikes = np.array([[255, 2, 1], [255, 1, 1]], np.uint8)
    assert scores_of(spikes, r.votes).tolist() == [[65535, 65535, 0], [65280, 65535, 0]]
    assert predict_vote(spikes, r).tolist() == [0, 1]


@pytest.mark.parametrize("count", [511, 512, 513, 1030], ids="{} images".format)
def test_images_are_predicted_in_blocks_as_at_once(count: int) -> None:
    rng = np.random.default_rng(count)
    spikes = rng.integers(0, 256, (count, 40)).astype(np.uint8)
    r = Readout(
        votes=rng.integers(0, 256, (40, 10)).astype(np.uint8),
        assignment=rng.integers(-1, 10, 40).astype(np.int16),
    )
    totals = spikes.astype(np.int64) @ r.votes.astype(np.int64)
    expected = np.minimum(totals, 65535).argmax(axis=1)
    assert (totals > 65535).any()
    assert predict_vote(spikes, r).tolist() == expected.tolist()
    one_by_one = [int(predict_hard(row[np.newaxis], r)[0]) for row in spikes]
    assert predict_hard(spikes, r).tolist() == one_by_one
