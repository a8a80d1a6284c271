"""Pruning policies (semantics, section 6).

``adaptive`` is our reconstruction of the rule of W. Guo et al. (Front. Neurosci. 14:598876, 2020)
from the statements of its abstract; its equations are not the paper's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import STRENGTH_GAIN_SHIFT
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)

__all__ = [
    "frozen_by_soft",
    "kept_by_post",
    "prune",
    "pruning_threshold",
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


def prune(
    new: npt.NDArray[np.int64],
    w_prune: npt.NDArray[np.int64],
    *,
    alive: npt.NDArray[np.bool_],
    plastic: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Decide about each synapse of the neuron that fired, in its sweep.

    A plastic synapse is pruned if its new weight is ``< w_prune``. It is dead from then on: its
    weight is 0, and it never comes back.

    Parameters
    ----------
    new : ndarray of int64, shape (inputs,)
        Weights as learning leaves them (:func:`prunus_model.reference.stdp.updated`).
    w_prune : ndarray of int64, shape (inputs,)
        Pruning threshold of each synapse: that of the neuron (:func:`pruning_threshold`), or those
        of :func:`prunus_model.reference.lift.lift_thresholds`.
    alive, plastic : ndarray of bool, shape (inputs,)
        Synapses that are not pruned; that are neither pruned nor frozen. From before the sweep.

    Returns
    -------
    weights : ndarray of int64, shape (inputs,)
        0 where a synapse is pruned or frozen.
    alive : ndarray of bool, shape (inputs,)
        Synapses that are still not pruned.

    Examples
    --------
    >>> yes = np.ones(3, dtype=np.bool_)
    >>> weights, alive = prune(np.array([9, 10, 11]), np.full(3, 10), alive=yes, plastic=yes)
    >>> weights.tolist(), alive.tolist()
    ([0, 10, 11], [False, True, True])
    """
    pruned = plastic & (new < w_prune)
    return np.where(plastic & ~pruned, new, 0), alive & ~pruned


def frozen_by_soft(
    w: npt.NDArray[np.int64], plastic: npt.NDArray[np.bool_], policy: SoftPruning
) -> npt.NDArray[np.bool_]:
    """Choose the synapses of one neuron that online soft pruning freezes at 0.

    The ``percent`` lowest plastic weights, rounded down; ties go to the lowest input.

    Parameters
    ----------
    w : ndarray of int64, shape (inputs,)
        Weights of the neuron.
    plastic : ndarray of bool, shape (inputs,)
        Its synapses that are neither pruned nor frozen.
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
    candidates = np.flatnonzero(plastic)
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
