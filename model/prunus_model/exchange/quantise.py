"""A layer of floating-point neurons in integers, and what that has cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.exchange.simulate import FloatLayer
from prunus_model.reference.feedforward import settle
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import BIAS_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.state import State

__all__ = ["Loss", "can_fire", "quantised"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What rounding has changed. Errors are in units of the graph, after its gain.

    Attributes
    ----------
    scale : float
        Integers of a potential of 1.
    largest_weight : float
        Of all weights, in magnitude.
    weight_error, bias_error, threshold_error : float
        Largest, in magnitude. Of a threshold that is not clipped it is half an integer at most.
    biases_clipped, thresholds_clipped : int
        How many did not fit.
    zeros, rounded_to_zero : int
        Synapses without weight, which are pruned; those of them that had one.
    never_fire : int
        Neurons that fire for no input at all.
    """

    scale: float
    largest_weight: float
    weight_error: float
    bias_error: float
    threshold_error: float
    biases_clipped: int
    thresholds_clipped: int
    zeros: int
    rounded_to_zero: int
    never_fire: int

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it by name, for provenance and JSON."""
        return asdict(self)


def quantised(layer: FloatLayer, config: NetworkConfig) -> tuple[State, Loss]:
    """Return the state of a feed-forward network, ready for its first presentation.

    All numbers are multiplied by one scale, by which the largest weight is the largest integer, and
    rounded. A neuron of NIR fires *above* its threshold, one here *at* it, so thresholds are
    rounded down, plus 1. What a leak towards ``v_leak`` adds in every step is a bias.

    Parameters
    ----------
    layer : FloatLayer
        As NIR says it; not recurrent, ``v_reset`` 0.
    config : NetworkConfig
        Of a feed-forward layer, of the same size.
    """
    f = config.formats
    weights = (layer.weight * layer.gain[:, np.newaxis]).T
    bias = layer.bias * layer.gain + layer.leak * layer.v_leak
    largest = float(np.abs(weights).max())
    scale = f.w_max / largest if largest else 1.0
    state = State.initial(config)
    state.weights[:] = np.rint(weights * scale)
    state.alive[:] = state.weights != 0
    bias_low, bias_high = -(1 << BIAS_BITS - 1), max_of(BIAS_BITS - 1)
    whole_bias = np.rint(bias * scale)
    state.bias[:] = np.clip(whole_bias, bias_low, bias_high)
    whole_v_fire = np.floor(layer.v_threshold * scale) + 1
    state.v_fire[:] = np.clip(whole_v_fire, 1, max_of(V_FIRE_BITS))
    loss = Loss(
        scale=scale,
        largest_weight=largest,
        weight_error=_largest(state.weights / scale - weights),
        bias_error=_largest(state.bias / scale - bias),
        threshold_error=_largest((state.v_fire - 0.5) / scale - layer.v_threshold),
        biases_clipped=int(np.count_nonzero(state.bias != whole_bias)),
        thresholds_clipped=int(np.count_nonzero(state.v_fire != whole_v_fire)),
        zeros=int(np.count_nonzero(~state.alive)),
        rounded_to_zero=int(np.count_nonzero(~state.alive & (weights != 0))),
        never_fire=int(np.count_nonzero(~can_fire(state, config))),
    )
    return state, loss


def can_fire(state: State, config: NetworkConfig) -> npt.NDArray[np.bool_]:
    """Return which neurons fire if all inputs with positive weights spike in every step.

    Whatever else is shown, a potential is never larger.

    Returns
    -------
    ndarray of bool, shape (neurons,)
    """
    most = np.maximum(state.weights, 0).sum(axis=0, dtype=np.int64) + state.bias
    v = np.zeros(config.neurons, dtype=np.int64)
    fires = np.zeros(config.neurons, dtype=np.bool_)
    for _ in range(config.encoder.steps):
        v = v + most
        fires |= v >= state.v_fire
        v = settle(v, config.membrane.leak_shift)
    return fires


def _largest(errors: _Floats) -> float:
    return float(np.abs(errors).max(initial=0.0))
