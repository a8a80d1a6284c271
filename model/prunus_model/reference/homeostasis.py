"""Homeostasis: firing thresholds follow activity and connection strength (semantics, 4.1, 5)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import POST_COUNT_BITS, THETA_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.units import HomeostasisParams

__all__ = ["count_spike", "decay", "fire_threshold", "raise_theta"]


def decay(theta: npt.NDArray[np.int64], params: HomeostasisParams) -> npt.NDArray[np.int64]:
    """Let the adaptive parts decay: ``theta -= theta >> theta_decay_shift``.

    Done before each learning presentation but the very first. Because of the floor, a ``theta``
    below ``2**theta_decay_shift`` decays no further.

    Parameters
    ----------
    theta : ndarray of int64, shape (neurons,)
        Adaptive parts of the firing thresholds.
    params : HomeostasisParams
        Gives ``theta_decay_shift``.

    Returns
    -------
    ndarray of int64, shape (neurons,)
    """
    return theta - (theta >> params.theta_decay_shift)


def fire_threshold(
    theta: npt.NDArray[np.int64], strength: npt.NDArray[np.int64], params: HomeostasisParams
) -> npt.NDArray[np.int64]:
    """Return the firing thresholds in force.

    ``v_fire = min(2**23 - 1, ((v_th + theta) * strength) >> fire_shift)``, and ``2**23 - 1`` where
    the strength is 0: a neuron without weight never fires. Scaling by the neuron's own strength
    replaces the weight normalisation of Diehl & Cook (Front. Comput. Neurosci. 9:99, 2015) without
    a division, and keeps a pruned neuron able to fire.

    Parameters
    ----------
    theta, strength : ndarray of int64, shape (neurons,)
        Adaptive parts; sums of weights.
    params : HomeostasisParams
        Gives ``v_th`` and ``fire_shift``.

    Returns
    -------
    ndarray of int64, shape (neurons,)
        Thresholds of ``V_FIRE_BITS`` bits. A neuron fires at ``v >= v_fire``.
    """
    scaled = (params.v_th + theta) * strength >> params.fire_shift
    v_fire_max = max_of(V_FIRE_BITS)
    return np.where(strength == 0, v_fire_max, np.minimum(v_fire_max, scaled))


def raise_theta(theta: int, params: HomeostasisParams) -> int:
    """Return ``theta`` of a neuron after an output spike: ``theta + theta_plus``, saturating."""
    return min(max_of(THETA_BITS), theta + params.theta_plus)


def count_spike(post_count: int) -> int:
    """Return the spike count of a neuron after an output spike, saturating at 16 bits."""
    return min(max_of(POST_COUNT_BITS), post_count + 1)
