"""Membrane potentials and winner-take-all (semantics, 4.3 to 4.6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["integrate", "leak", "winner"]


def integrate(
    v: npt.NDArray[np.int64],
    weights: npt.NDArray[Any],
    spikes: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Add the weights of all spiking inputs: ``v[post] += weights[pre, post]``.

    Sums are exact, so their order does not matter. A pruned synapse has weight 0.

    Parameters
    ----------
    v : ndarray of int64, shape (neurons,)
        Membrane potentials.
    weights : ndarray of uint8, or int8 if signed, shape (inputs, neurons)
        Weights.
    spikes : ndarray of bool, shape (inputs,)
        Which inputs spike in this step.

    Returns
    -------
    ndarray of int64, shape (neurons,)
        Membrane potentials after integration.
    """
    added: npt.NDArray[np.int64] = weights[spikes].sum(axis=0, dtype=np.int64)
    return v + added


def winner(v: npt.NDArray[np.int64], v_fire: npt.NDArray[np.int64]) -> int:
    """Return the one neuron that fires: the largest ``v - v_fire >= 0``; ties to the lowest index.

    Parameters
    ----------
    v : ndarray of int64, shape (neurons,)
        Membrane potentials after integration, before the leak.
    v_fire : ndarray of int64, shape (neurons,)
        Firing thresholds in force.

    Returns
    -------
    int
        Index of the neuron, or -1 if all margins are negative.

    Examples
    --------
    >>> winner(np.array([4, 9, 9]), np.array([5, 8, 8]))
    1
    """
    margin = v - v_fire
    post = int(np.argmax(margin))
    return post if margin[post] >= 0 else -1


def leak(v: npt.NDArray[np.int64], leak_shift: int) -> npt.NDArray[np.int64]:
    """Let the potentials leak: ``v -= v >> leak_shift``; nothing if the shift is 0.

    Parameters
    ----------
    v : ndarray of int64, shape (neurons,)
        Membrane potentials.
    leak_shift : int
        Leak, as a power of 2.

    Returns
    -------
    ndarray of int64, shape (neurons,)
    """
    return v - (v >> leak_shift) if leak_shift else v
