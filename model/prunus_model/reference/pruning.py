"""Pruning policies (semantics, section 6).

``adaptive`` is our reconstruction of the rule of W. Guo et al. (Front. Neurosci. 14:598876, 2020)
from the statements of its abstract; its equations are not the paper's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import (
    AdaptivePruning,
    ConstantPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.formats import ECHO_BITS, STRENGTH_GAIN_SHIFT, max_of

__all__ = [
    "frozen_by_soft",
    "kept_by_post",
    "moved_echo",
    "pruning_threshold",
    "redundant",
]


def pruning_threshold(
    post_count: int, strength: int, presentation: int, w_max: int, policy: PruningParams
) -> int:
    """Return ``w_prune`` of a neuron: in this sweep it prunes new weights that are ``< w_prune``.

    ``constant``: ``w_prune`` as given. ``adaptive``: ``min((post_count * ramp_gain) >> ramp_shift,
    (strength * strength_gain) >> 16, w_max)``. Over time, the ramp follows the neuron's own firing,
    so that a neuron that has learned little prunes little; over neurons, the cap follows its own
    connection strength, so that a weak neuron keeps its synapses. Both are 0 before presentation
    ``start``; all other policies prune nothing in a sweep.

    With ``echo_shift``, the synapses of inputs that are :func:`redundant` are pruned, too, whatever
    the threshold.

    Parameters
    ----------
    post_count : int
        Output spikes of the neuron, this one included.
    strength : int
        Sum of its weights, before this spike.
    presentation : int
        Number of the presentation.
    w_max : int
        Largest weight.
    policy : PruningParams
        The policy.

    Returns
    -------
    int
        Pruning threshold, 0..w_max.

    Examples
    --------
    A neuron that has fired 80 times; then one that is held back by its strength:

    >>> policy = AdaptivePruning(ramp_gain=1, ramp_shift=3, strength_gain=330)
    >>> pruning_threshold(80, 20000, 0, 255, policy), pruning_threshold(80, 1500, 0, 255, policy)
    (10, 7)
    """
    match policy:
        case ConstantPruning() if presentation >= policy.start:
            return policy.w_prune
        case AdaptivePruning() if presentation >= policy.start:
            ramp = post_count * policy.ramp_gain >> policy.ramp_shift
            cap = strength * policy.strength_gain >> STRENGTH_GAIN_SHIFT
            return min(ramp, cap, w_max)
        case _:
            return 0


def redundant(
    echo: npt.NDArray[np.int64], presentation: int, policy: PruningParams
) -> npt.NDArray[np.bool_]:
    """Choose the inputs that say what their neighbours say: all their synapses are pruned.

    From presentation ``echo_start`` on, an input is redundant if its echo is at least one half and
    it is on a black square, when an image of rows of ``row_length`` inputs is laid out like a
    chessboard with a white square first. So of two neighbours, one at least stays.

    Parameters
    ----------
    echo : ndarray of int64, shape (inputs,)
        From before this sweep, 0..65535.
    presentation : int
        Number of the presentation.
    policy : PruningParams
        The policy; none but ``adaptive`` with ``echo_shift`` has redundant inputs.

    Returns
    -------
    ndarray of bool, shape (inputs,)

    Examples
    --------
    Two rows of three inputs:

    >>> policy = AdaptivePruning(echo_shift=12, row_length=3)
    >>> redundant(np.array([65535, 65535, 32768, 32768, 0, 32767]), 0, policy).tolist()
    [False, True, False, True, False, False]
    """
    if not isinstance(policy, AdaptivePruning) or not policy.echo_shift:
        return np.zeros(echo.shape, dtype=np.bool_)
    row, column = np.divmod(np.arange(len(echo)), policy.row_length)
    black = (row + column) % 2 == 1
    chosen: npt.NDArray[np.bool_] = black & (echo >> (ECHO_BITS - 1) == 1)
    return chosen & (presentation >= policy.echo_start)


def moved_echo(
    echo: npt.NDArray[np.int64], recent: npt.NDArray[np.bool_], echo_shift: int
) -> npt.NDArray[np.int64]:
    """Return the echoes after a sweep.

    Those of inputs before which a recent one stands move: down by ``echo >> echo_shift``, or, if
    the input was recent too, up by the same of what is missing to 65535. So an echo follows the
    share of the sweeps in which the input was recent, of those of all neurons together in which
    the one before it was.

    Parameters
    ----------
    echo : ndarray of int64, shape (inputs,)
        Before, 0..65535.
    recent : ndarray of bool, shape (inputs,)
        Inputs that were active recently (:func:`prunus_model.reference.stdp.recent`).
    echo_shift : int
        How slowly they follow, 1..15.

    Returns
    -------
    ndarray of int64, shape (inputs,)

    Examples
    --------
    >>> moved_echo(np.array([9, 0, 512, 512]), np.array([True, True, False, True]), 8)
    array([  9, 255, 510, 512])
    """
    up, down = max_of(ECHO_BITS) - echo >> echo_shift, echo >> echo_shift
    before = np.concatenate(([False], recent[:-1]))
    moved: npt.NDArray[np.int64] = echo + before * np.where(recent, up, -down)
    return moved


def frozen_by_soft(
    w: npt.NDArray[np.int64], live: npt.NDArray[np.bool_], policy: SoftPruning
) -> npt.NDArray[np.bool_]:
    """Choose the synapses of one neuron that online soft pruning freezes at 0.

    The ``percent`` lowest live weights, rounded down; ties go to the lowest input.

    Parameters
    ----------
    w : ndarray of int64, shape (inputs,)
        Weights of the neuron.
    live : ndarray of bool, shape (inputs,)
        Its synapses that are not frozen yet.
    policy : SoftPruning
        Gives ``percent``.

    Returns
    -------
    ndarray of bool, shape (inputs,)

    References
    ----------
    Y. Shi, L. Nguyen, S. Oh, X. Liu, D. Kuzum, "A soft-pruning method applied during training of
    spiking neural networks for in-memory computing applications", Front. Neurosci. 13:405, 2019.
    """
    candidates = np.flatnonzero(live)
    count = len(candidates) * policy.percent // 100
    lowest = candidates[np.argsort(w[candidates], kind="stable")[:count]]
    chosen = np.zeros(w.shape, dtype=np.bool_)
    chosen[lowest] = True
    return chosen


def kept_by_post(weights: npt.NDArray[np.uint8], policy: PostPruning) -> npt.NDArray[np.bool_]:
    """Choose the synapses that pruning after training keeps: ``weight >= w_prune``.

    Parameters
    ----------
    weights : ndarray of uint8, shape (inputs, neurons)
        Weights after training.
    policy : PostPruning
        Gives ``w_prune``.

    Returns
    -------
    ndarray of bool, shape (inputs, neurons)
    """
    return weights >= policy.w_prune
