"""From output spikes to classes (semantics, section 7), in exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, gcd, lcm, log2

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import SCORE_BITS_MAX, max_of
from prunus_model.spec.readout import UNDECIDED, ReadoutParams

__all__ = [
    "Readout",
    "add_votes",
    "elect",
    "lead",
    "predict_hard",
    "predict_vote",
    "response",
    "scores_of",
]

#: Logarithmic votes tell shares apart down to 2**-6 = 1/64.
_OCTAVES = 6
#: Images whose spikes are taken at a time as floating-point numbers.
_BLOCK = 512
#: Where rounding in floating point is trusted: far above its error, of which 2**-25 is a bound.
_UNSURE = 2**-20


def response(
    spikes: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], classes: int
) -> npt.NDArray[np.int64]:
    """Add up the output spikes of each neuron by class of the image.

    Parameters
    ----------
    spikes : ndarray of uint8, shape (n, neurons)
        Output spikes in each presentation.
    labels : ndarray of uint8, shape (n,)
        Classes of the images.
    classes : int
        Number of classes.

    Returns
    -------
    ndarray of int64, shape (neurons, classes)
        Sums, not means: divide by the images of each class.
    """
    sums = [spikes[labels == c].sum(axis=0, dtype=np.int64) for c in range(classes)]
    return np.stack(sums, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What the labels of a network are made of.

    Attributes
    ----------
    votes : ndarray of uint8, shape (neurons, classes)
        Votes of one output spike.
    assignment : ndarray of int16, shape (neurons,)
        Class of each neuron; :data:`prunus_model.spec.readout.UNDECIDED` if it never spiked.
    """

    votes: npt.NDArray[np.uint8]
    assignment: npt.NDArray[np.int16]

    @classmethod
    def learn(
        cls,
        sums: npt.NDArray[np.int64],
        images: npt.NDArray[np.int64],
        params: ReadoutParams,
    ) -> Readout:
        """Make votes and classes from what each neuron answers to labelled images.

        With ``mean = sums / images``, the class of a neuron is the one of its highest mean, the
        lowest such; votes follow from ``share = mean / sum of the means``, as ``params.votes``
        says. Computed with one common denominator, hence exactly.

        Parameters
        ----------
        sums : ndarray of int64, shape (neurons, classes)
            From :func:`response`.
        images : ndarray of int64, shape (classes,)
            Images of each class. A class without images gets no vote.
        params : ReadoutParams
            Gives ``votes`` and ``vote_bits``.

        Returns
        -------
        Readout

        Examples
        --------
        >>> sums, images = np.array([[30, 10, 0], [0, 0, 0]]), np.array([10, 10, 10])
        >>> readout = Readout.learn(sums, images, ReadoutParams(classes=3, vote_bits=4))
        >>> readout.votes.tolist(), readout.assignment.tolist()
        ([[11, 4, 0], [0, 0, 0]], [0, -1])
        """
        common = lcm(*(n for n in images.tolist() if n))
        factors = [common // n if n else 0 for n in images.tolist()]
        top = max_of(params.vote_bits)
        rule = _logarithm if params.votes == "logarithms" else _share
        votes = np.zeros(sums.shape, dtype=np.uint8)
        assignment = np.full(len(sums), UNDECIDED, dtype=np.int16)
        for post, row in enumerate(sums.tolist()):
            # Python integers: the common denominator of ten class sizes has far more than 64 bits.
            means = [s * f for s, f in zip(row, factors, strict=True)]
            total = sum(means)
            if total:
                votes[post] = [rule(top, mean, total) for mean in means]
                assignment[post] = means.index(max(means))
        return cls(votes=votes, assignment=assignment)


def _share(top: int, mean: int, total: int) -> int:
    """Return ``round(top * mean / total)``, halves up."""
    return (2 * top * mean + total) // (2 * total)


def _logarithm(top: int, mean: int, total: int) -> int:
    """Return ``round(top * (log2(max(mean / total, 1/64)) + 6) / 6)``, halves up.

    Floating point finds it, but where it is so near to a half that it cannot tell; then integers
    decide: ``k`` is reached if ``2 * top * log2(64 * mean / total) >= 6 * (2 * k - 1)``.
    """
    if mean << _OCTAVES <= total:
        return 0
    # The error is a unit in the last place of each logarithm, and these are below 2**20.
    exact = top * (log2(mean) - log2(total) + _OCTAVES) / _OCTAVES
    k = floor(exact + 0.5)
    if abs(exact + 0.5 - round(exact + 0.5)) > _UNSURE:
        return k
    k = round(exact + 0.5)
    divisor = gcd(mean, total)
    left, right = (mean // divisor << _OCTAVES) ** (2 * top), (total // divisor) ** (2 * top)
    return k if left >= right << _OCTAVES * (2 * k - 1) else k - 1


def add_votes(
    scores: npt.NDArray[np.int64], votes: npt.NDArray[np.uint8], score_max: int
) -> npt.NDArray[np.int64]:
    """Return the scores after an output spike of a neuron, saturated.

    Parameters
    ----------
    scores : ndarray of int64, shape (classes,)
        Before the spike.
    votes : ndarray of uint8, shape (classes,)
        Votes of the neuron.
    score_max : int
        Largest score.

    Returns
    -------
    ndarray of int64, shape (classes,)
    """
    total: npt.NDArray[np.int64] = np.minimum(scores + votes, score_max)
    return total


def elect(scores: npt.NDArray[np.int64]) -> int:
    """Return the class with the largest score.

    Parameters
    ----------
    scores : ndarray of int64, shape (classes,)
        Sums of votes.

    Returns
    -------
    int
        Ties go to the lowest class; :data:`prunus_model.spec.readout.UNDECIDED` if all are 0.
    """
    return int(scores.argmax()) if scores.any() else UNDECIDED


def lead(scores: npt.NDArray[np.int64]) -> int:
    """Return by how much the largest score, shape (classes,), is ahead of the second, or of 0."""
    second, first = np.sort([0, *scores.tolist()])[-2:].tolist()
    return int(first - second)


def predict_vote(spikes: npt.NDArray[np.uint8], readout: Readout) -> npt.NDArray[np.int16]:
    """Predict the class with the largest score after all output spikes.

    Parameters
    ----------
    spikes : ndarray of uint8, shape (n, neurons)
        Output spikes.
    readout : Readout
        Gives the votes.

    Returns
    -------
    ndarray of int16, shape (n,)
        Ties go to the lowest class; :data:`prunus_model.spec.readout.UNDECIDED` where no neuron
        with a vote spiked.
    """
    totals = scores_of(spikes, readout.votes)
    predictions: npt.NDArray[np.int16] = totals.argmax(axis=1).astype(np.int16)
    predictions[~totals.any(axis=1)] = UNDECIDED
    return predictions


def scores_of(spikes: npt.NDArray[np.uint8], votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the scores that output spikes add up to: int64, shape (n, classes).

    Parameters
    ----------
    spikes : ndarray of uint8, shape (n, neurons)
        Output spikes.
    votes : ndarray of uint8, shape (neurons, classes)
        Votes of one output spike of each neuron.
    """
    scores: npt.NDArray[np.int64] = np.minimum(_sums(spikes, votes), max_of(SCORE_BITS_MAX))
    return scores


def predict_hard(spikes: npt.NDArray[np.uint8], readout: Readout) -> npt.NDArray[np.int16]:
    """Predict the class whose neurons spiked most on average (Diehl & Cook, 2015).

    Parameters
    ----------
    spikes : ndarray of uint8, shape (n, neurons)
        Output spikes.
    readout : Readout
        Gives the class of each neuron.

    Returns
    -------
    ndarray of int16, shape (n,)
        Ties go to the lowest class; a class without neurons is never predicted;
        :data:`prunus_model.spec.readout.UNDECIDED` where no neuron with a class spiked.
    """
    classes = readout.votes.shape[1]
    members = np.stack([readout.assignment == c for c in range(classes)], axis=1)
    counts = members.sum(axis=0)
    totals = _sums(spikes, members)
    # Means are compared over a common denominator; with many class sizes it exceeds 64 bits.
    common = lcm(*(n for n in counts.tolist() if n))
    factors = np.array([common // n if n else 0 for n in counts.tolist()], dtype=object)
    scores = totals.astype(object) * factors
    predictions = np.array([row.index(max(row)) for row in scores.tolist()], dtype=np.int16)
    predictions[totals.sum(axis=1) == 0] = UNDECIDED
    return predictions


def _sums(
    spikes: npt.NDArray[np.uint8], factors: npt.NDArray[np.uint8 | np.bool_]
) -> npt.NDArray[np.int64]:
    """Return ``spikes @ factors``: int64, shape (n, classes).

    NumPy has a fast product only of floating-point numbers. It is exact: sums are below
    65,536 neurons * 255 spikes * 255 votes < 2**32, and those below 2**53 are exact in any order.
    """
    of_neurons, sums = factors.astype(np.float64), np.empty((len(spikes), factors.shape[1]))
    for first in range(0, len(spikes), _BLOCK):
        part = slice(first, first + _BLOCK)
        np.matmul(spikes[part].astype(np.float64), of_neurons, out=sums[part])
    return sums.astype(np.int64)
