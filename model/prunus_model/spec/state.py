"""State of a network (semantics, section 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.formats import (
    BIAS_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    RATE_BITS,
    THETA_BITS,
    V_FIRE_BITS,
    max_of,
)
from prunus_model.spec.pruning import LiftPruning, SoftPruning

__all__ = ["NO_STEP", "STATE_DTYPES", "State", "state_dtypes", "strengths"]

#: ``last_step`` of an input that has not spiked in this presentation.
NO_STEP = -1


@dataclass(slots=True, kw_only=True)
class State:
    """All state variables of a network. Widths: :mod:`prunus_model.spec.formats`.

    *rows* are the inputs of all groups, one group after the other, *all* the neurons of all groups.
    A network that is not divided is one group.

    Attributes
    ----------
    weights : ndarray of uint8, shape (rows, neurons)
        ``weights[group * inputs + pre, post]``, 0..w_max. With ``feedforward`` of int8,
        w_min..w_max.
    alive : ndarray of bool, shape (rows, neurons)
        False where the synapse is pruned: then its weight is 0, and it never comes back.
    frozen : ndarray of bool, shape (rows, neurons)
        Frozen at 0 by soft pruning: alive, still read, never updated again.
    theta : ndarray of int32, shape (all,)
        Adaptive part of the firing threshold.
    strength : ndarray of int32, shape (all,)
        Sum of the neuron's weights; with ``feedforward`` 0.
    post_count : ndarray of int32, shape (all,)
        Output spikes while learning, ever (saturating).
    active_count : ndarray of int32, shape (all,)
        Learning presentations with at least ``min_spikes`` spikes (soft pruning; else 0).
    v : ndarray of int32, shape (neurons,)
        Membrane potential, of the group shown last. Signed with ``feedforward``.
    v_fire : ndarray of int32, shape (all,)
        Firing threshold in force; with ``feedforward`` given, not derived, and at least 1.
    last_step : ndarray of int16, shape (inputs,)
        Step of the last spike of each input in this presentation, :data:`NO_STEP` if none; of the
        group shown last.
    input_rate : ndarray of int32, shape (rows,)
        Share of the learning sweeps of its group in which each input was recently active, in
        1/65536; only with policy ``lift``, else of shape (0,).
    bias : ndarray of int32, shape (neurons,)
        What is added to the potential of each neuron in every step, signed, of
        :data:`prunus_model.spec.formats.BIAS_BITS` bits; only with ``feedforward``, else of shape
        (0,).
    presentation : int
        Number of the next presentation; selects the random streams.
    """

    weights: npt.NDArray[Any]
    alive: npt.NDArray[np.bool_]
    frozen: npt.NDArray[np.bool_]
    theta: npt.NDArray[np.int32]
    strength: npt.NDArray[np.int32]
    post_count: npt.NDArray[np.int32]
    active_count: npt.NDArray[np.int32]
    v: npt.NDArray[np.int32]
    v_fire: npt.NDArray[np.int32]
    last_step: npt.NDArray[np.int16]
    input_rate: npt.NDArray[np.int32]
    bias: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    presentation: int

    @property
    def plastic(self) -> npt.NDArray[np.bool_]:
        """Synapses that still learn, neither pruned nor frozen; shape (rows, neurons)."""
        return self.alive & ~self.frozen

    @classmethod
    def initial(cls, config: NetworkConfig) -> State:
        """Return the state before training.

        Weights are ``default_rng(seed).integers(0, max(2, (3 << weight_bits) // 10))``, of each
        group with its own seed, all synapses are alive, everything else is 0. (Below 3 bits the
        quotient alone would give nothing but zeros, and a network that never fires.)

        A feed-forward layer has no training: weights and bias are 0, firing thresholds the highest.
        """
        shape = (config.rows, config.neurons)
        signed = config.feedforward is not None
        high = max(2, (3 << config.weight_bits) // 10)
        weights = np.concatenate(
            [
                np.random.default_rng(config.view_seed(group))
                .integers(0, high, (config.inputs, config.neurons))
                .astype(np.uint8)
                for group in range(config.group_count)
            ]
        )
        if signed:
            weights = np.zeros(shape, dtype=np.int8)
        return cls(
            weights=weights,
            alive=np.ones(shape, dtype=np.bool_),
            frozen=np.zeros(shape, dtype=np.bool_),
            theta=np.zeros(config.all_neurons, dtype=np.int32),
            strength=strengths(weights, config),
            post_count=np.zeros(config.all_neurons, dtype=np.int32),
            active_count=np.zeros(config.all_neurons, dtype=np.int32),
            v=np.zeros(config.neurons, dtype=np.int32),
            v_fire=np.full(
                config.all_neurons, max_of(V_FIRE_BITS) if signed else 0, dtype=np.int32
            ),
            last_step=np.full(config.inputs, NO_STEP, dtype=np.int16),
            input_rate=np.zeros(_rates(config), dtype=np.int32),
            bias=np.zeros(_biases(config), dtype=np.int32),
            presentation=0,
        )

    def plastic_counts(self, config: NetworkConfig) -> npt.NDArray[np.int64]:
        """Return how many synapses of each neuron still learn: int64, shape (all,)."""
        shape = (config.group_count, config.inputs, config.neurons)
        counts: npt.NDArray[np.int64] = np.count_nonzero(self.plastic.reshape(shape), axis=1)
        return counts.reshape(-1)

    def group(self, number: int, config: NetworkConfig) -> State:
        """Return the state of one group; arrays are parts of those here, not copies."""
        rows = slice(number * config.inputs, (number + 1) * config.inputs)
        posts = slice(number * config.neurons, (number + 1) * config.neurons)
        return State(
            weights=self.weights[rows],
            alive=self.alive[rows],
            frozen=self.frozen[rows],
            theta=self.theta[posts],
            strength=self.strength[posts],
            post_count=self.post_count[posts],
            active_count=self.active_count[posts],
            v=self.v,
            v_fire=self.v_fire[posts],
            last_step=self.last_step,
            input_rate=self.input_rate[rows],
            bias=self.bias,
            presentation=self.presentation,
        )

    def copy(self) -> State:
        """Return an independent copy."""
        return State(
            **{name: getattr(self, name).copy() for name in STATE_DTYPES},
            presentation=self.presentation,
        )

    def differences(self, other: State) -> list[str]:
        """Return one line for each state variable that differs, with the first place."""
        lines = []
        for name in STATE_DTYPES:
            a, b = getattr(self, name), getattr(other, name)
            if a.shape != b.shape:
                lines.append(f"{name}: shape {a.shape} and {b.shape}")
            elif (where := np.argwhere(a != b)).size:
                at = tuple(where[0].tolist())
                lines.append(f"{name}[{', '.join(map(str, at))}]: {a[at]} and {b[at]}")
        if self.presentation != other.presentation:
            lines.append(f"presentation: {self.presentation} and {other.presentation}")
        return lines

    def check(self, config: NetworkConfig) -> None:
        """Check shapes, types, ranges and all that must always hold.

        Raises
        ------
        ValueError
            With one line that names the variable and the first bad place.
        """
        synapses = (config.rows, config.neurons)
        shapes = dict.fromkeys(STATE_DTYPES, (config.all_neurons,)) | {
            "v": (config.neurons,),
            "weights": synapses,
            "alive": synapses,
            "frozen": synapses,
            "last_step": (config.inputs,),
            "input_rate": (_rates(config),),
            "bias": (_biases(config),),
        }
        for name, dtype in state_dtypes(config).items():
            array = getattr(self, name)
            if array.shape != shapes[name]:
                raise ValueError(f"{name} must have shape {shapes[name]}, not {array.shape}")
            if array.dtype != dtype:
                raise ValueError(f"{name} must be {np.dtype(dtype)}, not {array.dtype}")
        f, signed = config.formats, config.feedforward is not None
        for name, low, high in (
            ("weights", f.w_min, f.w_max),
            ("theta", 0, 0 if signed else max_of(THETA_BITS)),
            ("post_count", 0, 0 if signed else max_of(POST_COUNT_BITS)),
            ("active_count", 0, 0 if signed else max_of(POST_COUNT_BITS)),
            ("v", f.v_min, f.v_max),
            ("v_fire", int(signed), max_of(V_FIRE_BITS)),
            ("bias", -(1 << BIAS_BITS - 1), max_of(BIAS_BITS - 1)),
            ("last_step", NO_STEP, config.encoder.steps - 1),
            ("input_rate", 0, max_of(RATE_BITS)),
        ):
            _first(name, getattr(self, name), low, high)
        if not 0 <= self.presentation <= max_of(PRESENTATION_BITS):
            raise ValueError(
                f"presentation must be in 0..{max_of(PRESENTATION_BITS)}, not {self.presentation}"
            )
        if np.any(wrong := (self.weights != 0) & ~self.plastic):
            pre, post = np.argwhere(wrong)[0].tolist()
            raise ValueError(f"weights[{pre}, {post}] must be 0 because it is pruned")
        if np.any(self.frozen) and not isinstance(config.pruning, SoftPruning):
            raise ValueError("frozen must be all False for a policy other than soft")
        if np.any(self.frozen & ~self.alive):
            raise ValueError("frozen must be False where alive is False")
        if np.any(wrong := self.strength != strengths(self.weights, config)):
            post = int(np.argmax(wrong))
            must = "0, with feedforward" if signed else "the sum of its weights"
            raise ValueError(f"strength[{post}] must be {must}")


def strengths(weights: npt.NDArray[Any], config: NetworkConfig) -> npt.NDArray[np.int32]:
    """Return the sum of the weights of each neuron: int32, shape (all,).

    It is 0 for a feed-forward layer, which does not use it.
    """
    if config.feedforward:
        return np.zeros(config.all_neurons, dtype=np.int32)
    shape = (config.group_count, config.inputs, config.neurons)
    sums: npt.NDArray[np.int32] = weights.reshape(shape).sum(axis=1, dtype=np.int32)
    return sums.reshape(-1)


def _rates(config: NetworkConfig) -> int:
    """Return how many rates of inputs there are."""
    return config.rows if isinstance(config.pruning, LiftPruning) else 0


def _biases(config: NetworkConfig) -> int:
    """Return how many biases there are."""
    return config.all_neurons if config.feedforward else 0


def _first(name: str, array: npt.NDArray[np.generic], low: int, high: int) -> None:
    """Raise if a value is out of range."""
    values = array.astype(np.int64)
    bad = np.argwhere((values < low) | (values > high))
    if bad.size:
        at = tuple(bad[0].tolist())
        where = ", ".join(map(str, at))
        raise ValueError(f"{name}[{where}] must be in {low}..{high}, not {values[at]}")


def state_dtypes(config: NetworkConfig) -> dict[str, type[np.generic]]:
    """Return the array-valued state variables and their types for a network."""
    return STATE_DTYPES | ({"weights": np.int8} if config.feedforward else {})


#: Array-valued state variables and their types; of a network that learns
#: (:func:`state_dtypes`).
STATE_DTYPES: dict[str, type[np.generic]] = {
    "weights": np.uint8,
    "alive": np.bool_,
    "frozen": np.bool_,
    "theta": np.int32,
    "strength": np.int32,
    "post_count": np.int32,
    "active_count": np.int32,
    "v": np.int32,
    "v_fire": np.int32,
    "last_step": np.int16,
    "input_rate": np.int32,
    "bias": np.int32,
}
