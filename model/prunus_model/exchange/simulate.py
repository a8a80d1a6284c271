"""A layer of NIR neurons in plain floating point: forward Euler, a step at a time.

NIR's own equations and nothing of ours, so that a graph can be judged before it leaves: LIF is
`tau dv/dt = v_leak - v + r I`, IF is `dv/dt = r I`, and a neuron spikes if `v > v_threshold`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FloatLayer", "simulate"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatLayer:
    """One layer of LIF or IF neurons, with connections among them if there are any.

    Attributes
    ----------
    weight : ndarray of float64, shape (neurons, inputs)
        Weights of the inputs.
    bias : ndarray of float64, shape (neurons,)
        Current in every step.
    leak : ndarray of float64, shape (neurons,)
        Share of the distance to ``v_leak`` that a potential goes in a step: ``dt / tau``, or 0.
    gain : ndarray of float64, shape (neurons,)
        What a current of 1 adds in a step: ``r dt / tau`` of a LIF, ``r dt`` of an IF.
    v_leak, v_threshold, v_reset : ndarray of float64, shape (neurons,)
        Potential at rest, threshold (to be exceeded), and potential after a spike.
    recurrent : ndarray of float64, shape (neurons, neurons), or None
        Weights by which a spike of a neuron (column) reaches the others a step later.
    subtract : bool
        Whether a spike takes the threshold from the potential, in place of ``v_reset``; simulators
        have this, and NIR has no word for it.
    """

    weight: _Floats
    bias: _Floats
    leak: _Floats
    gain: _Floats
    v_leak: _Floats
    v_threshold: _Floats
    v_reset: _Floats
    recurrent: _Floats | None = None
    subtract: bool = False


def simulate(layer: FloatLayer, spikes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Show spikes to a layer that starts at potential 0.

    Parameters
    ----------
    layer : FloatLayer
        The layer.
    spikes : ndarray of bool, shape (n, steps, inputs)
        Input spikes of ``n`` presentations.

    Returns
    -------
    ndarray of bool, shape (n, steps, neurons)
        Output spikes.
    """
    presentations, steps, _ = spikes.shape
    neurons = len(layer.bias)
    v = np.zeros((presentations, neurons))
    fired = np.zeros((presentations, neurons), dtype=np.bool_)
    out = np.empty((presentations, steps, neurons), dtype=np.bool_)
    for step in range(steps):
        current = spikes[:, step].astype(np.float64) @ layer.weight.T + layer.bias
        if layer.recurrent is not None and (after := fired.any(axis=1)).any():
            current[after] += fired[after].astype(np.float64) @ layer.recurrent.T
        v += layer.leak * (layer.v_leak - v) + layer.gain * current
        fired = v > layer.v_threshold
        v = np.where(fired, v - layer.v_threshold if layer.subtract else layer.v_reset, v)
        out[:, step] = fired
    return out
