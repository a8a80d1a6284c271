"""Pruning policies (semantics, section 6).

``adaptive`` is our reconstruction of the rule of W. Guo et al. (Front. Neurosci. 14:598876, 2020)
from the statements of its abstract; its equations are not the paper's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.config import (
    AdaptivePruning,
    ConstantPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.formats import (
    ACTIVITY_BITS,
    NEURON_THRESHOLD_BITS,
    SHARE_BITS,
    STRENGTH_GAIN_SHIFT,
    max_of,
)

__all__ = [
    "frozen_by_soft",
    "kept_by_post",
    "moved_activity",
    "pruning_threshold",
    "synapse_thresholds",
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

    With ``activity_shift`` the limit is 1023 in place of ``w_max``, and
    :func:`synapse_thresholds` gives the thresholds of the synapses.

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
        Pruning threshold, 0..w_max, or 0..1023.

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
            most = max_of(NEURON_THRESHOLD_BITS) if policy.activity_shift else w_max
            return min(ramp, cap, most)
        case _:
            return 0


def synapse_thresholds(
    w_prune: int, activity: npt.NDArray[np.int64], w_max: int
) -> npt.NDArray[np.int64]:
    """Return the pruning thresholds of a neuron's synapses, scaled by the activities of inputs.

    ``min((w_prune * share) >> 8, w_max)``, with ``share`` the high byte of ``activity``; at least 1
    if ``w_prune`` is: a weight of 0 is pruned.

    Parameters
    ----------
    w_prune : int
        Of the neuron, :func:`pruning_threshold`.
    activity : ndarray of int64, shape (inputs,)
        From before this sweep, 0..65535.
    w_max : int
        Largest weight.

    Returns
    -------
    ndarray of int64, shape (inputs,)

    Examples
    --------
    Inputs that are active in all, half and none of the sweeps:

    >>> synapse_thresholds(60, np.array([65535, 32768, 0]), 255)
    array([59, 30,  1])
    """
    share = activity >> (ACTIVITY_BITS - SHARE_BITS)
    scaled = w_prune * share >> SHARE_BITS
    limited: npt.NDArray[np.int64] = np.clip(scaled, min(w_prune, 1), w_max)
    return limited


def moved_activity(
    activity: npt.NDArray[np.int64], recent: npt.NDArray[np.bool_], activity_shift: int
) -> npt.NDArray[np.int64]:
    """Return the activities after a sweep.

    Down by ``activity >> activity_shift``; up, for recent inputs, by the same of what is missing to
    65535. So an activity follows the share of the sweeps in which the input was recent, of all
    neurons together.

    Parameters
    ----------
    activity : ndarray of int64, shape (inputs,)
        Before, 0..65535.
    recent : ndarray of bool, shape (inputs,)
        Inputs that were active recently (:func:`prunus_model.stdp.recent`).
    activity_shift : int
        How slowly they follow, 1..15.

    Returns
    -------
    ndarray of int64, shape (inputs,)

    Examples
    --------
    >>> moved_activity(np.array([0, 65535, 512]), np.array([True, True, False]), 8)
    array([  255, 65535,   510])
    """
    up, down = max_of(ACTIVITY_BITS) - activity >> activity_shift, activity >> activity_shift
    moved: npt.NDArray[np.int64] = activity + np.where(recent, up, -down)
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
