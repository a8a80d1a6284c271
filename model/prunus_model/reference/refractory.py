"""Refractory inputs: spikes that follow another too closely are dropped (semantics, 4.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.encoder import EncoderParams

__all__ = ["kept"]


def kept(
    spikes: npt.NDArray[np.bool_],
    last_step: npt.NDArray[np.int16],
    step: int,
    params: EncoderParams,
) -> npt.NDArray[np.bool_]:
    """Return the spikes of one step without those that are dropped.

    An input is refractory if it spiked ``refractory_steps`` steps ago or less. A dropped spike
    leaves ``last_step`` as it is, so that an input that spikes in every step is heard in every
    ``refractory_steps + 1``-th.

    Parameters
    ----------
    spikes : ndarray of bool, shape (inputs,)
        Inputs that spike.
    last_step : ndarray of int16, shape (inputs,)
        Step of the last spike of each input in this presentation; -1 where there was none.
    step : int
        The step.
    params : EncoderParams
        Gives ``refractory_steps``; 0 drops nothing.

    Returns
    -------
    ndarray of bool, shape (inputs,)

    Examples
    --------
    >>> params = EncoderParams(refractory_steps=2)
    >>> kept(np.array([True, True, True, False]), np.array([-1, 3, 2, -1]), 5, params).tolist()
    [True, False, True, False]
    """
    return spikes & ((last_step < 0) | (step - last_step > params.refractory_steps))
