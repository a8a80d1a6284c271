"""Spike-timing dependent plasticity at output spikes (semantics, section 5)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.units import StdpParams

__all__ = ["recent", "updated"]


def recent(
    last_step: npt.NDArray[np.int64], step: int, params: StdpParams
) -> npt.NDArray[np.bool_]:
    """Tell which inputs were active recently: ``step - last_step <= trace_window``.

    Parameters
    ----------
    last_step : ndarray of int64, shape (inputs,)
        Step of the last spike in this presentation; -1 where there was none.
    step : int
        Step of the output spike.
    params : StdpParams
        Gives ``trace_window``.

    Returns
    -------
    ndarray of bool, shape (inputs,)
    """
    return (last_step >= 0) & (step - last_step <= params.trace_window)


def updated(
    w: npt.NDArray[np.int64],
    recent: npt.NDArray[np.bool_],
    random: npt.NDArray[np.int64],
    w_max: int,
    params: StdpParams,
) -> npt.NDArray[np.int64]:
    r"""Return the weights of one neuron after one of its spikes, before pruning.

    With :math:`p` and :math:`d` the shifts and :math:`r` the random byte,

    .. math::

        w' = \begin{cases}
            w + \lfloor (w_{max} - w + (r \bmod 2^p)) / 2^p \rfloor & \text{input recent} \\
            w - \lfloor (w + (r \bmod 2^d)) / 2^d \rfloor & \text{else}
        \end{cases}

    The rounding is stochastic and unbiased, so that 8-bit and even 4-bit weights learn. A weight
    is an estimate of ``w_max`` times the probability that the input was active when the neuron
    fired.

    Parameters
    ----------
    w : ndarray of int64, shape (inputs,)
        Weights of the neuron.
    recent : ndarray of bool, shape (inputs,)
        From :func:`recent`.
    random : ndarray of int64, shape (inputs,)
        One pass of the learning stream.
    w_max : int
        Largest weight.
    params : StdpParams
        Gives the two shifts.

    Returns
    -------
    ndarray of int64, shape (inputs,)
        Always in ``0..w_max``.

    Examples
    --------
    >>> p = StdpParams(potentiation_shift=2, depression_shift=2)
    >>> w, r = np.array([255, 251, 0, 9]), np.array([3, 0, 3, 3])
    >>> updated(w, np.array([True, True, False, False]), r, 255, p).tolist()
    [255, 252, 0, 6]
    """
    up, down = params.potentiation_shift, params.depression_shift
    potentiated = w + (w_max - w + random % (1 << up) >> up)
    depressed = w - (w + random % (1 << down) >> down)
    return np.where(recent, potentiated, depressed)
